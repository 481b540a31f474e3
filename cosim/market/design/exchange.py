"""What buildings exchange: with the utilities, with each other, over heat pipes; all balances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from cosim.market.design.plant import Plant
from cosim.market.design.problem import Candidate, Pool, Utility
from cosim.records.time import FloatArray


@dataclass(frozen=True, slots=True)
class PipePart:
    """A route in the model.

    Attributes:
        candidate: its data.
        laid: dn -> binary.
        ahead, back: heat that enters at the first and at the second end, by step.
        loss_kw: heat lost while laid (expression).
        pump_share: electricity over heat moved.
    """

    candidate: Candidate
    laid: Mapping[int, Any]
    ahead: Any
    back: Any
    loss_kw: Any
    pump_share: float

    def enters_first(self, k: int) -> Any:
        """Return the net heat that enters at the first end."""
        return self.ahead[k] - self.back[k]

    def leaves_second(self, k: int) -> Any:
        """Return the net heat that leaves at the second end."""
        return self.ahead[k] - self.back[k] - self.loss_kw

    def pump_kw(self, k: int) -> Any:
        """Return the electricity of its pump."""
        return self.pump_share * (self.ahead[k] + self.back[k])


def add_utilities(plant: Plant) -> None:
    """Add purchases and sales.

    `imports[k]`, `exports[k]` per carrier within the connection's limits. Where feeding in pays
    more than buying costs, `way[k]` (0 or 1) decides which of the two: `only_import`,
    `only_export`.
    """
    for carrier, utility in plant.building.utilities.items():
        block = pyo.Block(concrete=True)
        plant.block.add_component(f"trade_{carrier}", block)
        _add_trade(plant, block, carrier, utility)
        if utility.standing:
            plant.pay("standing", utility.standing)


def _add_trade(plant: Plant, block: pyo.Block, carrier: str, utility: Utility) -> None:
    """Add buying and selling at the utility, never both in an hour where that would pay."""
    block.imports = pyo.Var(plant.steps, bounds=(0.0, utility.import_max_kw))
    plant.supply(carrier, lambda k: block.imports[k])
    plant.report["", carrier, "import_kw"] = lambda k: block.imports[k]
    bill = "fuel" if carrier == "gas" else carrier
    plant.pay_energy(bill, lambda k: float(utility.buy[k]), lambda k: block.imports[k])
    plant.pay_energy("carbon", lambda _k: utility.co2_tax, lambda k: block.imports[k])
    if carrier == "gas" or utility.sell is None:
        return
    sell = utility.sell
    block.exports = pyo.Var(plant.steps, bounds=(0.0, utility.export_max_kw))
    plant.supply(carrier, lambda k: -block.exports[k])
    plant.report["", carrier, "export_kw"] = lambda k: block.exports[k]
    plant.pay_energy("feed_in", lambda k: -float(sell[k]), lambda k: block.exports[k])
    tempting = [k for k in plant.steps if sell[k] > utility.buy[k] + utility.co2_tax]
    most_in, most_out = _most_exchanged(plant, carrier)
    most_in, most_out = min(most_in, utility.import_max_kw), min(most_out, utility.export_max_kw)
    block.way = pyo.Var(tempting, domain=pyo.Binary)
    block.only_import = pyo.Constraint(
        tempting,
        rule=lambda b, k: b.imports[k] <= most_in * b.way[k],
        doc="buying and selling at once is no business",
    )
    block.only_export = pyo.Constraint(
        tempting,
        rule=lambda b, k: b.exports[k] <= most_out * (1 - b.way[k]),
        doc="buying and selling at once is no business",
    )


def _most_exchanged(plant: Plant, carrier: str) -> tuple[float, float]:
    """Return how much a building can draw and give at most with everything it may own."""
    building = plant.building
    draws = float(np.max(building.demand.get(carrier, np.zeros(1))))
    gives = sum(one.power_kw * one.count_max for one in building.chp)
    for kind, size in plant.sizes.items():
        most, offer = float(size.ub), building.offers[kind]
        if kind == "battery":
            draws += most * offer.charge_max_per_h  # type: ignore[attr-defined]
            gives += most * offer.discharge_max_per_h  # type: ignore[attr-defined]
        elif kind == "pv":
            gives += most * float(np.max(building.series["pv"]))
        elif kind in ("chiller", "heat_pump"):
            draws += most / float(np.min(building.series[kind]))
        elif kind == "absorption_chiller":
            draws += most
    return draws, gives


def add_pool(model: pyo.ConcreteModel, plants: Mapping[str, Plant], pool: Pool | None) -> None:
    """Add electricity from member to member: `pooled`: what all give is what all take."""
    sharing = [p for p in plants.values() if "electricity" in p.building.utilities]
    if pool is None or len(sharing) < 2:
        return
    steps = sharing[0].steps
    for plant in sharing:
        _add_share(plant, pool)
    model.pooled = pyo.Constraint(
        steps,
        rule=lambda _m, k: (
            pyo.quicksum(p.block.pool.takes[k] - p.block.pool.gives[k] for p in sharing) == 0.0
        ),
        doc="what all give is what all take",
    )


def _add_share(plant: Plant, pool: Pool) -> None:
    block = pyo.Block(concrete=True)
    plant.block.add_component("pool", block)
    block.takes = pyo.Var(plant.steps, bounds=(0.0, None))
    block.gives = pyo.Var(plant.steps, bounds=(0.0, None))
    plant.supply("electricity", lambda k: block.takes[k])
    plant.supply("electricity", lambda k: -block.gives[k])
    plant.report["", "electricity", "share_in_kw"] = lambda k: block.takes[k]
    plant.report["", "electricity", "share_out_kw"] = lambda k: block.gives[k]
    plant.pay_energy("sharing", lambda _k: pool.fee + pool.grid_fee, lambda k: block.takes[k])
    plant.pay_energy("sharing", lambda _k: pool.fee, lambda k: block.gives[k])


def add_pipe(
    block: pyo.Block,
    candidate: Candidate,
    heat_max_kw: Mapping[int, FloatArray],
    plants: Mapping[str, Plant],
) -> PipePart:
    """Add a route.

    `laid[dn]` (0 or 1), `one_size`: at most one. ahead[k] - back[k] enters at the first end, that
    less the loss leaves at the second: the loss is there whenever the pipe is laid, whichever side
    it is fed from. `ahead_limit`, `back_limit`: what enters at the feeding end is within what the
    size carries. The pump's electricity is in proportion to the heat, half at each end.

    Args:
        block: of the route.
        candidate: with the sizes that may be laid.
        heat_max_kw: dn -> most heat by step, shape (K,), cuts included.
        plants: of the members.
    """
    first, second = (plants[name] for name in candidate.ends)
    choices = {
        choice.size.dn: choice for choice in candidate.choices if choice.size.dn in heat_max_kw
    }
    loss = {dn: choice.can.loss_kw for dn, choice in choices.items()}
    block.laid = pyo.Var(list(choices), domain=pyo.Binary)
    block.one_size = pyo.Constraint(
        expr=pyo.quicksum(block.laid[dn] for dn in choices) <= 1, doc="at most one size per route"
    )
    block.ahead = pyo.Var(first.steps, bounds=(0.0, None))
    block.back = pyo.Var(first.steps, bounds=(0.0, None))
    block.ahead_limit = pyo.Constraint(
        first.steps,
        rule=lambda b, k: (
            b.ahead[k] <= pyo.quicksum(float(heat_max_kw[dn][k]) * b.laid[dn] for dn in choices)
        ),
        doc="what enters at the first end is within what the size carries",
    )
    block.back_limit = pyo.Constraint(
        first.steps,
        rule=lambda b, k: (
            b.back[k]
            <= pyo.quicksum(
                max(float(heat_max_kw[dn][k]) - loss[dn], 0.0) * b.laid[dn] for dn in choices
            )
        ),
        doc="what enters at the second end is within what the size carries",
    )
    part = PipePart(
        candidate=candidate,
        laid={dn: block.laid[dn] for dn in choices},
        ahead=block.ahead,
        back=block.back,
        loss_kw=pyo.quicksum(loss[dn] * block.laid[dn] for dn in choices),
        pump_share=max((choice.can.pump_share for choice in choices.values()), default=0.0),
    )
    _join(part, first, second)
    return part


def _join(part: PipePart, first: Plant, second: Plant) -> None:
    """Take what enters a pipe from its first end, give what leaves to its second, and pump."""
    first.supply("heat", lambda k: -1.0 * part.enters_first(k))
    second.supply("heat", part.leaves_second)
    pumping = [plant for plant in (first, second) if "electricity" in plant.building.utilities]
    for plant in pumping:
        plant.supply("electricity", lambda k: (-1.0 / len(pumping)) * part.pump_kw(k))


def add_balances(plant: Plant) -> None:
    """Add `balance` per carrier: net supplies cover the demand at every step."""
    balances = pyo.Block(concrete=True)
    plant.block.add_component("balances", balances)
    for carrier in dict.fromkeys([*plant.flows, *plant.building.demand]):
        demand, flows = plant.building.demand.get(carrier), plant.flows.get(carrier, [])

        def balance(_b: pyo.Block, k: int, demand: Any = demand, flows: Any = flows) -> Any:
            """Return that the flows of a building meet its demand in hour k, in kW."""
            need = 0.0 if demand is None else float(demand[k])
            return pyo.quicksum(flow(k) for flow in flows) == need

        rows = pyo.Constraint(plant.steps, rule=balance, doc="supplies cover the demand")
        balances.add_component(carrier, rows)
