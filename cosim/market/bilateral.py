"""Sharing by contracts from party to party, with a limit per link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyomo.environ as pyo

from cosim.records.names import NETWORK
from cosim.scenario.config import Sharing
from cosim.scenario.participants import Carrier

CONTRACT_PER_KWH = 1e-5
"""Tie-break on contracts, currency per kWh: no energy goes in circles."""


def partners_of(
    name: str, parties: Sequence[str], sharing: Sharing
) -> dict[str, tuple[float, float]]:
    """Return whom a party may trade a carrier with: most that it gives and takes in kW.

    Everyone may give to the network account without limit, since it has to cover losses from
    somebody. It gives nothing: energy would go through it past the limits of links.

    Args:
        name: the party.
        parties: everyone with this carrier, the network account included where it has any.
        sharing: how the carrier is shared.
    """
    default = float("inf") if sharing.link_max_kw is None else sharing.link_max_kw
    found: dict[str, tuple[float, float]] = {}
    for other in parties:
        if other == name:
            continue
        if NETWORK in (name, other):
            found[other] = (float("inf"), 0.0) if other == NETWORK else (0.0, float("inf"))
        elif sharing.links is None:
            found[other] = (default, default)
    for link in sharing.links or ():
        if name in link.between and name != NETWORK:
            other = link.between[link.between[0] == name]
            if other in parties:
                limit_kw = default if link.max_kw is None else link.max_kw
                found[other] = (limit_kw, limit_kw)
    return found


def add_contracts(
    block: pyo.Block, partners: Mapping[str, tuple[float, float]], steps: range
) -> None:
    """Add a party's contracts in one carrier to its block.

    0 <= give_j[t], take_j[t] <= limit of the link (variable bounds), in `contracts.<partner>`.
    `contracts_given`: share_out[t] = sum over partners of give_j[t]; `contracts_taken`:
    share_in[t] = sum over partners of take_j[t].
    """
    block.contracts = pyo.Block()
    for partner, (most_given_kw, most_taken_kw) in partners.items():
        own = pyo.Block()
        block.contracts.add_component(partner, own)
        own.give = pyo.Var(steps, bounds=(0.0, most_given_kw))
        own.take = pyo.Var(steps, bounds=(0.0, most_taken_kw))
    contracts = [block.contracts.component(partner) for partner in partners]
    block.contracts_given = pyo.Constraint(
        steps,
        rule=lambda b, t: b.share_out[t] == pyo.quicksum(own.give[t] for own in contracts),
        doc="what is given goes to partners",
    )
    block.contracts_taken = pyo.Constraint(
        steps,
        rule=lambda b, t: b.share_in[t] == pyo.quicksum(own.take[t] for own in contracts),
        doc="what is taken comes from partners",
    )


def add_links(
    model: pyo.ConcreteModel, blocks: Mapping[Carrier, Mapping[str, pyo.Block]], steps: range
) -> None:
    """Add `links.<carrier>`: give of i to j equals take of j from i, at each step.

    With P_ij = give_ij - take_ij that is P_ij + P_ji = 0.

    Args:
        model: gets the rows, indexed by giver, taker and step.
        blocks: carrier -> party -> its block of that carrier, for carriers with contracts.
        steps: 0..T-1.
    """
    model.links = pyo.Block()
    for carrier, parties in blocks.items():
        pairs = [(i, j) for i in parties for j in partners_in(parties[i]) if i != NETWORK]

        def link(
            _: pyo.Block,
            i: str,
            j: str,
            t: int,
            parties: Mapping[str, pyo.Block] = parties,
        ) -> object:
            """Return that j takes what i gives it at step t, in kW."""
            give = parties[i].contracts.component(j).give[t]
            return give - parties[j].contracts.component(i).take[t] == 0.0

        model.links.add_component(
            carrier,
            pyo.Constraint(pairs, steps, rule=link, doc="what one gives the other one takes"),
        )


def partners_in(block: pyo.Block) -> list[str]:
    """Return the partners of a carrier block with contracts."""
    return list(block.contracts.component_map(pyo.Block))


def tie_break(blocks: Iterable[pyo.Block], steps: range, step_h: float) -> Any:
    """Return the price of choices between contracts that cost the same."""
    price = CONTRACT_PER_KWH * step_h
    return pyo.quicksum(
        price * own.give[t]
        for block in blocks
        for own in block.contracts.component_objects(pyo.Block)
        for t in steps
    )
