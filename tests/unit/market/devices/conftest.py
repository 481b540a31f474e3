"""A bench that builds one device alone and solves it against prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo
import pytest

from cosim.market.devices import DEVICES, Axes, Ports
from cosim.scenario.scenario import resolve_series
from cosim.scenario.weather import Weather


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "covers(*names): device.constraint that the test holds against an answer found by hand",
    )


class NoScheduleError(Exception):
    """The bench problem has no solution."""


@dataclass
class Bench:
    """A device on its own block, in a model with one objective."""

    model: pyo.ConcreteModel
    axes: Axes
    ports: Ports

    @property
    def block(self) -> Any:
        return self.model.device

    def fix(self, variable: str, values: Sequence[float | None]) -> Bench:
        """Fix a variable at the given steps; None leaves it free."""
        for t, value in enumerate(values):
            if value is not None:
                getattr(self.block, variable)[t].fix(value)
        return self

    def minimise(self, expression: Any) -> float:
        self.model.objective = pyo.Objective(expr=expression)
        solver = pyo.SolverFactory("appsi_highs")
        solver.highs_options = {"mip_rel_gap": 0.0, "mip_abs_gap": 0.0}
        results = solver.solve(self.model, load_solutions=False)
        if results.solver.termination_condition != pyo.TerminationCondition.optimal:
            raise NoScheduleError(str(results.solver.termination_condition))
        solver.load_vars()
        found = float(pyo.value(self.model.objective))
        self.model.del_component("objective")
        return found

    def total(self, carrier: Any, prices: Sequence[float] | None = None) -> Any:
        """Return step_h * sum of prices * net supply; prices of 1 if missing."""
        weights = np.ones(len(self.axes.steps)) if prices is None else np.asarray(prices)
        flow = self.ports.flows[carrier]
        return sum(float(weights[t]) * self.axes.step_h * flow(t) for t in self.axes.steps)

    def cost(self) -> Any:
        return sum(self.ports.costs.values())

    def flow(self, carrier: Any) -> npt.NDArray[np.float64]:
        return self._values(self.ports.flows[carrier])

    def report(self, carrier: Any, quantity: str) -> npt.NDArray[np.float64]:
        return self._values(self.ports.report[carrier, quantity])

    def carry(self, step: int) -> dict[str, float]:
        """Return what the device hands over after a step."""
        return {name: float(pyo.value(flow(step))) for name, flow in self.ports.carry.items()}

    def values(self, variable: str) -> npt.NDArray[np.float64]:
        return self._values(lambda t: getattr(self.block, variable)[t])

    def _values(self, flow: Callable[[int], Any]) -> npt.NDArray[np.float64]:
        return np.array([pyo.value(flow(t)) for t in self.axes.steps], dtype=float)


def make_bench(
    device: str,
    fields: Mapping[str, Any],
    *,
    steps: int = 4,
    step_h: float = 1.0,
    profiles: Mapping[str, Sequence[float]] | None = None,
    demand: Mapping[Any, Sequence[float]] | None = None,
    relax: bool = True,
    initial: Mapping[str, float] | None = None,
    gas_co2_kg_per_kwh: float = 0.0,
    weather: Weather | None = None,
    flue_gas_kg_per_h: Mapping[str, Sequence[float]] | None = None,
) -> Bench:
    """Build one device by its key in DEVICES from the fields of a scenario file."""
    columns = {name: np.asarray(values, float) for name, values in (profiles or {}).items()}
    axes = Axes(
        steps=range(steps),
        step_h=step_h,
        series=lambda value: resolve_series(value, columns, steps),
        demand={carrier: np.asarray(kw, float) for carrier, kw in (demand or {}).items()},
        relax=relax,
        initial=initial or {},
        gas_co2_kg_per_kwh=gas_co2_kg_per_kwh,
        weather=weather,
        flue_gas={
            unit: lambda t, values=values: float(values[t])
            for unit, values in (flue_gas_kg_per_h or {}).items()
        },
    )
    spec_type, build = DEVICES[device]
    model = pyo.ConcreteModel()
    model.device = pyo.Block()
    ports = build(model.device, spec_type.model_validate(dict(fields)), axes)
    return Bench(model, axes, ports)


@pytest.fixture(scope="session")
def bench() -> Callable[..., Bench]:
    """Return `make_bench`."""
    return make_bench


@pytest.fixture(scope="session")
def no_schedule() -> type[Exception]:
    """Return the exception of a bench problem without a solution."""
    return NoScheduleError
