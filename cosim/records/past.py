"""What the windows before one have left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Carried = Mapping[tuple[str, str], Mapping[str, float]]
"""(participant, device) -> name -> value, by the names of the device's ports."""


@dataclass(frozen=True, slots=True)
class Past:
    """The states that a window starts from.

    Attributes:
        now: at the end of the window before; empty where a window stands alone.
        origin: at the beginning of the whole horizon, where the first window chose it.
    """

    now: Carried = field(default_factory=dict)
    origin: Carried = field(default_factory=dict)
