"""Numbers that may vary over time: a constant, a profile by name, a scaled profile, a list."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cosim.scenario.base import Strict


class ProfileRef(Strict):
    """A column of the scenario's profile files, scaled."""

    profile: str
    """Column name."""
    scale: float = 1.0
    """Multiplies every value; carries the unit where the profile is dimensionless."""
    offset: float = 0.0
    """Added after scaling."""


Series = Annotated[float | str | ProfileRef | tuple[float, ...], Field(union_mode="left_to_right")]
"""A constant, a profile name, a scaled profile, or one value per step."""
