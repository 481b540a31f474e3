"""Trade between a leader who sets prices and its followers, beside utilities and pools.

Prices are not in the model: they come with `cosim.market.announced`, so the model is built once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyomo.environ as pyo

from cosim.scenario.config import ScenarioConfig
from cosim.scenario.participants import Carrier

if TYPE_CHECKING:
    from cosim.market.party import Party

SERVICE_FEE = "service_fee"
"""Cost component of the fee on energy that is traded with the leader."""


@dataclass(frozen=True, slots=True)
class Led:
    """How a follower trades one carrier with the leader, or the leader with its followers.

    Attributes:
        in_max_kw: most that comes in this way; None where nothing does.
        out_max_kw: most that goes out this way; None where nothing does.
        fee_per_kwh: paid by followers to the leader, either way.
        leads: it is the leader.
    """

    in_max_kw: float | None
    out_max_kw: float | None
    fee_per_kwh: float
    leads: bool


def led_by(config: ScenarioConfig, name: str, carrier: Carrier) -> Led | None:
    """Return how a participant with a connection trades a carrier with or as the leader.

    None where there is no leader or it has no price for the carrier. What the leader sells comes in
    at followers and goes out at the leader.
    """
    leader = config.leader
    if leader is None or carrier not in leader.prices:
        return None
    terms = leader.prices[carrier]
    connection = config.participants[name].connections[carrier]
    sold, bought = terms.has("sell"), terms.has("buy")
    fee = terms.service_fee_per_kwh
    if name == leader.participant:
        return Led(
            in_max_kw=connection.import_max_kw if bought else None,
            out_max_kw=connection.export_max_kw if sold else None,
            fee_per_kwh=fee,
            leads=True,
        )
    most = float("inf") if terms.trade_max_kw is None else terms.trade_max_kw
    return Led(
        in_max_kw=min(most, connection.import_max_kw) if sold else None,
        out_max_kw=min(most, connection.export_max_kw) if bought else None,
        fee_per_kwh=fee,
        leads=False,
    )


def add_led_trade(block: pyo.Block, led: Led | None, steps: range) -> None:
    """Add what comes in and goes out by trade with the leader (of the leader: with followers).

    0 <= led_in <= in_max, 0 <= led_out <= out_max (variable bounds), where there is such trade.
    """
    into = steps if led is not None and led.in_max_kw is not None else ()
    out = steps if led is not None and led.out_max_kw is not None else ()
    block.led_in = pyo.Var(into, bounds=(0.0, None if led is None else led.in_max_kw))
    block.led_out = pyo.Var(out, bounds=(0.0, None if led is None else led.out_max_kw))


def add_leader(
    model: pyo.ConcreteModel,
    parties: Mapping[str, Party],
    leader: str | None,
    steps: range,
    step_h: float,
) -> None:
    """Link the leader's trade to that of its followers, carrier by carrier, and add the fees.

    `delivered.<carrier>`: led_out of the leader = sum over followers of led_in;
    `received.<carrier>`: led_in of the leader = sum over followers of led_out, at each step. Cost
    component `service_fee`: fee * (led_in + led_out) * step_h of every follower, and the sum of it
    as the leader's income.

    Args:
        model: gets the rows.
        parties: participants with their carrier blocks.
        leader: who leads; nothing is added without one.
        steps: 0..T-1.
        step_h: length of a step in hours.
    """
    if leader is None:
        return
    model.delivered, model.received = pyo.Block(), pyo.Block()
    for carrier, terms in parties[leader].terms.items():
        if terms.led is None:
            continue
        own = parties[leader].block.component(carrier)
        others = _followers(parties, leader, carrier)
        blocks = [party.block.component(carrier) for party in others]
        _link(model.delivered, carrier, own.led_out, [b.led_in for b in blocks])
        _link(model.received, carrier, own.led_in, [b.led_out for b in blocks])
        _add_fees(parties[leader], others, carrier, terms.led.fee_per_kwh * step_h, steps)


def _followers(parties: Mapping[str, Party], leader: str, carrier: Carrier) -> list[Party]:
    return [
        party
        for name, party in parties.items()
        if name != leader and carrier in party.terms and party.terms[carrier].led is not None
    ]


def _link(rows: pyo.Block, carrier: Carrier, own: pyo.Var, others: list[pyo.Var]) -> None:
    """Add own[t] = sum of others[t] at the steps that own has."""
    if not len(own):
        return
    rows.add_component(
        carrier,
        pyo.Constraint(
            list(own),
            rule=lambda _, t: own[t] == pyo.quicksum(other[t] for other in others),
            doc="what the leader trades is what its followers trade with it",
        ),
    )


def _add_fees(
    leader: Party, followers: list[Party], carrier: Carrier, fee: float, steps: range
) -> None:
    if fee == 0.0:
        return
    total: list[Any] = []
    for party in followers:
        block = party.block.component(carrier)
        traded = [var[t] for var in (block.led_in, block.led_out) if len(var) for t in steps]
        party.add_cost(SERVICE_FEE, pyo.quicksum(fee * one for one in traded))
        total += traded
    leader.add_cost(SERVICE_FEE, pyo.quicksum(-fee * one for one in total))
