"""States of made-up runs: a real flow solution at nominal load, scaled over a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandapipes
import pandapower
import pandas as pd

ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Day:
    """Steps and shapes of a made-up winter day."""

    index: pd.DatetimeIndex

    @classmethod
    def of(cls, steps: int) -> Day:
        minutes = 1440 // steps if 1440 % steps == 0 else 15
        start = "2016-01-19T00:00:00"
        return cls(pd.date_range(start, periods=steps, freq=f"{minutes}min", tz=ZONE, name="time"))

    @property
    def hour(self) -> np.ndarray:
        return (self.index.hour + self.index.minute / 60.0).to_numpy()

    def bump(self, at: float, width: float) -> np.ndarray:
        return np.exp(-(((self.hour - at) / width) ** 2))

    @property
    def load(self) -> np.ndarray:
        return 0.35 + 0.35 * self.bump(7.5, 1.6) + 0.65 * self.bump(18.5, 2.4)

    @property
    def sun(self) -> np.ndarray:
        return np.clip(np.cos((self.hour - 12.5) / 24 * 2 * np.pi * 2.6), 0, None) * (
            np.abs(self.hour - 12.5) < 4.6
        )


def long(day: Day, parts: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Return the long table of (element, quantity) -> (ids, values of shape (T, n))."""
    frames = [
        pd.DataFrame(
            {
                "time": day.index.repeat(len(ids)),
                "element": element,
                "id": np.tile(np.asarray(ids, dtype=np.int64), len(day.index)),
                "quantity": quantity,
                "value": values.ravel(),
            }
        )
        for (element, quantity), (ids, values) in parts.items()
    ]
    frame = pd.concat(frames, ignore_index=True)
    return frame.astype({"element": "category", "quantity": "category"})


def electric_states(net: Any, day: Day, peak: float) -> pd.DataFrame:
    """Return bus, line and transformer results: a nominal power flow, scaled with the day."""
    pandapower.runpp(net, numba=False)
    scale = (day.load * peak)[:, None]
    drop = 1.0 - net.res_bus.vm_pu.fillna(1.0).to_numpy()
    parts = {
        ("bus", "vm_pu"): (net.bus.index, 1.0 - drop[None, :] * scale),
        ("ext_grid", "p_mw"): (net.ext_grid.index, net.res_ext_grid.p_mw.to_numpy() * scale),
    }
    for table in ("line", "trafo"):
        loading = net[f"res_{table}"].loading_percent.fillna(0.0).to_numpy()
        parts[(table, "loading_percent")] = (net[table].index, loading * scale)
    parts[("line", "pl_mw")] = (net.line.index, net.res_line.pl_mw.to_numpy() * scale**2)
    return long(day, parts)


def heat_states(net: Any, day: Day, peak: float) -> pd.DataFrame:
    """Return junction, pipe, consumer and pump results scaled with the day."""
    pandapipes.pipeflow(net, mode="bidirectional", iter=100)
    flow = (0.25 + 0.75 * day.load * peak)[:, None]
    p = net.res_junction.p_bar
    supply = float(p.max())
    mid = 0.5 * (float(p.max()) + float(p.min()))
    pressure = np.where(
        p.to_numpy() > mid, supply - (supply - p.to_numpy()) * flow**2,
        float(p.min()) + (p.to_numpy() - float(p.min())) * flow**2,
    )  # fmt: skip
    ambient = 283.15
    t = net.res_junction.t_k.to_numpy()
    cooled = np.where(
        t > 330.0, ambient + (353.15 - ambient) * np.exp(np.log((t - ambient) / 70.0) / flow), t
    )
    consumers = net.heat_consumer
    at = {junction: k for k, junction in enumerate(net.junction.index)}
    a = [at[j] for j in consumers.from_junction]
    b = [at[j] for j in consumers.to_junction]
    mdot = net.res_heat_consumer.mdot_from_kg_per_s.to_numpy()
    pump = net.circ_pump_pressure.index
    speed = net.res_pipe.v_mean_m_per_s.to_numpy() * flow
    return long(
        day,
        {
            ("junction", "p_bar"): (net.junction.index, pressure),
            ("junction", "t_k"): (net.junction.index, cooled),
            ("pipe", "v_mean_m_per_s"): (net.pipe.index, speed),
            ("heat_consumer", "mdot_from_kg_per_s"): (consumers.index, mdot * flow),
            ("heat_consumer", "p_from_bar"): (consumers.index, pressure[:, a]),
            ("heat_consumer", "p_to_bar"): (consumers.index, pressure[:, b]),
            ("heat_consumer", "t_from_k"): (consumers.index, cooled[:, a]),
            ("circ_pump_pressure", "mdot_from_kg_per_s"): (pump, flow * mdot.sum()),
        },
    )  # fmt: skip


