"""Settlement over all windows: costs and coalition values are sums, payments are for the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cosim.api.settle import Shared, share_out
from cosim.api.window_parts import ALONE_FILE, TRADE, TRADES_FILE
from cosim.api.window_task import WindowOutcome
from cosim.api.window_worlds import ALONE, COPPER_PLATE, TOGETHER, world_of
from cosim.records import CostTable, Injections, NetworkDuals, Schedule, read_only
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.settlement import (
    CoalitionValue,
    coalition_table,
    cost_inside,
    has_no_value,
    players_of,
    single_coalitions,
)
from cosim.settlement.players import Players


@dataclass(frozen=True, slots=True)
class YearSettled:
    """Who gets what over the whole horizon."""

    coalitions: pd.DataFrame
    shared: Shared
    notes: tuple[str, ...]


def settle_year(
    scenario: Scenario, table: Path, outcomes: Sequence[WindowOutcome], parts: Sequence[Path]
) -> YearSettled:
    """Return the settlement of a horizon of feasible windows.

    Args:
        scenario: the whole horizon.
        table: the joined schedule of everybody sharing.
        outcomes: by window.
        parts: the folder with the tables of each window.
    """
    config = scenario.config
    players = players_of(config)
    together = _schedule(scenario, outcomes, TOGETHER, _trade([table]))
    trades = table.with_name(TRADES_FILE)
    if trades.is_file():
        content = pq.read_table(trades).to_pandas(coerce_temporal_nanoseconds=True)
        contracts = pd.DataFrame(content)
        together = replace(together, bilateral=contracts)
    alone = _schedule(scenario, outcomes, ALONE, _trade([part / ALONE_FILE for part in parts]))
    values = coalition_sums(players, outcomes, config.bargaining.coalition_values)
    shared = share_out(scenario, players, values, alone, together)
    return YearSettled(
        coalition_table(values, {}), shared, (*_notes(outcomes, values), *shared.notes)
    )


def coalition_sums(
    players: Players, outcomes: Sequence[WindowOutcome], all_coalitions: bool
) -> list[CoalitionValue]:
    """Return the value of every coalition: what it saves over the sum of all windows.

    A coalition can always do, from beginning to end, what a part of it does: where the path of a
    part is cheaper, or its own does not pass the checks, that path counts.

    Args:
        players: who plays.
        outcomes: by window, every coalition solved in each.
        all_coalitions: or only single players and all together.
    """
    everyone = players.members(frozenset(players.names))
    base = _path(ALONE, outcomes, players)
    paths: dict[frozenset[str], _Path] = {frozenset(): base}
    values = []
    for coalition in players.coalitions() if all_coalitions else single_coalitions(players):
        members = players.members(coalition)
        if has_no_value(coalition, players):
            values.append(CoalitionValue(coalition, base.cost, 0.0, base.verified, 0.0))
            continue
        if members not in paths:
            world = TOGETHER if members == everyone else world_of(members)
            own = _path(world, outcomes, players)
            paths[members] = own if world == TOGETHER else _best(own, members, paths)
        path = paths[members]
        value = base.cost - path.cost
        values.append(CoalitionValue(coalition, path.cost, value, path.verified, path.gap))
    return values


@dataclass(frozen=True, slots=True)
class _Path:
    """One world through all windows."""

    cost: float
    verified: bool
    gap: float


def _path(world: str, outcomes: Sequence[WindowOutcome], players: Players) -> _Path:
    found = [outcome.worlds[world] for outcome in outcomes]
    costs = np.array([cost_inside(one.costs, players) for one in found])
    uncertain = float(np.array([one.gap for one in found]) @ np.abs(costs))
    cost = float(costs.sum())
    return _Path(cost, all(one.verified for one in found), uncertain / max(abs(cost), 1e-9))


def _best(own: _Path, members: frozenset[str], paths: Mapping[frozenset[str], _Path]) -> _Path:
    parts = [path for known, path in paths.items() if known < members and path.verified]
    part = min(parts, key=lambda path: path.cost, default=own)
    return part if part.cost < own.cost or not own.verified else own


def summed_emissions(outcomes: Sequence[WindowOutcome]) -> dict[str, pd.DataFrame]:
    """Return emissions over all windows by case, as in the summary of a short run."""
    cases = {"individual": ALONE, "copper_plate": COPPER_PLATE, "last": TOGETHER}
    return {
        case: _summed([outcome.worlds[world].co2_kg for outcome in outcomes])
        for case, world in cases.items()
        if all(world in outcome.worlds for outcome in outcomes)
    }


def summed_costs(outcomes: Sequence[WindowOutcome], world: str) -> CostTable:
    """Return the cost table of one world over all windows."""
    return _summed([outcome.worlds[world].costs for outcome in outcomes])


def _summed(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the sum of tables of parties by component, the total last."""
    total = tables[0]
    for table in tables[1:]:
        total = total.add(table, fill_value=0.0)
    parts = [name for name in total.columns if name != "total"]
    return total.reindex(tables[0].index)[[*parts, "total"]]


