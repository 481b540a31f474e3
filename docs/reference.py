"""Write docs/scenario.md: every field of a scenario file, from the models' own docstrings."""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cosim.market.devices import DEVICE_TYPES
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.series import ProfileRef

HEAD = """# Scenario files

A scenario is a folder with `scenario.yaml`, its profiles (CSV or Parquet) and its network files
(pandapower or pandapipes JSON). `cosim check FOLDER` validates it and shows every problem at once.
Field names carry their units. A *series* is a constant, the name of a profile column, a mapping
`{profile: NAME, scale: X, offset: Y}`, or a list with one value per step.

This page is made by `python docs/reference.py` from the models themselves.
"""


def main() -> None:
    """Write the page beside this script."""
    (Path(__file__).parent / "scenario.md").write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the whole page."""
    seen: set[type[BaseModel]] = {ScenarioConfig, ProfileRef}
    parts = [HEAD, section("Scenario", ScenarioConfig), *below(ScenarioConfig, seen)]
    parts.append("# Devices\n\nEach entry of `participants.NAME.devices` has a `type`.\n")
    for name, model in sorted(DEVICE_TYPES.items()):
        parts += [section(f"`type: {name}`", model, skip="type"), *below(model, seen)]
    return "\n".join(parts)


def below(top: type[BaseModel], seen: set[type[BaseModel]]) -> list[str]:
    """Return the sections of all models that a model is made of, level by level, each once."""
    parts = []
    queue = nested(top)
    while queue:
        model = queue.pop(0)
        if model in seen:
            continue
        seen.add(model)
        parts.append(section(model.__name__, model))
        queue.extend(nested(model))
    return parts


def section(title: str, model: type[BaseModel], skip: str = "") -> str:
    """Return one model as a heading, its first sentence and a table of fields."""
    first = (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    rows = [
        f"| `{name}` | {kind(info)} | {default(info)} | {text(info)} |"
        for name, info in model.model_fields.items()
        if name != skip
    ]
    head = ["| field | accepts | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", re.sub(r"\s+", " ", first), "", *head, *rows, ""])


def kind(info: FieldInfo) -> str:
    """Return what a field accepts, for people."""
    shown = type_text(info.annotation)
    bounds = [
        f"{sign} {getattr(item, name):g}"
        for item in info.metadata
        for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
        if getattr(item, name, None) is not None
    ]
    return f"{shown} ({', '.join(bounds)})" if bounds else shown


def type_text(annotation: object) -> str:
    """Return a type as words."""
    if annotation is ProfileRef:
        return "series"
    origin = typing.get_origin(annotation)
    args = typing.get_args(annotation)
    if ProfileRef in args:
        return "series"
    if origin is typing.Annotated:
        return type_text(args[0])
    if origin is typing.Literal:
        return ", ".join(f"`{a}`" for a in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_text(a) for a in args if a is not type(None)))
    if origin is tuple:
        return f"list of {type_text(args[0])}"
    if origin is not None and len(args) == 2:
        return f"mapping of {type_text(args[0])} to {type_text(args[1])}"
    names = {float: "number", int: "whole number", str: "text", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))  # type: ignore[call-overload]


def default(info: FieldInfo) -> str:
    """Return a default for people."""
    if info.is_required():
        return "required"
    if info.default is None:
        return "none"
    return "see there" if isinstance(info.default, BaseModel) else f"`{info.default}`"


def text(info: FieldInfo) -> str:
    """Return a description on one line."""
    return re.sub(r"\s+", " ", info.description or "").replace("|", "/")


def nested(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the models that a model's fields are made of."""
    found: list[type[BaseModel]] = []

    def visit(annotation: object) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        for part in typing.get_args(annotation):
            visit(part)

    for info in model.model_fields.values():
        visit(info.annotation)
    return found


if __name__ == "__main__":
    main()
