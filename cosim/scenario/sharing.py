"""The `sharing` section: how energy goes from participant to participant."""

from __future__ import annotations

from typing import Literal

from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative


class Link(Strict):
    """Two participants who may trade with each other."""

    between: tuple[str, str]
    """Names of participants, in any order."""
    max_kw: NonNegative | None = None
    """Most that may flow, each way; `link_max_kw` if missing."""


class Sharing(Strict):
    """How one carrier is shared."""

    form: Literal["pool", "bilateral", "none"] = "pool"
    """`pool`: everyone gives to and takes from all; `bilateral`: contracts from participant to
    participant."""
    fee_per_kwh: NonNegative = 0.0
    """Management fee on shared energy, on each side, paid to the system operator."""
    grid_fee_per_kwh: NonNegative = 0.0
    """Grid fee and levies on shared energy, paid by whoever receives it to the network operator,
    who is outside the community."""
    link_max_kw: NonNegative | None = None
    """With `form: bilateral`: most that may flow between two participants, each way; no limit but
    those of the connections if missing."""
    links: tuple[Link, ...] | None = None
    """With `form: bilateral`: who may trade with whom; everyone with everyone if missing."""


class SystemOperator(Strict):
    """Who runs the sharing."""

    player: bool = False
    """A player of the game: without it no coalition can share."""
    cost_per_kwh: NonNegative = 0.0005
    """Its own running cost per kWh shared (metering, billing)."""
