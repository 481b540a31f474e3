"""The leader-follower game of a market: its arrays, cut into the parts of leader and followers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cosim.market.announced import Announced, follower_trades, price_keys
from cosim.market.extras import places
from cosim.market.leader.problem import Follower, LeaderProblem
from cosim.market.leader.ranges import Keys, price_order, price_ranges
from cosim.market.leader.rungs import without_needless_binaries
from cosim.market.leader.whole import Whole, followers_of, whole_of
from cosim.market.market import Market
from cosim.market.program import Bounds, Program, part_of
from cosim.records import CutKey, Schedule, read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Game:
    """The game as arrays, and where its columns are in the market.

    Attributes:
        problem: what the methods solve.
        keys: carrier and side of the prices, T of each in this order.
        steps: T.
        step_h: length of a step in hours.
        leader_columns: of the market's program, in the order of the leader's columns.
        follower_columns: the same per follower.
        owners: number of the party that owns each of a follower's columns.
        parties: their names.
    """

    problem: LeaderProblem
    keys: Keys
    steps: int
    step_h: float
    leader_columns: IntArray
    follower_columns: tuple[IntArray, ...]
    owners: tuple[IntArray, ...]
    parties: tuple[str, ...]

    def announced(self, prices: FloatArray, offers: FloatArray | None = None) -> Announced:
        """Return prices of the game by carrier and side.

        Args:
            prices: shape (n_prices,).
            offers: most that is traded at each in a step, kWh; no limit if missing.
        """
        kw = None if offers is None else offers / self.step_h
        return Announced.of(self.keys, prices, self.steps, kw)


@dataclass(frozen=True, slots=True)
class _LeaderRows:
    """The rows of the leader's problem, in this order.

    Attributes:
        links: between its trade and that of its followers.
        own: about its columns only.
        cuts: its part of every cut, over its columns.
        limit: most of each part.
    """

    links: IntArray
    own: IntArray
    cuts: sparse.csr_array
    limit: FloatArray


def game_of(market: Market, last: Schedule | None = None) -> Game:
    """Return the game between the leader of a market and its followers.

    Cuts and loss lines stay with the followers, with the leader's part at its value in the last
    schedule; the leader keeps its part of every cut from getting worse than it was. Followers that
    nothing links are problems of their own.

    Args:
        market: of a scenario with a leader, with the cuts and loss lines of a loop, if there was
            one.
        last: the schedule that the loop ended with.
    """
    scenario = market.scenario
    assert scenario.config.leader is not None
    whole = whole_of(market, last)
    rows = _leader_rows(whole)
    leader_columns = np.flatnonzero(whole.leads)
    keys = price_keys(scenario.config)
    groups = _groups(whole)
    followers = tuple(_follower(whole, keys, group, rows) for group in groups)
    low, high = price_ranges(scenario, scenario.config.leader, keys)
    order, limit = price_order(scenario.config.leader, keys, whole.compiled.layout.steps)
    problem = LeaderProblem(
        leader=_leader(whole, leader_columns, rows),
        followers=followers,
        price_lb=low,
        price_ub=high,
        price_rows=order,
        price_row_ub=limit,
        price_step=np.tile(np.arange(whole.compiled.layout.steps), len(keys)),
    )
    columns = tuple(read_only(_columns(whole, group), np.int64) for group in groups)
    return Game(
        problem=problem,
        keys=keys,
        steps=whole.compiled.layout.steps,
        step_h=whole.compiled.layout.step_h,
        leader_columns=read_only(leader_columns, np.int64),
        follower_columns=columns,
        owners=tuple(read_only(whole.owner[own], np.int64) for own in columns),
        parties=whole.compiled.layout.parties,
    )


def _leader_rows(whole: Whole) -> _LeaderRows:
    matrix = whole.program.matrix
    mine, foreign = _touching(matrix[:, whole.leads]), _touching(matrix[:, ~whole.leads])
    located = places(whole.extras, whole.compiled.program.n, whole.compiled.program.m)
    cuts, limit = [], []
    for extra in whole.extras:
        row = located[extra.key].rows.start
        if isinstance(extra.key, CutKey) and mine[row]:
            cuts.append(row)
            limit.append(_room(whole, row, located[extra.key].columns.start))
    parts = matrix[np.array(cuts, dtype=np.int64)][:, whole.leads]
    own = np.flatnonzero(mine & ~foreign)
    return _LeaderRows(whole.links, own, sparse.csr_array(parts), np.array(limit, dtype=float))


def _room(whole: Whole, row: int, slack: int) -> float:
    """Return the most that the leader's part of a cut may be: all of it where it is alone."""
    entries = whole.program.matrix[[row]]
    others = entries.indices[~whole.leads[entries.indices]]
    if (others == slack).all():
        return float(whole.program.bounds.row_ub[row])
    mine = whole.leads[entries.indices]
    return float(entries.data[mine] @ whole.last[entries.indices[mine]])


