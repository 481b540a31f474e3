"""How an agent chooses its own on/off states once the others' prices have settled."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from cosim.errors import SolveError
from cosim.records.time import FloatArray
from cosim.settlement.proximal import Proximal

KEEP = 0.5
"""Price of leaving the relaxed contribution, as a share of the mean price: enough to stay where
the others expect it, too little to keep a unit running at a loss."""


def choose_integers(agent: Proximal, price: FloatArray, offer: FloatArray) -> FloatArray:
    """Return an agent's column values with whole numbers, shape (n,).

    min cost @ x + price @ y + keep |y - offer|_1 with y = links @ x: its own mixed-integer problem,
    which nobody else sees.

    Args:
        agent: whose problem it is.
        price: per unit of its linking rows.
        offer: contribution that the relaxed negotiation ended with.

    Raises:
        SolveError: if it has no solution.
    """
    program, links = agent.agent.program, sparse.csr_array(agent.agent.links[agent.rows])
    n, m = program.n, len(agent.rows)
    keep = np.full(m, KEEP * max(float(np.abs(price).mean()) if m else 0.0, 1e-6))
    cost = np.concatenate([program.cost + links.T @ price, keep, keep])
    unit = sparse.eye_array(m)
    deviation = LinearConstraint(
        sparse.csc_array(sparse.hstack([links, -unit, unit])), offer, offer
    )
    nothing = sparse.csr_array((program.m, 2 * m))
    own = LinearConstraint(
        sparse.csc_array(sparse.hstack([program.matrix, nothing])),
        program.bounds.row_lb,
        program.bounds.row_ub,
    )
    bounds = Bounds(
        np.concatenate([program.bounds.col_lb, np.zeros(2 * m)]),
        np.concatenate([program.bounds.col_ub, np.full(2 * m, np.inf)]),
    )
    found = milp(
        cost,
        integrality=np.concatenate([program.integer, np.zeros(2 * m)]).astype(int),
        bounds=bounds,
        constraints=[own, deviation] if program.m else [deviation],
        options={"mip_rel_gap": 1e-5, "time_limit": 60.0},
    )
    if found.x is None:
        raise SolveError(f"{agent.agent.name}: no states of its own fit ({found.message})")
    values: FloatArray = np.asarray(found.x[:n], dtype=float)
    return values
