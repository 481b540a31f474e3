"""A leader sets prices: the game, the loop at the announced prices, and the game again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cosim.api.leading.admm import search_with_admm
from cosim.api.leading.firm import firmer, profit_of
from cosim.api.progress import Progress
from cosim.api.session import Physics
from cosim.api.stopwatch import Stopwatch
from cosim.coupling import Case, Coupled
from cosim.errors import SolveError
from cosim.market import Market
from cosim.market.announced import Announced, AnnouncedMarket
from cosim.market.leader.from_market import Game, followers_of, game_of
from cosim.market.leader.on_off import refuse_on_off
from cosim.market.leader.problem import LeaderOutcome, LeaderSettings
from cosim.market.leader.solve import solve_leader
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.leader import Leader

SETTLED = 1e-3
"""Prices are settled once the leader's profit moves by less than this share."""
CENT = 1e-2
"""Smallest profit that shares are taken of, in currency."""


@dataclass(frozen=True, slots=True)
class Round:
    """Prices, and what market and networks made of them.

    Attributes:
        outcome: of the game.
        announced: the prices, nudged.
        market: at these prices, with its cuts and loss lines.
        coupled: the loop's result.
        nudged: how many times the nudge of the settings the prices were moved.
    """

    outcome: LeaderOutcome
    announced: Announced
    market: AnnouncedMarket
    coupled: Coupled
    nudged: float = 1.0

    @property
    def profit(self) -> float:
        """The leader's, before investment, in currency."""
        return profit_of(self.coupled.schedule, self.market)


@dataclass(frozen=True, slots=True)
class Led:
    """How a game between a leader and its followers ended.

    Attributes:
        last: the round that counts: of those that passed, the one with the highest profit.
        repriced: how often prices were found again.
        history: of all searches for prices, one behind the other.
        notes: sentences for the reader.
    """

    last: Round
    repriced: int
    history: pd.DataFrame
    notes: tuple[str, ...]


def lead(
    scenario: Scenario, physics: Physics, market: Market, watch: Stopwatch, told: Progress
) -> Led:
    """Find prices, run the loop at them, and find them again under what the networks refuse.

    The first prices come from the market without networks. After each loop that passes, the game is
    solved again with the cuts and loss lines that it kept, at most `reprice` times, until the
    leader's verified profit settles. What counts is the best verified round.

    Args:
        scenario: with a leader.
        physics: the networks.
        market: without prices, cuts and loss lines.
        watch: takes the time.
        told: receiver of progress.

    Raises:
        ScenarioError: if the method cannot answer for these followers.
    """
    leader = scenario.config.leader
    assert leader is not None
    case = Case(members=followers_of(scenario.config))
    rounds: list[Round] = []
    games, profits = 0, list[float]()
    current, last = market, None
    for _ in range(leader.reprice + 1):
        with watch.stage("leader", "Prices of the leader"):
            game = game_of(current, last)
            refuse_on_off(market, game, leader)
            outcome = _search_again(scenario, leader, game, rounds)
        if outcome is None:
            break
        announced = game.announced(outcome.prices_nudged, outcome.offers)
        at_prices = AnnouncedMarket.of(current, announced)
        with watch.stage("loop", "Market and networks in turn"):
            loop = physics.loop(at_prices, scenario, "fast", told.iteration)
            coupled = loop.run(replace(case, start=last))
        rounds.append(Round(outcome, announced, at_prices, coupled))
        games += 1
        if coupled.verdict == "feasible":
            rounds += _firmer(scenario, physics, rounds[-1], case, watch, told)
        best = _best(rounds)
        current, last = best.market, best.coupled.schedule
        if coupled.verdict != "feasible" or not (at_prices.cuts or at_prices.loss_lines):
            break
        profits.append(best.profit)
        if leader.method == "fixed" or _settled(profits):
            break
    best = _best(rounds)
    with watch.stage("copper_plate", "The same prices without networks"):
        best = _with_copper_plate(best, rounds, physics, case)
    searches = {id(one.outcome): one.outcome.history for one in rounds}
    history = pd.concat(list(searches.values()), ignore_index=True)
    return Led(best, games - 1, history, _notes(rounds, best))


