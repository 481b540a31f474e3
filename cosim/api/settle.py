"""Coalition values, allocation and payments of a feasible run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.api.coalition_runs import CoalitionMemory, CoalitionRuns
from cosim.api.progress import Progress
from cosim.api.session import Physics
from cosim.api.stopwatch import Stopwatch
from cosim.coupling import Case, Coupled
from cosim.grids import Engine
from cosim.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario
from cosim.settlement import (
    CoalitionValue,
    Evidence,
    Money,
    Negotiated,
    Players,
    account_table,
    allocation_table,
    bargaining_power,
    carbon_saved_kg,
    coalition_table,
    coalition_values,
    copper_plate_values,
    game_of,
    game_summary,
    marginal_contributions,
    players_of,
    power_table,
    price_table,
    settle_money,
    settled_instead,
    single_coalitions,
    solve_distributed,
)
from cosim.settlement.copper import SolveMembers
from cosim.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Settled:
    """Who gets what.

    Attributes:
        alone: the loop's result with nobody sharing (disagreement costs).
        coalitions: every coalition with cost and value.
        shared: allocation, payments and prices.
        negotiated: the distributed solution, where it was asked for.
        game: the game without networks and under them, see `game_summary`; empty where not every
            coalition was solved.
        notes: what the reader should know.
    """

    alone: Coupled
    coalitions: pd.DataFrame
    shared: Shared
    negotiated: Negotiated | None
    game: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """What settlement works with.

    Attributes:
        scenario: loaded.
        physics: the networks.
        market: with the cuts and loss lines of the run.
        engine: of the networks.
        tasks: where coalitions are solved.
        memory: folder that keeps finished coalitions until the run is complete.
    """

    scenario: Scenario
    physics: Physics
    market: Market
    engine: Engine
    tasks: Tasks
    memory: Path | None = None


def settle(
    bench: Bench,
    together: Coupled,
    copper: Schedule,
    priced: Schedule,
    watch: Stopwatch,
    told: Progress,
) -> Settled:
    """Return the settlement of a feasible grand coalition.

    Every coalition is solved and verified under the same networks with the cuts already known;
    outsiders keep their stand-alone schedule. Beside it stands what it could save without networks.

    Args:
        bench: scenario, networks, market and where to work.
        together: the loop's result of the grand coalition.
        copper: everybody sharing, without networks.
        priced: the grand coalition's schedule with marginal values.
        watch: takes the time.
        told: receiver of progress.
    """
    config = bench.scenario.config
    players = players_of(config)
    key = f"{bench.scenario.input_hash}-{version('cosim')}-{together.schedule.cost!r}"
    memory = CoalitionMemory(bench.memory, key)
    runs = CoalitionRuns(
        bench.scenario, bench.physics, bench.market, bench.engine, bench.tasks, memory
    )
    with watch.stage("stand_alone", "Stand-alone dispatch under the networks"):
        nobody = Case(members=frozenset(), effort="rounded")
        alone = next(iter(runs([nobody]))) if players.shares else together
    with watch.stage("coalitions", "Coalition values under the networks"):
        listed = None if config.bargaining.coalition_values else single_coalitions(players)
        values = coalition_values(players, alone, together, runs, told.count, listed)
    with watch.stage("copper_plate", "Coalition values without networks"):
        plate = copper_plate_values(players, copper, _plate(bench.market), listed)
    with watch.stage("allocation", "Allocation, payments and prices"):
        before = _with_duals(bench, alone.schedule)
        after = replace(together.schedule, duals=priced.duals)
        shared = share_out(bench.scenario, players, values, before, after)
    negotiated = None
    if config.bargaining.distributed.enabled:
        with watch.stage("distributed", "The same without a centre (ADMM)"):
            negotiated = solve_distributed(
                bench.market, together.schedule, shared.money, config.bargaining.distributed
            )
    return Settled(
        alone=alone,
        coalitions=coalition_table(values, plate),
        shared=shared,
        negotiated=negotiated,
        game=_game(players, values, plate) if listed is None else {},
        notes=(
            *_notes(alone, values),
            *shared.notes,
            *(negotiated.notes if negotiated is not None else ()),
        ),
    )


def _game(
    players: Players, values: list[CoalitionValue], plate: Mapping[frozenset[str], float]
) -> dict[str, Any]:
    uncertain = max((v.gap * abs(v.cost) for v in values if np.isfinite(v.gap)), default=0.0)
    return game_summary(game_of(values, players), plate, players, 2.0 * uncertain + 1e-6)


def _plate(market: Market) -> SolveMembers:
    """Return a way to solve the market of members as if there were no networks."""
    plain = market.without_networks()

    def solve(members: frozenset[str], start: Schedule | None) -> Schedule:
        return plain.solve(members, start=start, effort="rounded")

    return solve


def _with_duals(bench: Bench, alone: Schedule) -> Schedule:
    """Return the stand-alone schedule with the marginal values that the billing rule asks for."""
    if bench.scenario.config.bargaining.loss_rule != "marginal":
        return alone
    priced = bench.market.solve(frozenset(), start=alone, duals=True, effort="fixed")
    return replace(alone, duals=priced.duals)


@dataclass(frozen=True, slots=True)
class Shared:
    """How the benefit is divided, and the money that follows."""

    allocation: pd.DataFrame
    payments: pd.DataFrame
    p2p_prices: pd.DataFrame
    accounts: pd.DataFrame
    bargaining_power: pd.DataFrame
    money: Money
    notes: tuple[str, ...]


def share_out(
    scenario: Scenario,
    players: Players,
    values: Sequence[CoalitionValue],
    alone: Schedule,
    together: Schedule,
) -> Shared:
    """Return allocation, payments and prices from coalition values that are known.

    Args:
        scenario: how to bargain, and the tariffs.
        players: who plays.
        values: every coalition that was solved.
        alone: nobody sharing, over the whole horizon: costs and the trade rows of the table.
        together: everybody sharing, the same.
    """
    settings = scenario.config.bargaining
    game = game_of(values, players) if settings.coalition_values else None
    evidence = None
    if game is not None:
        evidence = Evidence(
            saving=marginal_contributions(game, players),
            carbon_kg=carbon_saved_kg(scenario, players, alone, together),
        )
    weights = bargaining_power(together, players, settings, evidence)
    table, chosen, notes = allocation_table(game, values, players, weights, settings, alone)
    singles = pd.Series({next(iter(v.coalition)): v.value for v in values if len(v.coalition) == 1})
    money = settle_money(scenario, players, alone, together, chosen, singles)
    if money.peer.bounded and settings.prices.rule == "bounded":
        table = settled_instead(table, money.realised, game, values, players, alone)
    return Shared(
        allocation=table,
        payments=money.payments,
        p2p_prices=price_table(money.peer, scenario.time),
        accounts=account_table(together, money, players.leader),
        bargaining_power=power_table(together, players, settings, evidence),
        money=money,
        notes=(*notes, *money.notes),
    )


def _notes(alone: Coupled, values: list[CoalitionValue]) -> tuple[str, ...]:
    notes = []
    if alone.verdict != "feasible":
        notes.append(
            "Stand-alone dispatch does not pass the network checks "
            f"({alone.verdict}: {alone.cause}); disagreement costs are those of its last round."
        )
    unverified = [item for item in values if not item.verified]
    if unverified:
        notes.append(
            f"{len(unverified)} of {len(values)} coalitions do not pass the network checks; "
            "their values are marked as not verified."
        )
    return tuple(notes)
