"""The design model as arrays for HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from cosim.market.design.model import DesignModel
from cosim.market.linear import Entries, all_constraints, standard_rows
from cosim.market.program import BoolArray, Bounds, Program
from cosim.records import read_only
from cosim.records.time import FloatArray

RUNNING = ".online["
"""In the names of the numbers of units that run."""


@dataclass(frozen=True, slots=True)
class CompiledDesign:
    """Arrays and where they come from.

    Attributes:
        program: the arrays; the cost is that of the year.
        variables: Pyomo variable per column.
        names: of the columns.
        running: numbers of units that run, shape (n,).
        unweighted: cost of the design days by the hour, shape (n,).
    """

    program: Program
    variables: tuple[Any, ...]
    names: tuple[str, ...]
    running: BoolArray
    unweighted: FloatArray


def compile_design(design: DesignModel) -> CompiledDesign:
    """Return the model's arrays.

    Raises:
        Infeasible: if a constraint can never hold whatever is bought.
    """
    variables = [
        variable
        for component in design.model.component_objects(pyo.Var, descend_into=True)
        for variable in component.values()
    ]
    columns = {id(variable): k for k, variable in enumerate(variables)}
    matrix, row_lb, row_ub, _ = standard_rows(all_constraints(design.model), columns)
    cost = Entries(columns)
    offset = sum(cost.add(money) for money in design.costs.values())
    free = Entries(columns)
    free.add(design.unweighted)
    bounds = np.array([variable.bounds for variable in variables], dtype=float)
    program = Program(
        matrix=matrix,
        bounds=Bounds(
            read_only(np.where(np.isnan(bounds[:, 0]), -np.inf, bounds[:, 0])),
            read_only(np.where(np.isnan(bounds[:, 1]), np.inf, bounds[:, 1])),
            row_lb,
            row_ub,
        ),
        cost=read_only(np.asarray(cost.matrix().sum(axis=0)).ravel()),
        offset=float(offset),
        integer=read_only([not variable.is_continuous() for variable in variables], bool),
    )
    names = tuple(variable.name for variable in variables)
    return CompiledDesign(
        program=program,
        variables=tuple(variables),
        names=names,
        running=read_only([RUNNING in name for name in names], bool),
        unweighted=read_only(np.asarray(free.matrix().sum(axis=0)).ravel()),
    )
