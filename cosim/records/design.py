"""Designs: units bought, pipes laid, what they cost a year and how they run on typical days."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from cosim.records.time import FloatArray

CutKind = Literal["pipe_heat_max", "pipe_dn_min", "exchange_max", "unit_min"]
OPERATION_COLUMNS = ("day", "hour", "building", "device", "carrier", "quantity", "value")
FLOW_COLUMNS = ("day", "hour", "pipe", "from_kw", "to_kw", "loss_kw", "pump_kw")


@dataclass(frozen=True, slots=True)
class TypicalDay:
    """A day that stands for many, or a design day.

    Attributes:
        name: `day_1`, ... in the order of the year, or `design_heat`, ...
        position: which day of the year it really is, 0 for the first.
        weight_days: how many days it stands for; 0 for a design day.
        profiles: every profile of the scenario on that day, shape (24,). Those that were clustered
            are scaled so that the weighted days have the mean of the year; others are as on the
            real day.
    """

    name: str
    position: int
    weight_days: float
    profiles: Mapping[str, FloatArray]

    @property
    def is_design_day(self) -> bool:
        """Whether it only has to be served."""
        return self.weight_days == 0.0


@dataclass(frozen=True, slots=True)
class Unit:
    """What is bought in a building.

    Attributes:
        building: where.
        device: name in the building: the CHP type, else the kind.
        kind: of the catalogue: `chp`, `boiler`, ...
        count: number of equal units; 1 for units of any size.
        size: of one unit, in `unit`.
        unit: `kW` (output; a PV plant's rated power) or `kWh` (content of a storage).
        cost_per_year: annualised price and fixed maintenance of all of them.
    """

    building: str
    device: str
    kind: str
    count: int
    size: float
    unit: Literal["kW", "kWh"]
    cost_per_year: float


@dataclass(frozen=True, slots=True)
class LaidPipe:
    """A pair of heat pipes that is laid.

    Attributes:
        name: of the route.
        a, b: buildings at its ends.
        length_m: of the trench.
        dn: nominal diameter.
        inner_diameter_m: of each pipe.
        loss_w_per_m_k: of one pipe of the pair.
        roughness_mm: of the inside.
        heat_max_kw: most heat it may carry by the rules of the `pipes` section and the cuts.
        cost_per_year: annualised, after the subsidy.
    """

    name: str
    a: str
    b: str
    length_m: float
    dn: int
    inner_diameter_m: float
    loss_w_per_m_k: float
    roughness_mm: float
    heat_max_kw: float
    cost_per_year: float


@dataclass(frozen=True, slots=True)
class DesignCut:
    """Something physics taught about designs; also the key of its constraint.

    Attributes:
        kind: `pipe_heat_max`: while a pipe of size `dn` lies on route `element`, at most `value`
            kW flow in it (either way), at `day` and `hour`, all day, or always; a larger or smaller
            size is not touched. `pipe_dn_min`: on route `element` only sizes from dn `value` on are
            laid, if any. `exchange_max`: building `element` imports or exports (`direction`) at
            most `value` kW of `carrier` at `day` and `hour`, all day, or always; heat is what it
            takes from and gives to the pipes. `unit_min`: if a route in `with_pipes` is laid, or
            always where it is empty, device `device` of building `element` has at least the size
            `value` (kW or kWh; CHP: rated kW of all units of the type).
        element: route or building.
        value: see `kind`.
        reason: one sentence for the report: which limit was missed, where, when, by how much.
        iteration: design after which it was made.
    """

    kind: CutKind
    element: str
    value: float
    reason: str
    dn: int | None = None
    day: str | None = None
    hour: int | None = None
    carrier: str | None = None
    direction: Literal["import", "export"] | None = None
    device: str | None = None
    with_pipes: tuple[str, ...] = ()
    iteration: int = 0

    @property
    def key(self) -> tuple[Hashable, ...]:
        """What it is about; of two cuts with the same key the stricter one counts."""
        where = (self.kind, self.element, self.dn, self.day, self.hour)
        return (*where, self.carrier, self.direction, self.device, self.with_pipes)


@dataclass(frozen=True, slots=True)
class Design:
    """The best design of a coalition.

    Attributes:
        members: buildings.
        units: what is bought, building by building.
        pipes: what is laid.
        costs: columns owner (building, or `network` for pipes), component (`investment_<kind>`,
            `maintenance`, `fuel`, `electricity`, `feed_in` (negative), `carbon`, `standing`,
            `sharing`, `pipes`) and cost_per_year.
        operation: per typical day and hour, columns `OPERATION_COLUMNS`; quantities
            `generation_kw`, `consumption_kw`, `charge_kw`, `discharge_kw`, `dumped_kw`, `online`
            (number of units), `state_of_charge_kwh`; device `` for the building's own `demand_kw`,
            `import_kw`, `export_kw` (electricity and gas: the utility), `share_in_kw`,
            `share_out_kw` (electricity from and to the other members), `pipe_in_kw`,
            `pipe_out_kw` (heat from and into pipes) and `pump_kw`. All values are 0 or more.
        flows: per typical day, hour and laid pipe, columns `FLOW_COLUMNS`: heat that enters at a
            and leaves at b (negative: the other way), loss and pump electricity.
        bound_per_year: proven lower bound on the cost.
        cuts: that it respects.
        seconds: of the search.
        proven: whether the gap asked for was reached.
    """

    members: tuple[str, ...]
    units: tuple[Unit, ...]
    pipes: tuple[LaidPipe, ...]
    costs: pd.DataFrame
    operation: pd.DataFrame
    flows: pd.DataFrame
    bound_per_year: float
    cuts: tuple[DesignCut, ...] = ()
    seconds: float = 0.0
    proven: bool = True
    solution: Mapping[str, float] = field(default_factory=dict)
    """Decisions by name, to start the next search from."""

    @property
    def cost_per_year(self) -> float:
        """All costs together."""
        return float(self.costs["cost_per_year"].sum())

    @property
    def gap(self) -> float:
        """Distance between cost and bound relative to the cost."""
        cost = self.cost_per_year
        return max(cost - self.bound_per_year, 0.0) / max(abs(cost), 1e-9)