def gas_states(net: Any, day: Day, peak: float) -> pd.DataFrame:
    """Return junction and pipe results scaled with the day."""
    pandapipes.pipeflow(net, iter=100)
    flow = (day.load * peak)[:, None]
    p = net.res_junction.p_bar.to_numpy()
    speed = net.res_pipe.v_from_m_per_s.to_numpy() * flow
    return long(
        day,
        {
            ("junction", "p_bar"): (net.junction.index, p.max() - (p.max() - p) * flow**2),
            ("pipe", "v_from_m_per_s"): (net.pipe.index, speed),
            ("pipe", "v_to_m_per_s"): (net.pipe.index, net.res_pipe.v_to_m_per_s.to_numpy() * flow),
        },
    )  # fmt: skip


STATES = {"electric": electric_states, "heat": heat_states, "gas": gas_states}
LIMITS: dict[str, tuple[tuple[str, str, str, str, float, str, float, str], ...]] = {
    "electric": (
        ("voltage_min", "bus", "vm_pu", "min", 0.90, "pu", 1e-4, "EN 50160: -10 % of nominal"),
        ("voltage_max", "bus", "vm_pu", "max", 1.10, "pu", 1e-4, "EN 50160: +10 % of nominal"),
        ("line_loading_max", "line", "loading_percent", "max", 100.0, "%", 0.05, "thermal rating"),
        ("trafo_loading_max", "trafo", "loading_percent", "max", 100.0, "%", 0.05, "rated power"),
    ),
    "heat": (
        ("differential_pressure_min", "heat_consumer", "dp_bar", "min", 0.6, "bar", 0.002,
         "AGFW FW 515"),
        ("velocity_max", "pipe", "v_mean_m_per_s", "max", 2.5, "m/s", 0.005, "AGFW FW 401"),
        ("supply_temperature_min", "heat_consumer", "supply_temperature_c", "min", 65.0, "C", 0.05,
         "DVGW W 551"),
    ),
    "gas": (
        ("pressure_min", "junction", "p_bar", "min", 0.5, "bar", 0.002, "scenario"),
        ("velocity_max", "pipe", "v_max_m_per_s", "max", 20.0, "m/s", 0.005, "DVGW G 472"),
    ),
}  # fmt: skip


def matrix(states: pd.DataFrame, element: str, quantity: str) -> pd.DataFrame:
    """Return one quantity as time x id, derived quantities included."""
    if quantity == "v_max_m_per_s":
        ends = (matrix(states, element, f"v_{end}_m_per_s").abs() for end in ("from", "to"))
        return pd.concat(ends).groupby(level=0).max()
    if quantity == "dp_bar":
        return matrix(states, element, "p_from_bar") - matrix(states, element, "p_to_bar")
    if quantity == "supply_temperature_c":
        return matrix(states, element, "t_from_k") - 273.15
    rows = states[(states.element == element) & (states.quantity == quantity)]
    return rows.pivot(index="time", columns="id", values="value")


def limit_results(
    grid: str, net: Any, states: pd.DataFrame
) -> tuple[dict[str, Any], list[pd.DataFrame]]:
    """Return the certificate entries and tight checks of one network."""
    entries, frames = {}, []
    for name, element, quantity, sense, bound, unit, tolerance, source in LIMITS[grid]:
        value = matrix(states, element, quantity)
        sign = 1.0 if sense == "min" else -1.0
        margin = (sign * (value - bound)).stack()
        worst = margin.sort_values().head(60)
        time, id_ = worst.index[0]
        names = net[element]["name"].astype(str) if len(net[element]) else pd.Series(dtype=str)
        entries[name] = {
            "checks": int(margin.size), "violations": int((margin < -tolerance).sum()),
            "smallest_margin": float(worst.iloc[0]), "unit": unit, "tolerance": tolerance,
            "sense": sense, "source": source, "element": element, "id": int(id_),
            "name": names[id_], "time": time.isoformat(), "value": float(value.loc[time, id_]),
            "bound": bound,
        }  # fmt: skip
        frames.append(
            pd.DataFrame(
                {
                    "grid": grid, "limit": name, "element": element,
                    "id": [int(i) for _, i in worst.index],
                    "name": [names[i] for _, i in worst.index],
                    "time": pd.DatetimeIndex([t for t, _ in worst.index]),
                    "value": [float(value.loc[k]) for k in worst.index],
                    "bound": bound, "margin": worst.to_numpy(), "unit": unit,
                }
            )
        )  # fmt: skip
    return entries, frames


def setpoints(kind: str, net: Any, day: Day) -> pd.DataFrame:
    """Return the power of every customer of a network."""
    table, column = {
        "electric": ("load", "p_mw"),
        "heat": ("heat_consumer", "qext_w"),
        "gas": ("sink", "mdot_kg_per_s"),
    }[kind]
    value = net[table][column].fillna(0.0).to_numpy()
    return long(day, {(table, column): (net[table].index, value * day.load[:, None])})
