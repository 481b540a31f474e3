"""The cooperative problem cut into what each party knows, and what links the parties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from cosim.market.compile import Compiled
from cosim.market.extras import Extra, places
from cosim.market.program import BoolArray, Bounds, Program, part_of
from cosim.records import read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Agent:
    """One party's own problem: nothing in it is known to the others.

    Attributes:
        name: of the party.
        program: its columns, rows and costs.
        links: what it contributes to each linking row, links @ x, shape (l, n).
        columns: its columns in the whole program, shape (n,).
    """

    name: str
    program: Program
    links: sparse.csr_array
    columns: IntArray


@dataclass(frozen=True, slots=True)
class Split:
    """All agents, and the rows that link them: sum over agents of links @ x = due.

    Attributes:
        agents: one per party that decides anything.
        due: right side of each linking row, shape (l,).
        offset: constant cost of everyone.
        n: columns of the whole program, extras included.
        ties: part of the cost per column that nobody pays, shape (n,): what decides between equal
            answers, and the price of a network limit that is broken.
    """

    agents: tuple[Agent, ...]
    due: FloatArray
    offset: float
    n: int
    ties: FloatArray


def split_by_party(compiled: Compiled, bounds: Bounds, extras: Sequence[Extra]) -> Split:
    """Cut the program of one solve into the problems of its parties; see `split_program`.

    Args:
        compiled: the model.
        bounds: who takes part.
        extras: cuts, loss lines and binaries behind the model.
    """
    whole, _, _, owner = assemble(compiled, bounds, extras)
    paid = np.asarray(compiled.money.matrix.sum(axis=0)).ravel()
    ties = whole.cost.copy()
    ties[: len(paid)] -= paid
    return split_program(whole, owner, compiled.layout.parties, ties)


def split_followers(
    compiled: Compiled, bounds: Bounds, extras: Sequence[Extra], ties: FloatArray, given: FloatArray
) -> Split:
    """Cut the program of everyone but the leader into the problems of its parties.

    The leader is no party to it: what it delivers, takes and injects are numbers that the others
    are told, and move to the right sides.

    Args:
        compiled: the model at announced prices.
        bounds: who takes part.
        extras: cuts, loss lines and binaries behind the model.
        ties: part of the cost per column of the model that nobody pays.
        given: column values of the model, of which the leader's are kept.
    """
    layout, leader = compiled.layout, str(compiled.layout.leader)
    whole, row_lb, row_ub, owner = assemble(compiled, bounds, extras)
    leads = owner == layout.parties.index(leader)
    own = np.flatnonzero(leads[: len(given)])
    col_lb, col_ub = whole.bounds.col_lb.copy(), whole.bounds.col_ub.copy()
    col_lb[own] = col_ub[own] = given[own]
    columns = np.flatnonzero(~leads)
    rows = np.flatnonzero(np.diff(whole.matrix[:, columns].tocsr().indptr) > 0)
    part = part_of(whole, Bounds(col_lb, col_ub, row_lb, row_ub), columns, rows)
    constants = zip(compiled.money.labels, compiled.money.constant, strict=True)
    others = sum(float(constant) for label, constant in constants if label[0] != leader)
    unpaid = whole.cost.copy()
    unpaid[: len(ties)] = ties
    part = replace(part, offset=others)
    return split_program(part, owner[columns], layout.parties, unpaid[columns])


def split_program(
    whole: Program, owner: IntArray, names: Sequence[str], ties: FloatArray | None = None
) -> Split:
    """Cut a program into the problems of the parties that own its columns.

    A row whose columns belong to one party is that party's own; any other is a linking row: pools,
    contracts, network limits, losses. Inequalities among them become equalities with a slack that
    the network account owns, as it does the columns of cuts and loss lines.

    Args:
        whole: the program.
        owner: number of the party that owns each column, shape (n,).
        names: of the parties, the network account among them.
        ties: part of the cost per column that nobody pays, shape (n,); none if missing.
    """
    matrix, row_lb, row_ub = whole.matrix, whole.bounds.row_lb, whole.bounds.row_ub
    network = list(names).index(NETWORK)
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    first = np.full(matrix.shape[0], len(names))
    last = np.full(matrix.shape[0], -1)
    np.minimum.at(first, row_of, owner[matrix.indices])
    np.maximum.at(last, row_of, owner[matrix.indices])
    linking = np.flatnonzero((first != last) & (last >= 0))
    scale = 1.0 / np.maximum(np.abs(matrix[linking]).max(axis=1).toarray().ravel(), 1e-12)
    links = sparse.csr_array(sparse.diags_array(scale) @ matrix[linking])
    low, high = row_lb[linking] * scale, row_ub[linking] * scale
    agents = []
    for number, name in enumerate(names):
        columns = np.flatnonzero(owner == number)
        rows = np.flatnonzero((first == number) & (last == number))
        inside = whole.bounds
        part = Program(
            matrix=sparse.csr_array(matrix[rows][:, columns]),
            bounds=Bounds(
                inside.col_lb[columns], inside.col_ub[columns], row_lb[rows], row_ub[rows]
            ),
            cost=whole.cost[columns],
            offset=0.0,
            integer=whole.integer[columns],
        )
        own = sparse.csr_array(links[:, columns])
        if number == network:
            part, own = _with_slacks(part, own, low, high)
        if part.n:
            agents.append(Agent(name, part, own, read_only(columns, np.int64)))
    due = np.where(low == high, low, 0.0)
    unpaid = np.zeros(whole.n) if ties is None else ties
    return Split(tuple(agents), read_only(due), whole.offset, whole.n, read_only(unpaid))


def assemble(
    compiled: Compiled, bounds: Bounds, extras: Sequence[Extra]
) -> tuple[Program, FloatArray, FloatArray, IntArray]:
    """Return the program with its extras, its row bounds and the owner of every column.

    Columns of extras belong to the network account; binaries to the party whose columns they are
    about.
    """
    base = compiled.program
    located = places(extras, base.n, base.m)
    owners = [np.asarray(compiled.layout.column_owner)]
    network = compiled.layout.parties.index(NETWORK)
    blocks = []
    total = base.n + sum(len(extra.col_ub) for extra in extras)
    for extra in extras:
        columns = extra.columns.copy()
        fresh = columns >= base.n
        columns[fresh] += located[extra.key].columns.start - base.n
        shape = (len(extra.row_lb), total)
        blocks.append(sparse.csr_array((extra.values, columns, extra.starts), shape=shape))
        known = owners[0][extra.columns[~fresh]]
        own = known[0] if len(known) and (known == known[0]).all() and extra.integer else network
        owners.append(np.full(len(extra.col_ub), own))
    wide = sparse.csr_array((base.matrix.data, base.matrix.indices, base.matrix.indptr),
                            shape=(base.m, total))  # fmt: skip
    matrix = sparse.csr_array(sparse.vstack([wide, *blocks])) if blocks else wide
    join = np.concatenate
    integer: BoolArray = join([base.integer, *(np.full(len(e.col_ub), e.integer) for e in extras)])
    whole = Program(
        matrix=matrix,
        bounds=Bounds(
            join([bounds.col_lb, *(np.zeros(len(e.col_ub)) for e in extras)]),
            join([bounds.col_ub, *(e.col_ub for e in extras)]),
            join([bounds.row_lb, *(e.row_lb for e in extras)]),
            join([bounds.row_ub, *(e.row_ub for e in extras)]),
        ),
        cost=join([base.cost, *(e.col_cost for e in extras)]),
        offset=base.offset,
        integer=integer,
    )
    return whole, whole.bounds.row_lb, whole.bounds.row_ub, join(owners).astype(np.int64)


def _with_slacks(
    part: Program, own: sparse.csr_array, low: FloatArray, high: FloatArray
) -> tuple[Program, sparse.csr_array]:
    """Give the network account one more column, without cost, for each linking inequality."""
    rows = np.flatnonzero(low != high)
    if not len(rows):
        return part, own
    shape = (len(low), len(rows))
    unit = sparse.csr_array((np.full(len(rows), -1.0), (rows, np.arange(len(rows)))), shape=shape)
    nothing = sparse.csr_array((part.matrix.shape[0], len(rows)))
    join = np.concatenate
    wider = Program(
        matrix=sparse.csr_array(sparse.hstack([part.matrix, nothing])),
        bounds=Bounds(
            join([part.bounds.col_lb, low[rows]]),
            join([part.bounds.col_ub, high[rows]]),
            part.bounds.row_lb,
            part.bounds.row_ub,
        ),
        cost=join([part.cost, np.zeros(len(rows))]),
        offset=part.offset,
        integer=join([part.integer, np.zeros(len(rows), dtype=bool)]),
    )
    return wider, sparse.csr_array(sparse.hstack([own, unit]))
