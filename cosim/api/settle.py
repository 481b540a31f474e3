"""Coalition values, allocation and payments of a feasible run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cosim.api.progress import Progress
from cosim.api.session import Physics
from cosim.api.stopwatch import Stopwatch
from cosim.coupling import Case, Coupled
from cosim.grids import Engine
from cosim.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario, ScenarioConfig
from cosim.settlement import (
    CoalitionValue,
    Players,
    allocation_table,
    bargaining_power,
    coalition_table,
    coalition_values,
    game_of,
    payments,
    players_of,
    single_coalitions,
)

COALITION_BALANCE = 5e-3
"""Loss mismatch accepted for coalition values, share of throughput; the run itself keeps to the
scenario's tolerance."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Who gets what.

    Attributes:
        alone: the loop's result with nobody sharing (disagreement costs).
        coalitions: every coalition with cost and value.
        allocation: every method, by player, with diagnostics.
        payments: one row per party, summing to zero.
        notes: what the reader should know.
    """

    alone: Coupled
    coalitions: pd.DataFrame
    allocation: pd.DataFrame
    payments: pd.DataFrame
    notes: tuple[str, ...]


def settle(
    scenario: Scenario,
    physics: Physics,
    market: Market,
    together: Coupled,
    engine: Engine,
    watch: Stopwatch,
    told: Progress,
) -> Settled:
    """Return the settlement of a feasible grand coalition.

    Every coalition is solved and verified under the same networks with the cuts already known;
    outsiders keep their stand-alone schedule.
    """
    config = scenario.config
    players = players_of(config)
    physics = replace(physics, networks=physics.networks.lightly())

    quick = config.coupling.model_copy(
        update={"max_refreshes": 0, "balance_tolerance": COALITION_BALANCE}
    )

    def run_case(case: Case) -> Coupled:
        _drop_conservative(market)
        return physics.loop(market, scenario, engine, settings=quick).run(case)

    with watch.stage("stand_alone", "Stand-alone dispatch under the networks"):
        alone = run_case(Case(members=frozenset(), effort="rounded"))
    with watch.stage("coalitions", "Coalition values under the networks"):
        listed = None if config.bargaining.coalition_values else single_coalitions(players)
        values = coalition_values(players, alone, together, run_case, told.count, listed)
    with watch.stage("allocation", "Allocation and payments"):
        shared = share_out(config, players, values, alone.schedule, together.schedule)
    return Settled(
        alone=alone,
        coalitions=coalition_table(values, {}),
        allocation=shared.allocation,
        payments=shared.payments,
        notes=(*_notes(alone, values), *shared.notes),
    )


@dataclass(frozen=True, slots=True)
class Shared:
    """How the benefit is divided, and the money that follows."""

    allocation: pd.DataFrame
    payments: pd.DataFrame
    notes: tuple[str, ...]


def share_out(
    config: ScenarioConfig,
    players: Players,
    values: Sequence[CoalitionValue],
    alone: Schedule,
    together: Schedule,
) -> Shared:
    """Return allocation and payments from coalition values that are known.

    Args:
        config: how to bargain.
        players: who plays.
        values: every coalition that was solved.
        alone: nobody sharing, over the whole horizon: costs and the trade rows of the table.
        together: everybody sharing, the same.
    """
    game = game_of(values, players) if config.bargaining.coalition_values else None
    weights = bargaining_power(together, players, config.bargaining)
    table, chosen, notes = allocation_table(
        game, values, players, weights, config.bargaining, alone
    )
    return Shared(table, payments(alone, together, players, chosen), notes)


def _drop_conservative(market: Market) -> None:
    """Forget cuts that only hold near the point where they were made."""
    market.drop_cuts([cut.key for cut in market.cuts if not cut.outer])


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