def _schedule(
    scenario: Scenario, outcomes: Sequence[WindowOutcome], world: str, trade: pd.DataFrame
) -> Schedule:
    """Return a schedule of the whole horizon with its costs, trades and marginal values."""
    costs = summed_costs(outcomes, world)
    cost = float(costs["total"].sum())
    sharing = frozenset(scenario.config.participants) if world == TOGETHER else frozenset()
    return Schedule(
        time=scenario.time,
        members=sharing,
        table=trade,
        injections=_injections(outcomes, world),
        costs=costs,
        cost=cost,
        bound=-np.inf,
        gap=float("inf"),
        optimal=False,
        duals=_duals(outcomes, world),
    )


def _trade(files: Sequence[Path]) -> pd.DataFrame:
    """Return the rows about trade, text as categories."""
    wanted = pc.field("device") == TRADE
    content = pq.read_table(list(files), filters=wanted)
    return pd.DataFrame(content.to_pandas(coerce_temporal_nanoseconds=True))


def _injections(outcomes: Sequence[WindowOutcome], world: str) -> dict[str, Injections]:
    found: dict[str, Injections] = {}
    if any(world not in outcome.marginal for outcome in outcomes):
        return found
    for grid, first in outcomes[0].marginal[world].injections.items():
        entries = [outcome.marginal[world].injections[grid] for outcome in outcomes]
        offsets = [outcome.window.first for outcome in outcomes]
        steps = [entry.steps + offset for entry, offset in zip(entries, offsets, strict=True)]
        found[grid] = Injections(
            grid,
            read_only(np.concatenate(steps), np.int64),
            first.terminals,
            _joined([entry.p_kw for entry in entries]),
            _joined([entry.q_kvar for entry in entries]),
        )
    return found


def _duals(outcomes: Sequence[WindowOutcome], world: str) -> NetworkDuals | None:
    known = [outcome.marginal[world].duals for outcome in outcomes if world in outcome.marginal]
    if len(known) < len(outcomes):
        return None
    return NetworkDuals(
        energy={name: _joined([d.energy[name] for d in known]) for name in known[0].energy},
        loss={name: _joined([d.loss[name] for d in known]) for name in known[0].loss},
        congestion={
            name: _joined([d.congestion[name] for d in known]) for name in known[0].congestion
        },
        cuts={},
    )


def _joined(arrays: Sequence[FloatArray]) -> FloatArray:
    return read_only(np.concatenate(arrays))


def _notes(outcomes: Sequence[WindowOutcome], values: Sequence[CoalitionValue]) -> tuple[str, ...]:
    notes = []
    bad = [outcome for outcome in outcomes if not outcome.worlds[ALONE].verified]
    if bad:
        notes.append(
            f"Stand-alone dispatch does not pass the network checks in {len(bad)} of "
            f"{len(outcomes)} windows; disagreement costs there are those of its last round."
        )
    unverified = [item for item in values if not item.verified]
    if unverified:
        notes.append(
            f"{len(unverified)} of {len(values)} coalitions do not pass the network checks in "
            "every window; their values are marked as not verified."
        )
    return tuple(notes)
