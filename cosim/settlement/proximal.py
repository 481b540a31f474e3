"""One agent's answer to prices: a convex quadratic programme, solved again and again."""

from __future__ import annotations

from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from cosim.errors import SolveError
from cosim.market.agents import Agent
from cosim.records.time import FloatArray

ACCURACY = 1e-9
GOOD = ("Solved", "AlmostSolved")


class Proximal:
    """min cost @ x + sum over linking rows of (price y + penalty/2 (y - near)^2), y = links @ x.

    Integers are relaxed unless they are fixed. Only y leaves the agent.

    Args:
        agent: whose problem it is.
        rows: linking rows that it has a say in.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.rows = np.flatnonzero(np.diff(agent.links.indptr) > 0)
        self._links = sparse.csr_array(agent.links[self.rows])
        self._lower = np.array(agent.program.bounds.col_lb)
        self._upper = np.array(agent.program.bounds.col_ub)
        self._solver: Any = None
        self.x: FloatArray = np.zeros(agent.program.n)

    def fix_integers(self, values: FloatArray) -> None:
        """Keep integer columns at these values from now on, shape (n,)."""
        integer = self.agent.program.integer
        self._lower[integer] = self._upper[integer] = np.round(values[integer])
        self._solver = None

    def answer(self, price: FloatArray, near: FloatArray, penalty: float) -> FloatArray:
        """Return what the agent offers to contribute to its linking rows.

        Args:
            price: per unit of each of its linking rows.
            near: contribution to stay close to.
            penalty: weight of the distance.

        Raises:
            SolveError: if the solver finds no answer.
        """
        n, m = self.agent.program.n, len(self.rows)
        linear = np.concatenate([self.agent.program.cost, price - penalty * near])
        diagonal = np.arange(n, n + m)
        quadratic = sparse.csc_matrix(
            (np.full(m, penalty), (diagonal, diagonal)), shape=(n + m, n + m)
        )
        if self._solver is None:
            self._solver = self._make_solver(quadratic, linear, scaled=False)
        else:
            self._solver.update(P=quadratic, q=linear)
        found = self._solver.solve()
        if str(found.status) not in GOOD:
            found = self._make_solver(quadratic, linear, scaled=True).solve()
        if str(found.status) not in GOOD:
            raise SolveError(
                f"{self.agent.name}: no answer to prices ({found.status})", str(found.status)
            )
        values = np.asarray(found.x)
        self.x = np.clip(values[:n], self._lower, self._upper)
        contribution: FloatArray = values[n:]
        return contribution

    def _make_solver(self, quadratic: Any, linear: FloatArray, *, scaled: bool) -> Any:
        m = len(self.rows)
        matrix, right, cones = self._constraints(self._links, self.agent.program.n, m)
        return clarabel.DefaultSolver(quadratic, linear, matrix, right, cones, _settings(scaled))

    def _constraints(
        self, links: sparse.csr_array, n: int, m: int
    ) -> tuple[Any, FloatArray, list[Any]]:
        """Return rows in the solver's form: equalities first, then what must not be negative."""
        program = self.agent.program
        row_lb, row_ub = program.bounds.row_lb, program.bounds.row_ub
        equal = row_lb == row_ub
        above, below = ~equal & np.isfinite(row_ub), ~equal & np.isfinite(row_lb)
        pinned = self._lower == self._upper
        high, low = ~pinned & np.isfinite(self._upper), ~pinned & np.isfinite(self._lower)
        unit = sparse.eye_array(n, format="csr")
        wide = sparse.csr_array((1, m))
        own = [
            (program.matrix[equal], row_lb[equal]),
            (unit[pinned], self._lower[pinned]),
        ]
        upper = [
            (program.matrix[above], row_ub[above]),
            (-program.matrix[below], -row_lb[below]),
            (unit[high], self._upper[high]),
            (-unit[low], -self._lower[low]),
        ]
        definition = sparse.hstack([links, -sparse.eye_array(m)])
        blocks = [definition]
        right = [np.zeros(m)]
        for rows, side in [*own, *upper]:
            padding = sparse.csr_array((rows.shape[0], wide.shape[1]))
            blocks.append(sparse.hstack([rows, padding]))
            right.append(side)
        n_equal = m + sum(len(side) for _, side in own)
        n_upper = sum(len(side) for _, side in upper)
        cones = [clarabel.ZeroConeT(n_equal), clarabel.NonnegativeConeT(n_upper)]
        return sparse.csc_matrix(sparse.vstack(blocks)), np.concatenate(right), cones


def _settings(scaled: bool) -> Any:
    """Return the solver's settings.

    Rows are in kW already. Where the solver scales them by itself it takes twice the steps on a day
    of storage and demand response, and stops short of the optimum now and then.
    """
    settings = clarabel.DefaultSettings()
    settings.equilibrate_enable = scaled
    settings.verbose = False
    settings.max_threads = 1
    settings.presolve_enable = False  # so that costs can be changed in place
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = ACCURACY
    return settings