def _touching(part: sparse.csr_array) -> np.ndarray:
    return np.asarray(np.diff(sparse.csr_array(part).indptr) > 0)


def _leader(whole: Whole, columns: IntArray, rows: _LeaderRows) -> Program:
    bounds = whole.program.bounds
    both = np.concatenate([rows.links, rows.own])
    money, leader = whole.compiled.money, whole.compiled.layout.leader
    mine = [c for label, c in zip(money.labels, money.constant, strict=True) if label[0] == leader]
    no_limit = np.full(len(rows.limit), -np.inf)
    return Program(
        matrix=sparse.csr_array(sparse.vstack([whole.program.matrix[both][:, columns], rows.cuts])),
        bounds=Bounds(
            bounds.col_lb[columns],
            bounds.col_ub[columns],
            np.concatenate([bounds.row_lb[both], no_limit]),
            np.concatenate([bounds.row_ub[both], rows.limit]),
        ),
        cost=whole.own_cost[columns],
        offset=float(sum(mine)),
        integer=whole.program.integer[columns],
    )


def _groups(whole: Whole) -> list[tuple[int, ...]]:
    """Return the parties besides the leader, grouped by rows that link their open columns.

    The network account is nobody: a group of it alone has nothing to answer.
    """
    layout, program = whole.compiled.layout, whole.program
    is_open = (program.bounds.col_ub > program.bounds.col_lb) & ~whole.leads
    rows = np.setdiff1d(np.arange(program.m), whole.links)
    entries = sparse.coo_array(program.matrix[rows][:, is_open])
    count = len(layout.parties)
    parties = whole.owner[is_open][entries.coords[1]]
    shape = (len(rows) + count, len(rows) + count)
    graph = sparse.csr_array(
        (np.ones(len(parties)), (entries.coords[0], len(rows) + parties)), shape=shape
    )
    label = connected_components(graph, directed=False)[1][len(rows) :]
    network, leader = layout.parties.index(NETWORK), layout.parties.index(str(layout.leader))
    found: dict[int, list[int]] = {}
    for party in range(count):
        if party != leader:
            found.setdefault(int(label[party]), []).append(party)
    return [tuple(group) for group in found.values() if group != [network]]


def _columns(whole: Whole, group: tuple[int, ...]) -> IntArray:
    return np.flatnonzero(np.isin(whole.owner, group))


def _follower(
    whole: Whole, keys: Keys, group: tuple[int, ...], leader_rows: _LeaderRows
) -> Follower:
    layout, program = whole.compiled.layout, whole.program
    columns = _columns(whole, group)
    bounds = program.bounds
    is_open = np.zeros(program.n, dtype=bool)
    is_open[columns] = bounds.col_ub[columns] > bounds.col_lb[columns]
    rows = np.setdiff1d(np.flatnonzero(_touching(program.matrix[:, is_open])), whole.links)
    held = Bounds(
        np.where(whole.leads, whole.last, bounds.col_lb),
        np.where(whole.leads, whole.last, bounds.col_ub),
        bounds.row_lb,
        bounds.row_ub,
    )
    names = [layout.parties[number] for number in group]
    money = whole.compiled.money
    constant = [
        c for label, c in zip(money.labels, money.constant, strict=True) if label[0] in names
    ]
    part = replace(part_of(program, held, columns, rows), offset=float(sum(constant)))
    part = without_needless_binaries(whole.compiled, part, columns)
    return Follower(
        name=" + ".join(name for name in names if name != NETWORK),
        program=part,
        priced=_priced(whole, keys)[:, columns],
        fees=whole.fees[columns],
        to_leader=_to_leader(whole, columns, leader_rows),
    )


def _priced(whole: Whole, keys: Keys) -> sparse.csr_array:
    """Return what one unit of each price costs per column, shape (prices, n)."""
    steps, step_h = whole.compiled.layout.steps, whole.compiled.layout.step_h
    rows, columns, values = [], [], []
    for k, (carrier, side) in enumerate(keys):
        for _, traded in follower_trades(whole.compiled, carrier, side):
            rows.append(k * steps + np.arange(steps))
            columns.append(traded)
            values.append(np.full(steps, step_h if side == "sell" else -step_h))
    join = np.concatenate
    shape = (len(keys) * steps, whole.program.n)
    return sparse.csr_array((join(values), (join(rows), join(columns))), shape=shape)


def _to_leader(whole: Whole, columns: IntArray, rows: _LeaderRows) -> sparse.csr_array:
    """Return how a follower's columns enter the leader's rows: through the links."""
    part = whole.program.matrix[rows.links][:, columns]
    rest = sparse.csr_array((len(rows.own) + len(rows.limit), len(columns)))
    return sparse.csr_array(sparse.vstack([part, rest]))


__all__ = ["Game", "followers_of", "game_of"]
