"""What each limit looks at, made from the plain result columns of pandapower and pandapipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cosim.report.data import CASES, Case, Run
from cosim.units import KW_PER_MW, W_PER_KW, ZERO_CELSIUS_K

NO_FLOW_KG_PER_S = 1e-6
"""Below this a house station draws nothing, and its pressure and temperature do not count."""
KELVIN_SCALE = 10.0
"""Room that counts as much for a temperature, K."""

CONSUMER_LIMITS = (
    "differential_pressure_min",
    "supply_temperature_min",
    "supply_temperature_max",
)
COLUMNS: Mapping[str, tuple[str, str]] = {
    "voltage_min": ("bus", "vm_pu"),
    "voltage_max": ("bus", "vm_pu"),
    "line_loading_max": ("line", "loading_percent"),
    "trafo_loading_max": ("trafo", "loading_percent"),
    "trafo3w_loading_max": ("trafo3w", "loading_percent"),
    "import_max": ("ext_grid", "p_mw"),
    "export_max": ("ext_grid", "p_mw"),
    "pressure_min": ("junction", "p_bar"),
    "pressure_max": ("junction", "p_bar"),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One limit of one network in one case, at every step and element.

    Attributes:
        limit: name.
        element: table.
        unit: of values and bound.
        sense: `min` or `max`.
        bound: the limit itself.
        tolerance: how far outside still passes.
        values: time x id, NaN where the limit does not apply.
    """

    limit: str
    element: str
    unit: str
    sense: Literal["min", "max"]
    bound: float
    tolerance: float
    values: pd.DataFrame

    @property
    def by_element(self) -> pd.Series:
        """Worst value of each element over the horizon."""
        return self.values.min() if self.sense == "min" else self.values.max()

    @property
    def by_step(self) -> pd.Series:
        """Worst value of each step over the elements."""
        lowest = self.sense == "min"
        return self.values.min(axis=1) if lowest else self.values.max(axis=1)

    def margin(self, values: Any) -> Any:
        """Return the distance to the bound, negative outside."""
        return values - self.bound if self.sense == "min" else self.bound - values

    def missed(self, values: Any) -> Any:
        """Return whether values are outside the bound by more than the tolerance."""
        return self.margin(values) < -self.tolerance

    def room(self, values: Any) -> Any:
        """Return the margin as a share of what the quantity can vary over."""
        scale = {"pu": abs(1.0 - self.bound), "C": KELVIN_SCALE}.get(self.unit, abs(self.bound))
        return self.margin(values) / (scale or 1.0)

    @property
    def worst(self) -> tuple[float, pd.Timestamp, int] | None:
        """Worst value with its step and element."""
        values = self.values.to_numpy()
        if not np.isfinite(values).any():
            return None
        flat = np.nanargmin(values) if self.sense == "min" else np.nanargmax(values)
        row, column = (int(k) for k in np.unravel_index(int(flat), values.shape))
        return float(values[row, column]), self.values.index[row], int(self.values.columns[column])


def measure(run: Run, grid: str, case: Case, limit: str) -> Measure | None:
    """Return what a limit sees in one case, None where the run cannot tell."""
    key = (grid, case, limit)
    if key not in run.measures:
        run.measures[key] = _measure(run, grid, case, limit)
    found: Measure | None = run.measures[key]
    return found


def both_cases(run: Run, grid: str, limit: str) -> dict[Case, Measure]:
    """Return what a limit sees in each case that the run knows."""
    return {case: m for case in CASES if (m := measure(run, grid, case, limit)) is not None}


def _measure(run: Run, grid: str, case: Case, limit: str) -> Measure | None:
    entry = run.limits(grid).get(limit)
    if entry is None or entry.get("bound") is None:
        return None
    values = _values(run, grid, case, limit)
    if values is None or values.empty:
        return None
    sense: Literal["min", "max"] = "min" if entry.get("sense", _sense(limit)) == "min" else "max"
    return Measure(
        limit,
        str(entry["element"]),
        str(entry["unit"]),
        sense,
        float(entry["bound"]),
        float(entry["tolerance"]),
        values,
    )


def _sense(limit: str) -> str:
    return "min" if limit.endswith("_min") else "max"


def _values(run: Run, grid: str, case: Case, limit: str) -> pd.DataFrame | None:
    if limit in COLUMNS:
        return run.states(grid, case, *COLUMNS[limit])
    if limit == "velocity_max":
        return _velocity(run, grid, case)
    if limit in CONSUMER_LIMITS:
        return _consumer(run, grid, case, limit)
    return None


def _velocity(run: Run, grid: str, case: Case) -> pd.DataFrame | None:
    """Largest amount at either end where both are known (gas), else the mean (water)."""
    ends = [run.states(grid, case, "pipe", name) for name in ("v_from_m_per_s", "v_to_m_per_s")]
    if run.kinds[grid] == "gas" and ends[0] is not None and ends[1] is not None:
        larger = np.fmax(ends[0].abs().to_numpy(), ends[1].abs().to_numpy())
        return pd.DataFrame(larger, ends[0].index, ends[0].columns)
    mean = run.states(grid, case, "pipe", "v_mean_m_per_s")
    return None if mean is None else mean.abs()


def _consumer(run: Run, grid: str, case: Case, limit: str) -> pd.DataFrame | None:
    """Differential pressure or inlet temperature of house stations that draw heat."""
    flow = run.states(grid, case, "heat_consumer", "mdot_from_kg_per_s")
    if limit == "differential_pressure_min":
        start = run.states(grid, case, "heat_consumer", "p_from_bar")
        end = run.states(grid, case, "heat_consumer", "p_to_bar")
        values = None if start is None or end is None else start - end
    else:
        kelvin = run.states(grid, case, "heat_consumer", "t_from_k")
        values = None if kelvin is None else kelvin - ZERO_CELSIUS_K
    if values is None or flow is None:
        return values
    return values.where(flow > NO_FLOW_KG_PER_S)


def line_loss_kwh(run: Run, grid: str, case: Case) -> float | None:
    """Return the energy lost in lines and transformers over the horizon, kWh."""
    total, found = 0.0, False
    for element in ("line", "trafo", "trafo3w"):
        values = run.states(grid, case, element, "pl_mw")
        if values is not None:
            total += float(np.nansum(values.to_numpy())) * KW_PER_MW * run.step_h
            found = True
    return total if found else None


def heat_loss_kwh(run: Run, grid: str, case: Case) -> float | None:
    """Return the heat lost on the way: plant and feeders together, less what is drawn, kWh."""
    plant = run.states(grid, case, "circ_pump_pressure", "qext_w")
    drawn = run.states(grid, case, "heat_consumer", "qext_w")
    if plant is None or drawn is None:
        return None
    watts = np.nansum(plant.to_numpy()) - np.nansum(drawn.to_numpy())
    return abs(float(watts)) / W_PER_KW * run.step_h
