"""Turn validation errors into problems: file, field, value found, value expected, advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cosim.errors import Problem

MAX_IDS = 5


def some(ids: list[Any]) -> str:
    """Return at most five items and how many more there are."""
    text = ", ".join(str(item) for item in ids[:MAX_IDS])
    return text if len(ids) <= MAX_IDS else f"{text} and {len(ids) - MAX_IDS} more"


def from_validation(error: ValidationError, file: str, raw: Any) -> list[Problem]:
    """Return one problem per validation error.

    Args:
        error: raised by a model of this package.
        file: name of the file, as the user knows it.
        raw: the content that was validated, to show the user's own words and leave out the
            names of union branches from the path.
    """
    problems = []
    for item in error.errors():
        where, found = _locate(item["loc"], raw)
        problems.append(_problem(f"{file}: {where}" if where else file, found, item))
    return _without_repeats(problems)


def _locate(path: tuple[int | str, ...], raw: Any) -> tuple[str, Any]:
    """Follow `path` through the user's data; parts that are not keys there are union branches."""
    parts: list[str] = []
    here = raw
    for part in path:
        inside, here_next = _enter(here, part)
        if inside:
            here = here_next
        elif part == path[-1] and isinstance(here, Mapping) and _is_field(part):
            return ".".join([*parts, str(part)]), None
        else:
            continue
        parts.append(str(part))
    return ".".join(parts), here


def _enter(here: Any, part: int | str) -> tuple[bool, Any]:
    if isinstance(here, Mapping) and part in here:
        return True, here[part]
    if isinstance(here, (list, tuple)) and isinstance(part, int) and part < len(here):
        return True, here[part]
    return False, None


def _is_field(part: int | str) -> bool:
    return isinstance(part, str) and part.isidentifier()


def _problem(where: str, found: Any, item: Any) -> Problem:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return Problem(
            where, "unknown field", "a documented field", "check the spelling or remove it"
        )
    if kind == "missing":
        return Problem(where, "missing", "a value", "add the field")
    if kind == "value_error":
        return Problem(where, str(context.get("error", item["msg"])), "a consistent entry")
    if kind == "union_tag_invalid":
        return Problem(
            where, f"unknown kind {context.get('tag')}", f"one of {context.get('expected_tags')}"
        )
    if kind == "union_tag_not_found":
        return Problem(
            where, "no kind", "kind: electric, heat, cooling or gas", "add the field kind"
        )
    message = str(item["msg"])
    expected = message.removeprefix("Input should be ").removeprefix("Input ")
    return Problem(where, _show(found), expected, _advice(kind))


def _advice(kind: str) -> str:
    if kind.startswith(("greater_than", "less_than")):
        return "give a value in this range"
    if kind.startswith(("float", "int")):
        return "give a number"
    return ""


def _show(found: Any) -> str:
    if found is None:
        return "nothing"
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without_repeats(problems: list[Problem]) -> list[Problem]:
    """Keep one problem per place: a union reports one error per branch."""
    first: dict[str, Problem] = {}
    for problem in problems:
        known = first.get(problem.where)
        if known is None:
            first[problem.where] = problem
        elif problem.expected not in known.expected:
            first[problem.where] = Problem(
                known.where, known.found, f"{known.expected}, or {problem.expected}", known.advice
            )
    return list(first.values())
