"""Linear Pyomo expressions as columns and coefficients.

The shapes that a market model is made of (variables, monomials, sums of them) are read directly,
which takes half the time of Pyomo's standard-form compiler; anything else goes to that walker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.numeric_types import native_numeric_types
from pyomo.core.expr.numeric_expr import (
    LinearExpression,
    MonomialTermExpression,
    NegationExpression,
    SumExpression,
)
from pyomo.repn import generate_standard_repn
from scipy import sparse

from cosim.errors import Infeasible, SolveError
from cosim.records import read_only
from cosim.records.time import FloatArray

Columns = Mapping[int, int]
"""Identity of a Pyomo variable -> column."""
ROUNDING = 1e-9
"""How far a constraint without variables may be off."""


class Entries:
    """Entries of a sparse matrix, gathered row by row."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows = 0
        self._row: list[int] = []
        self._column: list[int] = []
        self._value: list[float] = []

    def add(self, expression: Any) -> float:
        """Add a linear expression as the next row and return its constant.

        Raises:
            SolveError: if it is not linear.
        """
        before = len(self._column)
        constant = self._collect(expression, 1.0)
        self._row.extend([self._rows] * (len(self._column) - before))
        self._rows += 1
        return constant

    @property
    def last_is_empty(self) -> bool:
        """True if the row that was added last has no variable."""
        return not self._row or self._row[-1] != self._rows - 1

    def matrix(self) -> sparse.csr_array:
        """Return all rows; coefficients of the same column are added up."""
        entries = (self._value, (self._row, self._column))
        return sparse.csr_array(entries, shape=(self._rows, len(self._columns)), dtype=float)

    def _collect(self, expression: Any, scale: float) -> float:
        """Append the terms of scale * expression and return its constant."""
        kind = expression.__class__
        if kind is LinearExpression or kind is SumExpression:
            constant = 0.0
            for item in expression.args:
                constant += self._term(item, scale)
            return constant
        return self._term(expression, scale)

    def _term(self, item: Any, scale: float) -> float:
        kind = item.__class__
        if kind is MonomialTermExpression:
            coefficient, variable = item.args
            if coefficient.__class__ in native_numeric_types:
                self._column.append(self._columns[id(variable)])
                self._value.append(scale * coefficient)
                return 0.0
        elif kind in native_numeric_types:
            return scale * float(item)
        elif kind is NegationExpression:
            return self._collect(item.args[0], -scale)
        elif kind is LinearExpression or kind is SumExpression:
            return self._collect(item, scale)
        else:
            column = self._columns.get(id(item))
            if column is not None:
                self._column.append(column)
                self._value.append(scale)
                return 0.0
        return self._walk(item, scale)

    def _walk(self, expression: Any, scale: float) -> float:
        form = generate_standard_repn(expression, quadratic=False)
        if not form.is_linear():
            raise SolveError(f"the market's model is not linear: {expression}", reason="nonlinear")
        self._column.extend(self._columns[id(variable)] for variable in form.linear_vars)
        self._value.extend(scale * float(value) for value in form.linear_coefs)
        return scale * float(form.constant)


def standard_rows(
    constraints: Iterable[Any], columns: Columns
) -> tuple[sparse.csr_array, FloatArray, FloatArray, dict[int, int]]:
    """Return constraints as row_lb <= matrix @ x <= row_ub, and constraint identity -> row.

    Raises:
        Infeasible: if a constraint without variables does not hold.
    """
    entries = Entries(columns)
    row_lb: list[float] = []
    row_ub: list[float] = []
    rows: dict[int, int] = {}
    for constraint in constraints:
        lower, body, upper = constraint.to_bounded_expression(evaluate_bounds=True)
        constant = entries.add(body)
        low = -np.inf if lower is None else lower - constant
        high = np.inf if upper is None else upper - constant
        if entries.last_is_empty and (low > ROUNDING or high < -ROUNDING):
            raise Infeasible(f"{constraint.name} can never hold", reason="no variables")
        rows[id(constraint)] = len(row_lb)
        row_lb.append(low)
        row_ub.append(high)
    return entries.matrix(), read_only(row_lb), read_only(row_ub), rows


def all_constraints(model: pyo.ConcreteModel) -> Iterable[Any]:
    """Yield every active constraint of a model, indexed ones member by member."""
    for component in model.component_objects(pyo.Constraint, active=True, descend_into=True):
        yield from component.values()