def _search_again(
    scenario: Scenario, leader: Leader, game: Game, rounds: list[Round]
) -> LeaderOutcome | None:
    """Return prices; None where there are none under the networks and earlier ones will do."""
    known = {id(one.outcome): one.outcome for one in rounds}.values()
    starts = [prices for one in known for prices in (one.prices_nudged, one.prices)]
    try:
        return _search(scenario, leader, game, starts)
    except SolveError:
        if any(one.coupled.verdict == "feasible" for one in rounds):
            return None
        raise


def _search(
    scenario: Scenario, leader: Leader, game: Game, starts: Sequence[FloatArray]
) -> LeaderOutcome:
    settings = replace(settings_of(scenario, leader), starts=tuple(starts))
    if leader.method == "evolutionary" and leader.evolutionary.inner == "admm":
        return search_with_admm(game, settings, scenario.config.bargaining.distributed)
    return solve_leader(game.problem, settings)


def settings_of(scenario: Scenario, leader: Leader) -> LeaderSettings:
    """Return how the game of a scenario is solved."""
    return LeaderSettings(
        method=leader.method,
        gap=leader.gap,
        time_limit_s=leader.time_limit_s,
        nudge=0.0 if leader.method == "fixed" else leader.nudge_per_kwh,
        seed=leader.evolutionary.seed,
        population=leader.evolutionary.population,
        generations=leader.evolutionary.generations,
        threads=scenario.config.solver.threads,
    )


def _firmer(
    scenario: Scenario,
    physics: Physics,
    first: Round,
    case: Case,
    watch: Stopwatch,
    told: Progress,
) -> list[Round]:
    """Return the loop at prices nudged further, where that pays under the losses of a round."""
    leader, outcome, before = scenario.config.leader, first.outcome, first.coupled.schedule
    assert leader is not None
    if leader.method == "fixed" or not first.market.loss_lines:
        return []
    with watch.stage("leader", "Prices of the leader, nudged further"):
        prices = (outcome.prices, outcome.prices_nudged)
        found = firmer(scenario, leader, first.market, prices, case.members, before)
    rounds = []
    with watch.stage("loop", "Market and networks in turn"):
        for one in found:
            loop = physics.loop(one.market, scenario, "fast", told.iteration)
            try:
                coupled = loop.run(replace(case, start=one.schedule))
            except SolveError:
                # There is a round that passed already; what cannot be solved is no better one.
                continue
            rounds.append(Round(outcome, one.market.announced, one.market, coupled, one.factor))
    return rounds


def _settled(profits: list[float]) -> bool:
    if len(profits) < 2:
        return False
    return abs(profits[-1] - profits[-2]) <= SETTLED * max(abs(profits[-2]), CENT)


def _best(rounds: list[Round]) -> Round:
    """Return the round with the highest profit among those that passed, else the last one."""
    passed = [one for one in rounds if one.coupled.verdict == "feasible"]
    return max(passed, key=lambda one: one.profit) if passed else rounds[-1]


def _with_copper_plate(best: Round, rounds: list[Round], physics: Physics, case: Case) -> Round:
    """Return a round with the rounds of all loops, and its own prices' dispatch without networks.

    So what the networks cost is read at the same prices.
    """
    entries = [entry for one in rounds for entry in one.coupled.iterations]
    numbered = tuple(replace(entry, number=k) for k, entry in enumerate(entries))
    coupled = replace(best.coupled, iterations=numbered)
    if best is not rounds[0]:
        copper = best.market.without_networks().solve(case.members, start=coupled.schedule)
        coupled = replace(
            coupled,
            first_schedule=copper,
            first_verification=physics.networks.verify(copper.injections),
        )
    return replace(best, coupled=coupled)


def _notes(rounds: list[Round], best: Round) -> tuple[str, ...]:
    notes = list(best.outcome.notes)
    if best.nudged > 1.0:
        notes.append(
            f"Prices were moved {best.nudged:g} times as far as leader.nudge_per_kwh, so that "
            "losses in the networks do not decide what followers take."
        )
    again = [one for one in rounds[1:] if one.nudged == 1.0]
    failed = [one for one in again if one.coupled.verdict != "feasible"]
    if failed and best.coupled.verdict == "feasible":
        notes.append(
            f"Prices that were found again did not pass the networks ({len(failed)} of "
            f"{len(again)}); the best that did were kept."
        )
    return tuple(dict.fromkeys(notes))


__all__ = ["Led", "Round", "lead", "settings_of"]
