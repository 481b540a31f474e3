"""The `design` section: which units to buy and which heat pipes to lay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cosim.scenario.base import Strict
from cosim.scenario.design_catalogue import KINDS, Catalogue, Efficiency, PipeType
from cosim.scenario.networks import Fraction, HeatLimits, Positive

Peak = Literal["heat", "electricity", "cooling"]


class TypicalDaysSection(Strict):
    """The days that stand for the year."""

    count: Annotated[int, Field(ge=1, le=60)] = 6
    """Number of typical days."""
    method: Literal["kmedoids", "hierarchical"] = "hierarchical"
    """How days are grouped; each group is represented by a real day of its own (medoid). Both give
    the same days every time."""
    design_days: tuple[Peak, ...] = ("heat", "electricity", "cooling")
    """Days with the highest hourly demand of all buildings together; they weigh nothing in the
    cost, but have to be served."""


class EconomicsSection(Strict):
    """How money at different times compares."""

    interest: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Yearly, for the capital recovery factor i (1+i)^n / ((1+i)^n - 1); 1/n without interest."""


class Site(Strict):
    """Where a building stands, for the map."""

    x_m: float
    y_m: float


class Route(Strict):
    """A trench in which a pair of heat pipes may be laid."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    between: tuple[str, str]
    """Two buildings."""
    length_m: Positive
    """Of the trench."""


class PipesSection(Strict):
    """Candidate heat pipes and the temperatures they are run at."""

    routes: tuple[Route, ...] = ()
    catalogue: tuple[PipeType, ...] = ()
    """Sizes; at most one per route is laid."""
    life_years: Positive = 30.0
    subsidy_share: Fraction = 0.0
    """Share of the price that somebody else pays."""
    supply_c: float = 85.0
    return_c: float = 55.0
    ground_c: float = 10.0
    velocity_max_m_per_s: Positive = 1.5
    """Gives, with the temperatures, the most heat that a size carries."""
    pressure_drop_max_pa_per_m: Positive | None = 250.0
    """Limits the same by friction; usual for house and distribution pipes. Velocity alone limits
    if missing."""
    dp_max_bar: Positive = 3.0
    """Most head of the circulation pump; only the pipe flow of the verification knows what a
    whole way needs, and refuses designs that need more."""
    pump_efficiency: Efficiency = 0.6
    """Hydraulic power over electric power."""
    limits: HeatLimits = HeatLimits()
    """What the verification checks in the network of the laid pipes."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.supply_c <= self.return_c:
            raise ValueError(
                f"supply_c {self.supply_c:g} is not above return_c {self.return_c:g}; heat needs a "
                "temperature drop"
            )
        if self.routes and not self.catalogue:
            raise ValueError("routes without a catalogue of pipe sizes; add pipes.catalogue")
        for kind, names in (
            ("routes", [route.name for route in self.routes]),
            ("catalogue", [f"dn {size.dn}" for size in self.catalogue]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{twice[0]} twice in {kind}; give each a name of its own")
        return self


class DesignVerification(Strict):
    """How long physics and design go back and forth."""

    iterations: Annotated[int, Field(ge=1)] = 8
    """Designs that are tried before the run is unresolved."""


class DesignSolver(Strict):
    """How far the design of each coalition is proven."""

    gap: Annotated[float, Field(gt=0.0, lt=0.5)] = 1e-3
    """Relative gap at which the search ends."""
    time_limit_s: Positive = 120.0
    """Per coalition; after it the best design so far is taken, with its gap."""


class Design(Strict):
    """Design mode: with this section `cosim run` sizes instead of only operating."""

    typical_days: TypicalDaysSection = TypicalDaysSection()
    economics: EconomicsSection = EconomicsSection()
    catalogue: Catalogue
    candidates: Mapping[str, tuple[str, ...]] = {}
    """Building -> kinds or CHP types that may be bought there; everything if not named."""
    sites: Mapping[str, Site] = {}
    pipes: PipesSection = PipesSection()
    verify: DesignVerification = DesignVerification()
    solver: DesignSolver = DesignSolver()

    def allows(self, building: str, kind: str, name: str) -> bool:
        """Return whether a kind, or a CHP type of it, may be bought in a building."""
        listed = self.candidates.get(building)
        return listed is None or kind in listed or name in listed


__all__ = [
    "KINDS",
    "Design",
    "DesignSolver",
    "DesignVerification",
    "EconomicsSection",
    "PipesSection",
    "Route",
    "Site",
    "TypicalDaysSection",
]
