"""What a design problem is made of: buildings on typical days, offers, and candidate pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cosim.market.design.economics import pipe_cost_per_year
from cosim.market.design.pipes import PipeCapability, capability
from cosim.records import read_only
from cosim.records.design import TypicalDay
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.design import Design, Route
from cosim.scenario.design_catalogue import ChpType, PipeType, Sized, of_site
from cosim.scenario.participants import Connection
from cosim.scenario.series import Series
from cosim.scenario.tariffs import Tariff
from cosim.scenario.typical_days import DAYS, HOURS_PER_DAY, on_day, typical_days
from cosim.units import KG_PER_T

SERIES_OF_KIND = {"chiller": "eer", "heat_pump": "cop", "pv": "profile"}
"""Field of an offer that may vary over time."""


@dataclass(frozen=True, slots=True)
class Utility:
    """What a building pays and gets for a carrier, K steps.

    Attributes:
        buy: per kWh, shape (K,).
        sell: shape (K,); None where nothing can be sold.
        co2_tax: per kWh bought.
        import_max_kw, export_max_kw: of the connection.
        standing: per year.
    """

    buy: FloatArray
    sell: FloatArray | None
    co2_tax: float
    import_max_kw: float
    export_max_kw: float
    standing: float


@dataclass(frozen=True, slots=True)
class Building:
    """A building on the typical days.

    Attributes:
        name: of the participant.
        demand: carrier -> kW, shape (K,).
        utilities: carrier -> prices.
        chp: types that may be bought.
        offers: kind -> what may be bought in any size.
        limits: kind -> smallest size that is sold, and the largest; None where only demand limits.
        series: kind -> EER, COP or availability, shape (K,).
    """

    name: str
    demand: Mapping[str, FloatArray]
    utilities: Mapping[str, Utility]
    chp: tuple[ChpType, ...]
    offers: Mapping[str, Sized]
    limits: Mapping[str, tuple[float, float | None]]
    series: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Choice:
    """One size on one route.

    Attributes:
        size: of the catalogue.
        can: what it carries, loses and needs.
        cost_per_year: after the subsidy.
    """

    size: PipeType
    can: PipeCapability
    cost_per_year: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route with the sizes that may be laid on it, small ones first."""

    route: Route
    choices: tuple[Choice, ...]

    @property
    def ends(self) -> tuple[str, str]:
        """Buildings at the ends."""
        return self.route.between

    @property
    def pump_share(self) -> float:
        """Electricity over heat moved: that of the size that needs most."""
        return max((choice.can.pump_share for choice in self.choices), default=0.0)


@dataclass(frozen=True, slots=True)
class Pool:
    """Electricity from member to member.

    Attributes:
        fee: on each kWh, on each side.
        grid_fee: on each kWh received.
    """

    fee: float
    grid_fee: float


@dataclass(frozen=True, slots=True)
class DesignProblem:
    """Everything that the design of any coalition is made from.

    Attributes:
        spec: the `design` section.
        days: D typical and design days; K = 24 D steps, day by day.
        buildings: by name.
        candidates: routes with their sizes.
        pool: how electricity is shared; None where it is not.
        threads: for the solver.
    """

    spec: Design
    days: tuple[TypicalDay, ...]
    buildings: Mapping[str, Building]
    candidates: tuple[Candidate, ...]
    pool: Pool | None
    threads: int

    @property
    def steps(self) -> int:
        """K, number of steps of all days."""
        return HOURS_PER_DAY * len(self.days)

    @property
    def hours(self) -> FloatArray:
        """Hours of the year that each step stands for, shape (K,)."""
        return np.repeat([day.weight_days for day in self.days], HOURS_PER_DAY)

    def step(self, day: str, hour: int) -> int:
        """Return the step of an hour of a day."""
        names = [one.name for one in self.days]
        return HOURS_PER_DAY * names.index(day) + hour

    def inside(self, members: frozenset[str]) -> tuple[Candidate, ...]:
        """Return the routes whose ends are both in a coalition."""
        return tuple(one for one in self.candidates if members.issuperset(one.ends))


