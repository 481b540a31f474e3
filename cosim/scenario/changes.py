"""A scenario file with some of its fields changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from cosim.errors import Problem, ScenarioError

NAMED = (1, 3)
"""Places in `participants.<name>.devices.<name>` where names stand, which are not invented."""


def with_changes(raw: Mapping[str, Any], changes: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return the content of a scenario file with other values in some places.

    Args:
        raw: as read.
        changes: dotted field, such as `participants.farm.devices.pv.rated_kw`, -> value. Sections
            on the way that the file leaves out are added; whether a field exists is for the
            validation to say.
        file: name for messages.

    Raises:
        ScenarioError: if a field lies inside something that is no section.
    """
    changed = copy.deepcopy(dict(raw))
    problems = [p for field, value in changes.items() if (p := _set(changed, field, value, file))]
    if problems:
        raise ScenarioError(problems)
    return changed


def _set(content: dict[str, Any], field: str, value: Any, file: str) -> Problem | None:
    *sections, last = field.split(".")
    here: Any = content
    advice = f"correct the field {field!r} of the study"
    for k, section in enumerate(sections):
        where = f"{file}: {'.'.join(sections[: k + 1])}"
        if sections[0] == "participants" and k in NAMED and section not in here:
            known = ", ".join(str(name) for name in list(here)[:8]) or "none"
            return Problem(where, "no such entry", f"one of {known}", advice)
        here = here.setdefault(section, {})
        if not isinstance(here, dict):
            return Problem(where, f"the value {here!r}", "a section", advice)
    here[last] = value
    return None
