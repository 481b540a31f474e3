"""Worlds of a window: who shares under what, each with states of its own from window to window.

A coalition that shares all year fills its storages otherwise than the whole community does, so it
follows a path of its own; what it saves is the difference between two such paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from cosim.api.coalition_runs import COALITION_BALANCE
from cosim.api.session import Physics
from cosim.coupling import Case, Coupled
from cosim.market import Market
from cosim.records import Carried, CostTable, Past, Schedule
from cosim.scenario import Scenario
from cosim.settlement import has_no_value, players_of, single_coalitions

TOGETHER = "together"
COPPER_PLATE = "copper plate"
LOSSES = "losses only"
ALONE = "alone"


def world_of(members: frozenset[str]) -> str:
    """Return the name of the world in which these participants share."""
    return "sharing: " + "+".join(sorted(members))


@dataclass(frozen=True, slots=True)
class World:
    """What one window is like in one world.

    Attributes:
        costs: of the steps that are kept.
        verified: it passes every check.
        gap: relative optimality gap.
        now: states after the last step that is kept.
        last: states after the last step that was solved.
        co2_kg: emissions of the steps that are kept.
    """

    costs: CostTable
    verified: bool
    gap: float
    now: Carried
    last: Carried
    co2_kg: pd.DataFrame = field(default_factory=pd.DataFrame)


class Desk:
    """The markets of one window, one per world; worlds with the same past share their arrays.

    Args:
        scenario: the window.
        physics: its networks.
        pasts: by world.
    """

    def __init__(self, scenario: Scenario, physics: Physics, pasts: Mapping[str, Past]) -> None:
        self.scenario = scenario
        self.physics = physics
        self._pasts = pasts
        self._plain: list[tuple[Past, Market]] = []
        self._markets: dict[str, Market] = {}

    def market(self, world: str) -> Market:
        """Return the market of a world; it keeps its cuts and loss lines."""
        if world not in self._markets:
            self._markets[world] = self._build(self._past(world))
        return self._markets[world]

    def same_past(self, world: str, other: str) -> bool:
        """Return whether two worlds start this window from the same states."""
        return self._past(world) == self._past(other)

    def world(self, market: Market, schedule: Schedule, verified: bool) -> World:
        """Return what a schedule of this window costs, and what it leaves."""
        now, last = market.carried(schedule)
        kept = market.kept(schedule)
        return World(kept.costs, verified, schedule.gap, now, last, kept.co2_kg)

    def forget(self, world: str) -> None:
        """Let go of a world's market."""
        self._markets.pop(world, None)

    def _past(self, world: str) -> Past:
        return self._pasts.get(world, Past())

    def _build(self, past: Past) -> Market:
        for known, plain in self._plain:
            if known == past:
                return plain.clone()
        market = Market(self.scenario, self.physics.baselines, past)
        self._plain.append((past, market.clone()))
        return market


def coalition_worlds(desk: Desk) -> tuple[dict[str, World], Schedule]:
    """Solve the world in which nobody shares, and one for every coalition that is asked for.

    Outsiders keep their stand-alone schedule. Cuts that hold everywhere and loss lines are taken
    over from the whole community.

    Args:
        desk: markets of the window, the whole community's with its cuts and loss lines.

    Returns:
        Worlds by name; the stand-alone schedule of the steps that are kept, with marginal values
        where losses are billed by them.
    """
    config = desk.scenario.config
    players = players_of(config)
    alone_market, alone = _run(desk, ALONE, Case(members=frozenset(), effort="rounded"))
    worlds = {ALONE: desk.world(alone_market, alone.schedule, alone.verdict == "feasible")}
    listed = players.coalitions()
    if not config.bargaining.coalition_values:
        listed = single_coalitions(players)
    everyone = frozenset(config.participants)
    for coalition in listed:
        members = players.members(coalition)
        name = world_of(members)
        if has_no_value(coalition, players) or members == everyone or name in worlds:
            continue
        outsiders = dict.fromkeys(everyone - members, alone.schedule)
        case = Case(members, frozen=outsiders, start=alone.schedule, effort="rounded")
        market, found = _run(desk, name, case)
        worlds[name] = desk.world(market, found.schedule, found.verdict == "feasible")
        desk.forget(name)
    before = alone.schedule
    if config.bargaining.loss_rule == "marginal":
        priced = alone_market.solve(frozenset(), start=before, duals=True, effort="fixed")
        before = replace(before, duals=priced.duals)
    return worlds, alone_market.kept(before)


def _run(desk: Desk, world: str, case: Case) -> tuple[Market, Coupled]:
    source, market = desk.market(TOGETHER), desk.market(world)
    market.add_cuts([cut for cut in source.cuts if cut.outer])
    market.set_loss_lines(source.loss_lines)
    quick = desk.scenario.config.coupling.model_copy(
        update={"max_refreshes": 0, "balance_tolerance": COALITION_BALANCE}
    )
    loop = desk.physics.loop(market, desk.scenario, settings=quick)
    return market, loop.run(case)
