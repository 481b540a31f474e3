"""Which units a building buys: whole numbers of CHP units, sizes of everything else."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from cosim.market.design.economics import capital_recovery_factor
from cosim.market.design.plant import Plant
from cosim.scenario.design_catalogue import Sized

STORAGES = ("battery", "heat_storage")
"""Sized in kWh; everything else in kW."""


def price_per_size(offer: Sized) -> float:
    """Return the price per kW or kWh."""
    return float(
        getattr(offer, "cost_per_kwh" if hasattr(offer, "cost_per_kwh") else "cost_per_kw")
    )


def add_units(plant: Plant, interest: float, largest: dict[str, float]) -> None:
    """Add what may be bought, and what it costs a year.

    `count[type]`: number of units, a whole number.
    `size[kind]`, and where there is a price or a smallest size of its own `bought[kind]` (0 or 1):
    `most`: size <= largest bought, `least`: size >= min bought.

    Cost per year = price (capital recovery factor + maintenance share).

    Args:
        plant: of the building.
        interest: yearly.
        largest: kind -> size that is never worth exceeding; the catalogue's limits come on top.
    """
    _add_chp(plant, interest)
    block, offers = plant.block, plant.building.offers
    most = {kind: _most(plant, kind, largest) for kind in offers}
    small = {kind: plant.building.limits[kind][0] for kind in offers}
    yes_no = [kind for kind, offer in offers.items() if offer.cost_fixed > 0 or small[kind] > 0]
    block.size = pyo.Var(list(offers), bounds=lambda _b, kind: (0.0, most[kind]))
    block.bought = pyo.Var(yes_no, domain=pyo.Binary)
    block.most = pyo.Constraint(
        yes_no,
        rule=lambda b, kind: b.size[kind] <= most[kind] * b.bought[kind],
        doc="what is not bought has no size",
    )
    block.least = pyo.Constraint(
        [kind for kind in yes_no if small[kind] > 0],
        rule=lambda b, kind: b.size[kind] >= small[kind] * b.bought[kind],
        doc="nothing smaller is sold",
    )
    for kind, offer in offers.items():
        price = price_per_size(offer) * block.size[kind]
        if kind in yes_no:
            price = price + offer.cost_fixed * block.bought[kind]
        _pay(plant, kind, offer, price, interest)
        plant.sizes[kind] = block.size[kind]


def _add_chp(plant: Plant, interest: float) -> None:
    types = {one.name: one for one in plant.building.chp}
    plant.block.count = pyo.Var(
        list(types),
        domain=pyo.NonNegativeIntegers,
        bounds=lambda _b, name: (0, types[name].count_max),
    )
    for name, one in types.items():
        _pay(plant, "chp", one, one.cost * plant.block.count[name], interest)
        plant.counts[name] = plant.block.count[name]


def _pay(plant: Plant, kind: str, offer: Any, price: Any, interest: float) -> None:
    plant.pay(f"investment_{kind}", capital_recovery_factor(interest, offer.life_years) * price)
    if offer.maintenance_share:
        plant.pay("maintenance", offer.maintenance_share * price)


def _most(plant: Plant, kind: str, largest: dict[str, float]) -> float:
    limit = plant.building.limits[kind][1]
    useful = largest.get(kind, float("inf"))
    return useful if limit is None else min(limit, useful)