def build_design_problem(scenario: Scenario) -> DesignProblem:
    """Return the design problem of a scenario with a `design` section, typical days included."""
    design = scenario.config.design
    if design is None:
        raise ValueError("no design section")
    days = typical_days(scenario)
    sharing = scenario.config.sharing.get("electricity")
    pooled = sharing is not None and sharing.form == "pool"
    return DesignProblem(
        spec=design,
        days=days,
        buildings={name: _building(scenario, design, days, name) for name in _names(scenario)},
        candidates=tuple(_candidate(design, route) for route in design.pipes.routes),
        pool=Pool(sharing.fee_per_kwh, sharing.grid_fee_per_kwh) if sharing and pooled else None,
        threads=scenario.config.solver.threads,
    )


def _names(scenario: Scenario) -> list[str]:
    return list(scenario.config.participants)


def _building(
    scenario: Scenario, design: Design, days: tuple[TypicalDay, ...], name: str
) -> Building:
    participant = scenario.config.participants[name]

    def series(value: Series) -> FloatArray:
        return read_only(np.concatenate([on_day(scenario, day, value) for day in days]))

    offers = {
        kind: offer
        for kind, offer in design.catalogue.sized().items()
        if design.allows(name, kind, kind) and _served(kind, map(str, participant.connections))
    }
    limits = {kind: _limits(offer, name) for kind, offer in offers.items()}
    offers = {kind: offer for kind, offer in offers.items() if limits[kind][1] != 0.0}
    gas = "gas" in participant.connections
    return Building(
        name=name,
        demand={carrier: series(value) for carrier, value in participant.demand.items()},
        utilities={
            carrier: _utility(
                connection,
                connection.tariff or scenario.config.tariffs[carrier],
                scenario.config.carbon.tax_per_t,
                series,
            )
            for carrier, connection in participant.connections.items()
        },
        chp=tuple(t for t in design.catalogue.chp if gas and design.allows(name, "chp", t.name)),
        offers=offers,
        limits=limits,
        series={
            kind: series(getattr(offer, SERIES_OF_KIND[kind]))
            for kind, offer in offers.items()
            if kind in SERIES_OF_KIND
        },
    )


def _served(kind: str, connections: Iterable[str]) -> bool:
    """Return whether a building has the connection that a kind runs on."""
    has = list(connections)
    needs = {"boiler": "gas", "chiller": "electricity", "heat_pump": "electricity"}
    return needs.get(kind, "electricity") in has or kind == "heat_storage"


def _limits(offer: Sized, name: str) -> tuple[float, float | None]:
    unit = "kwh" if hasattr(offer, "max_kwh") else "kw"
    largest = of_site(getattr(offer, f"max_{unit}"), name)
    return float(getattr(offer, f"min_{unit}", 0.0)), largest


def _utility(
    connection: Connection,
    tariff: Tariff,
    tax_per_t: float,
    series: Callable[[Series], FloatArray],
) -> Utility:
    return Utility(
        buy=series(tariff.buy),
        sell=None if tariff.sell is None else series(tariff.sell),
        co2_tax=tax_per_t / KG_PER_T * tariff.co2_kg_per_kwh,
        import_max_kw=connection.import_max_kw,
        export_max_kw=connection.export_max_kw,
        standing=DAYS * tariff.standing_per_day,
    )


def _candidate(design: Design, route: Route) -> Candidate:
    pipes, interest = design.pipes, design.economics.interest
    choices = []
    for size in sorted(pipes.catalogue, key=lambda one: one.inner_diameter_m):
        can = capability(size, route.length_m, pipes)
        cost = pipe_cost_per_year(
            size.cost_per_m, route.length_m, interest, pipes.life_years, pipes.subsidy_share
        )
        if can.heat_max_kw > can.loss_kw:
            choices.append(Choice(size, can, cost))
    return Candidate(route, tuple(choices))
