"""What arrangements cost a year, by owner and component, and what every coalition pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cosim.api.designing.days import Arrangement, DayResult
from cosim.api.designing.search import Found
from cosim.records import Schedule
from cosim.records.design import Design
from cosim.records.names import NETWORK
from cosim.scenario.config import CARRIER_OF_KIND

COMPONENTS = {
    "electricity_purchase": "electricity",
    "electricity_sales": "feed_in",
    "gas_purchase": "fuel",
    "co2_tax": "carbon",
    "standing_charge": "standing",
    "management_fee": "sharing",
    "grid_fee": "sharing",
    "demand_response": "unserved",
}
"""Cost components of a day's market -> components of a design."""
LOSSES = "network_losses"


@dataclass(frozen=True, slots=True)
class Stage:
    """What one arrangement or design costs: columns owner, component, cost_per_year."""

    table: pd.DataFrame

    @property
    def total(self) -> float:
        """Everything, currency per year."""
        return float(self.table["cost_per_year"].sum())

    def by_owner(self) -> pd.Series:
        """Return the cost of each owner (`network` for pipes and network losses)."""
        return self.table.groupby("owner")["cost_per_year"].sum()

    def of(self, owners: Sequence[str]) -> pd.Series:
        """Return the components of some owners."""
        rows = self.table[self.table["owner"].isin(list(owners))]
        return rows.groupby("component", sort=False)["cost_per_year"].sum()


def verified_stage(plan: Arrangement, days: Sequence[DayResult]) -> Stage:
    """Return what an arrangement costs with its days as verified."""
    rows: list[tuple[str, str, float]] = []
    for design in plan.designs:
        rows += _fixed(design)
        rows += [(NETWORK, "pipes", pipe.cost_per_year) for pipe in design.pipes]
    for day in days:
        weight, costs = day.case.day.weight_days, day.coupled.schedule.costs
        lost = _lost_share(day.coupled.schedule)
        for component in costs.columns.drop("total"):
            name = COMPONENTS.get(component, component)
            for owner, money in costs[component].items():
                share = lost if owner == NETWORK else 0.0
                rows.append((str(owner), name, weight * money * (1.0 - share)))
                rows.append((str(owner), LOSSES, weight * money * share))
    return _stage(rows)


def _fixed(design: Design) -> list[tuple[str, str, float]]:
    """Return annuities by kind, and the maintenance that does not depend on operation."""
    table = design.costs[design.costs["component"].str.startswith("investment_")]
    rows = [
        (str(owner), str(component), float(money))
        for owner, component, money in zip(
            table["owner"], table["component"], table["cost_per_year"], strict=True
        )
    ]
    for name in design.members:
        whole = sum(unit.cost_per_year for unit in design.units if unit.building == name)
        bought = sum(money for owner, _, money in rows if owner == name)
        rows.append((name, "maintenance", whole - bought))
    return rows


def _lost_share(schedule: Schedule) -> float:
    """Return how much of what the network account buys it needs itself; the rest it hands on."""
    table = schedule.table
    rows = table[(table["participant"] == NETWORK) & (table["device"] == "trade")]
    bought = float(rows.loc[rows["quantity"] == "buy_kw", "value"].sum())
    handed = float(rows.loc[rows["quantity"] == "share_out_kw", "value"].sum())
    return 1.0 if bought <= 0.0 else max(1.0 - handed / bought, 0.0)


def design_stage(designs: Sequence[Design]) -> Stage:
    """Return what the design problem says that designs cost."""
    return Stage(_summed(pd.concat([design.costs for design in designs], ignore_index=True)))


def _stage(rows: Sequence[tuple[str, str, float]]) -> Stage:
    return Stage(_summed(pd.DataFrame(rows, columns=["owner", "component", "cost_per_year"])))


def _summed(table: pd.DataFrame) -> pd.DataFrame:
    found = table.groupby(["owner", "component"], sort=False)["cost_per_year"].sum().reset_index()
    kept: pd.DataFrame = found[found["cost_per_year"].abs() > 1e-6].reset_index(drop=True)
    return kept


def loss_shares(days: Sequence[DayResult], buildings: Sequence[str]) -> pd.Series:
    """Return each building's share of the electric network's losses: of all energy exchanged."""
    energy = dict.fromkeys(buildings, 0.0)
    for day in days:
        for grid, entry in day.coupled.schedule.injections.items():
            if CARRIER_OF_KIND[day.job.scenario.config.networks[grid].kind] != "electricity":
                continue
            for name in buildings:
                if name in entry.terminals:
                    p_kw = entry.of(name)
                    energy[name] += day.case.day.weight_days * float(np.abs(p_kw).sum())
    total = sum(energy.values())
    even = 1.0 / len(buildings)
    return pd.Series({n: value / total if total else even for n, value in energy.items()})


@dataclass(frozen=True, slots=True)
class CoalitionCost:
    """What one coalition costs.

    Attributes:
        members: buildings.
        copper: of the design problem without cuts.
        verified: components as verified; the members' part.
        verified_total: of everyone while this coalition cooperates.
        feasible: whether its days pass.
        gap: of the design problem.
    """

    members: frozenset[str]
    copper: pd.Series
    verified: pd.Series
    verified_total: float
    feasible: bool
    gap: float


def stand_alone_costs(apart: Found, buildings: Sequence[str]) -> pd.Series:
    """Return what each building costs when nobody cooperates, its losses included."""
    stage = verified_stage(apart.plan, apart.days)
    owners, shares = stage.by_owner(), loss_shares(apart.days, buildings)
    own = owners.reindex(list(buildings)).fillna(0.0)
    return own + shares * float(owners.get(NETWORK, 0.0))


def coalition_costs(
    apart: Found, found: Mapping[frozenset[str], Found], buildings: Sequence[str]
) -> dict[frozenset[str], CoalitionCost]:
    """Return the cost of every coalition, single buildings included.

    A coalition's own cost is what everyone pays while it cooperates less what the others pay when
    nobody does: what it changes for them is its own affair.

    Args:
        apart: stand-alone designs.
        found: larger coalition -> its design.
        buildings: all.
    """
    alone = stand_alone_costs(apart, buildings)
    stage = verified_stage(apart.plan, apart.days)
    shares = loss_shares(apart.days, buildings)
    lost = float(stage.by_owner().get(NETWORK, 0.0))
    costs: dict[frozenset[str], CoalitionCost] = {}
    for k, name in enumerate(buildings):
        own = stage.of([name])
        own[LOSSES] = float(shares[name]) * lost
        design = apart.copper[k]
        copper = design_stage([design]).of([name, NETWORK])
        passed = apart.verdict == "feasible"
        costs[frozenset({name})] = CoalitionCost(
            frozenset({name}), copper, own, stage.total, passed, design.gap
        )
    for members, one in found.items():
        total = verified_stage(one.plan, one.days)
        own = total.of([*members, NETWORK])
        outside = [name for name in buildings if name not in members]
        rest = total.total - float(alone.reindex(outside).sum()) - float(own.sum())
        own[LOSSES] = float(own.get(LOSSES, 0.0)) + rest
        design = one.plan.designs[0]
        copper = design_stage(one.copper[:1]).of([*members, NETWORK])
        costs[members] = CoalitionCost(
            members, copper, own, total.total, one.verdict == "feasible", design.gap
        )
    return costs
