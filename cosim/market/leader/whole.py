"""The market's program with its cuts and loss lines, and what is the leader's of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cosim.market.agents import assemble
from cosim.market.announced import AnnouncedMarket, own_cost, tie_breaks
from cosim.market.compile import Compiled
from cosim.market.extras import Extra
from cosim.market.leader.reach import met, within_reach
from cosim.market.leader_trade import SERVICE_FEE
from cosim.market.market import Market
from cosim.market.program import Program
from cosim.records import Schedule
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.config import ScenarioConfig


@dataclass(frozen=True, slots=True)
class Whole:
    """The market's program with its cuts and loss lines, and what is whose.

    Attributes:
        compiled: without prices.
        program: extras included; costs of everyone but the leader.
        owner: of every column.
        own_cost: the leader's, per column.
        fees: the leader's income, per column.
        last: column values that cuts are split at, shape (n,).
        extras: cuts and loss lines.
    """

    compiled: Compiled
    program: Program
    owner: IntArray
    own_cost: FloatArray
    fees: FloatArray
    last: FloatArray
    extras: list[Extra]

    @property
    def leads(self) -> np.ndarray:
        """Columns of the leader, boolean, shape (n,)."""
        layout = self.compiled.layout
        return np.asarray(self.owner == layout.parties.index(str(layout.leader)))

    @property
    def links(self) -> IntArray:
        """Rows between the leader and its followers."""
        found = self.compiled.layout.leader_links
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def followers_of(config: ScenarioConfig) -> frozenset[str]:
    """Return everyone but the leader."""
    return frozenset(config.followers)


def whole_of(market: Market, last: Schedule | None) -> Whole:
    """Return the program of a market with a leader, its cuts split at a schedule.

    Args:
        market: with the cuts and loss lines of a loop, if there was one.
        last: the schedule that the loop ended with.
    """
    plain = market.plain if isinstance(market, AnnouncedMarket) else market.compiled
    config = market.scenario.config
    assert config.leader is not None
    sharing = followers_of(config) if config.leader.followers == "cooperating" else frozenset()
    bounds, extras = market.under_networks(sharing)
    bounds = within_reach(plain, bounds, last)
    program, _, _, owner = assemble(plain, bounds, met(extras))
    n, leader = plain.program.n, config.leader.participant
    others = np.array([float(label[0] != leader) for label in plain.money.labels])
    cost = program.cost.copy()
    cost[:n] = plain.money.matrix.T @ others + tie_breaks(plain)
    fee = [float(label[:2] == (leader, SERVICE_FEE)) for label in plain.money.labels]
    wide = np.zeros(program.n)
    known = np.zeros(n) if last is None or last.solution is None else last.solution
    return Whole(
        compiled=plain,
        program=replace(program, cost=cost),
        owner=owner,
        own_cost=_filled(wide, own_cost(plain)),
        fees=_filled(wide, -(plain.money.matrix.T @ np.array(fee))),
        last=_filled(wide, known),
        extras=extras,
    )


def _filled(wide: FloatArray, values: FloatArray) -> FloatArray:
    result = wide.copy()
    result[: len(values)] = values
    return result
