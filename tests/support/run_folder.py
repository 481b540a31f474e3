"""Made-up but plausible runs: tables of every kind for networks of any size.

States are a real flow solution at nominal load, scaled over a day; the market side is drawn by
hand. Good for drawing and for formats, not for physics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandapipes
import pandapower
import pandas as pd

from cosim.results import RunTables

ZONE = "Europe/Berlin"
CURRENCY = "EUR"
METHODS = ("shapley", "nucleolus", "nash_harsanyi", "nash", "asymmetric_nash", "equal_disruption")
ROLES = ("district heating plant", "homes with heat pumps and vehicles", "school", "office",
         "supermarket", "workshop", "farm with photovoltaics", "CHP operator")  # fmt: skip


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


def schedule(day: Day, names: list[str], shift: float) -> pd.DataFrame:
    """Return a made-up dispatch; `shift` moves charging from the evening into the night."""
    step = []

    def add(who: str, device: str, carrier: str, quantity: str, value: np.ndarray) -> None:
        step.append(
            pd.DataFrame(
                {"time": day.index, "participant": who, "device": device, "carrier": carrier,
                 "quantity": quantity, "value": np.asarray(value, dtype=float)}
            )
        )  # fmt: skip

    def meet(who: str, carrier: str, need: np.ndarray) -> None:
        shared = np.minimum(np.abs(need), 12.0) * np.sign(need)
        add(who, "connection", carrier, "p_kw", -need)
        add(who, "connection", carrier, "share_in_kw", np.clip(shared, 0, None))
        add(who, "connection", carrier, "share_out_kw", np.clip(-shared, 0, None))
        add(who, "connection", carrier, "buy_kw", np.clip(need - shared, 0, None))
        add(who, "connection", carrier, "sell_kw", np.clip(shared - need, 0, None))

    charge = (1 - shift) * day.bump(18.0, 1.5) + shift * day.bump(2.0, 2.0)
    for k, who in enumerate(names):
        size = 20.0 + 9.0 * (k * 7 % 5)
        electricity = size * day.load
        add(who, "demand", "electricity", "demand_kw", electricity)
        heat = 2.0 * size * (0.5 + 0.4 * day.bump(6.5, 2.0) + 0.3 * day.bump(19.0, 2.5))
        if k % 4 == 0:
            boiler = heat * (1.2 + 0.3 * shift)
            add(who, "boiler", "heat", "generation_kw", boiler)
            add(who, "boiler", "gas", "consumption_kw", boiler / 0.92)
            add(who, "connection", "heat", "share_out_kw", boiler)
        elif k % 4 == 1:
            power = heat / 3.2 * (1 - 0.3 * shift * day.bump(18.0, 2.0))
            add(who, "demand", "heat", "demand_kw", heat)
            add(who, "heat_pump", "heat", "generation_kw", 3.2 * power)
            add(who, "heat_pump", "electricity", "consumption_kw", power)
            add(who, "heat_storage", "heat", "discharging_kw", np.clip(heat - 3.2 * power, 0, None))
            electricity = electricity + power
        else:
            add(who, "demand", "heat", "demand_kw", heat)
            meet(who, "heat", heat)
        if k % 3 == 0:
            add(who, "pv", "electricity", "generation_kw", 1.6 * size * day.sun)
            add(who, "pv", "electricity", "curtailed_kw", 0.1 * size * day.sun * shift)
            electricity = electricity - 1.6 * size * day.sun
        if k % 3 == 1:
            add(who, "vehicles", "electricity", "consumption_kw", 1.1 * size * charge)
            electricity = electricity + 1.1 * size * charge
        if k % 5 == 2:
            add(who, "battery", "electricity", "charging_kw", 9 * day.bump(3.0, 2.0))
            add(who, "battery", "electricity", "discharging_kw", 9 * day.bump(18.5, 2.0))
            electricity = electricity + 9 * (day.bump(3.0, 2.0) - day.bump(18.5, 2.0))
            add(who, "battery", "electricity", "state_of_charge_kwh", 40 * day.bump(11, 6.0))
        meet(who, "electricity", electricity)
    frame = pd.concat(step, ignore_index=True)
    return frame.astype(dict.fromkeys(("participant", "device", "carrier", "quantity"), "category"))


def settlement(players: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return allocation by every method and all coalitions of a made-up game."""
    rng = np.random.default_rng(3)
    rows = []
    for method in METHODS:
        share = rng.dirichlet(np.full(len(players), 12.0)) * 214.7
        for player, value in zip(players, share, strict=True):
            rows.append(
                {"player": player, "method": method, "value": value, "stand_alone_cost": 420.0,
                 "share": value / 214.7, "in_core": method != "shapley", "worst_excess": 0.0,
                 "bargaining_power": 1 / len(players), "propensity_to_disrupt": 0.4,
                 "blocking_coalition": f"{players[0]}+{players[1]}" if method == "shapley" else "",
                 "settled": method == "asymmetric_nash", "jain": 0.93, "gini": 0.12, "fi": 0.27}
            )  # fmt: skip
    sets = [[p for b, p in enumerate(players) if k >> b & 1] for k in range(1, 2 ** len(players))]
    value = [214.7 * ((len(s) - 1) / (len(players) - 1)) ** 1.5 for s in sets]
    coalitions = pd.DataFrame(
        {
            "coalition": ["+".join(s) for s in sets], "size": [len(s) for s in sets],
            "cost": [2100.0 - v for v in value], "stand_alone_cost": 2100.0, "value": value,
            "copper_plate_value": [1.1 * v for v in value], "verified": True, "gap": 1e-5,
        }
    )  # fmt: skip
    return pd.DataFrame(rows), coalitions


def payments(names: list[str], players: dict[str, list[str]]) -> pd.DataFrame:
    """Return payments that sum to zero."""
    owner = {name: player for player, group in players.items() for name in group}
    before = np.array([150.0 + 37.0 * (k * 5 % 7) for k in range(len(names))])
    payment = np.sin(np.arange(len(names)) * 1.7) * 30.0
    payment -= payment.mean()
    after = before * 0.9
    return pd.DataFrame(
        {
            "participant": names, "player": [owner[name] for name in names], "cost_before": before,
            "cost_without_payment": after - payment, "network_cost": 2.0, "benefit": before - after,
            "payment": payment, "cost_after": after,
        }
    )  # fmt: skip


def prices(day: Day, names: list[str], grids: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tariffs with pool prices, and nodal prices."""
    buy = 0.24 + 0.10 * (day.load > 0.7)
    kinds = {
        ("electricity", "buy"): buy, ("electricity", "sell"): np.full_like(buy, 0.08),
        ("electricity", "pool"): 0.08 + (buy - 0.08) * (1 - 0.7 * day.sun),
        ("heat", "buy"): np.full_like(buy, 0.12), ("heat", "pool"): 0.07 + 0.03 * day.load,
        ("gas", "buy"): np.full_like(buy, 0.07),
    }  # fmt: skip
    table = pd.concat(
        [
            pd.DataFrame({"time": day.index, "carrier": c, "price_kind": k, "value": v})
            for (c, k), v in kinds.items()
        ],
        ignore_index=True,
    )
    carrier = {"electric": "electricity", "heat": "heat"}
    frames = []
    for grid in (g for g in grids if g in carrier):
        energy = kinds[carrier[grid], "pool"]
        for k, name in enumerate([*names, "pump:heat"] if grid == "electric" else names):
            loss = -0.01 * (k % 5) * day.load
            congestion = -0.25 * (k % 4 == 1) * day.bump(18.5, 1.5)
            frames.append(
                pd.DataFrame(
                    {"time": day.index, "grid": grid, "terminal": name, "energy": energy,
                     "loss": loss, "congestion": congestion, "total": energy + loss + congestion}
                )
            )  # fmt: skip
    return table, pd.concat(frames, ignore_index=True)


def iterations(limits: list[str]) -> pd.DataFrame:
    """Return eight rounds that end without violations."""
    left = np.array([1.0, 0.55, 0.3, 0.12, 0.05, 0.0, 0.01, 0.0])
    frame = pd.DataFrame(
        {
            "iteration": np.arange(8), "phase": ["search"] * 6 + ["refresh"] * 2,
            "cost": 1885.0 + 92.0 * (1 - left) - np.array([0, 0, 0, 0, 0, 0, 4.0, 5.0]),
            "violations_electric": (231 * left).astype(int),
            "violations_heat": (87 * left).astype(int),
            "violations_gas": (12 * left).astype(int), "mismatch": 0.04 * left + 1e-4,
            "cuts": np.arange(8) * 40, "seconds": 5.0,
        }
    )  # fmt: skip
    return frame.assign(**{f"worst_{name}": 0.02 - left for name in limits})


def build(
    nets: dict[str, Any],
    terminals: dict[str, dict[str, list[int]]],
    steps: int = 96,
    peaks: dict[str, tuple[float, float]] | None = None,
) -> RunTables:
    """Return a whole feasible run, if the networks can bear the second of each peak.

    Args:
        nets: by kind (electric, heat, gas), the kind being the network's name.
        terminals: per network, participant -> bus, heat consumer or junction.
        steps: in the day.
        peaks: per network, load factor of the copper-plate and of the verified states.
    """
    day = Day.of(steps)
    names = list(dict.fromkeys(name for entry in terminals.values() for name in entry))
    peak = {"electric": (1.6, 0.9), "heat": (1.3, 0.9), "gas": (1.2, 0.9)} | (peaks or {})
    before = {kind: STATES[kind](net, day, peak[kind][0]) for kind, net in nets.items()}
    after = {kind: STATES[kind](net, day, peak[kind][1]) for kind, net in nets.items()}
    certificate, tight = {}, []
    for kind, net in nets.items():
        certificate[kind], frames = limit_results(kind, net, after[kind])
        tight += frames
    groups: dict[str, list[str]] = {}
    for k, name in enumerate(names):
        groups.setdefault(("plant", "homes", "public", "trade")[k % 4], []).append(name)
    allocation, coalitions = settlement(list(groups))
    price, nodal = prices(day, names, list(nets))
    return RunTables(
        summary=summary(day, nets, names, groups, certificate, terminals),
        schedule=schedule(day, names, 1.0),
        iterations=iterations([row[0] for kind in nets for row in LIMITS[kind]]),
        checks=pd.concat(tight, ignore_index=True),
        allocation=allocation,
        prices=price,
        payments=payments(names, groups),
        coalitions=coalitions,
        nodal_prices=nodal,
        setpoints={kind: setpoints(kind, net, day) for kind, net in nets.items()},
        states=after,
        networks={
            kind: (pandapower if kind == "electric" else pandapipes).to_json(net)
            for kind, net in nets.items()
        },
        copper_plate_states=before,
        copper_plate_schedule=schedule(day, names, 0.0),
    )


def setpoints(kind: str, net: Any, day: Day) -> pd.DataFrame:
    """Return the power of every customer of a network."""
    table, column = {
        "electric": ("load", "p_mw"),
        "heat": ("heat_consumer", "qext_w"),
        "gas": ("sink", "mdot_kg_per_s"),
    }[kind]
    value = net[table][column].fillna(0.0).to_numpy()
    return long(day, {(table, column): (net[table].index, value * day.load[:, None])})


def summary(
    day: Day,
    nets: dict[str, Any],
    names: list[str],
    groups: dict[str, list[str]],
    certificate: dict[str, Any],
    terminals: dict[str, dict[str, list[int]]],
) -> dict[str, Any]:
    """Return a summary with every section."""
    costs = {name: 150.0 + 37.0 * (k * 5 % 7) for k, name in enumerate(names)}
    versions = {"cosim": "0.1.0", "pandapower": "3.3.3", "pandapipes": "0.16.0", "pyomo": "6.10.1"}
    return {
        "name": "made-up-town",
        "description": "A community of homes, trade and public buildings on a winter day.",
        "verdict": "feasible",
        "cause": "",
        "causes": [],
        "iterations": 8,
        "currency": CURRENCY,
        "costs": {
            "copper_plate": 1885.0,
            "verified": 1972.4,
            "last": 1972.4,
            "individual": 2187.1,
            "by_participant": {
                "copper_plate": costs,
                "verified": {name: 1.04 * value for name, value in costs.items()},
                "individual": {name: 1.16 * value for name, value in costs.items()},
            },
        },
        "price_of_physics": {"total": 87.4, "losses": 31.9, "congestion": 55.5},
        "lower_bound": {"cost": 1884.2, "gap": 0.0447, "method": "dual bound of the copper plate"},
        "certificate": {
            "networks": certificate,
            "engines": {kind: f"{kind} reference" for kind in nets},
            "failed_steps": dict.fromkeys(nets, 0),
            "balance_mismatch": {"electricity": 2.1e-4, "heat": 4.4e-4},
            "tolerances": {"balance": 1e-3, "cut_margin": 5e-3, "kernel_gates": {"vm_pu": 1e-6}},
            "input_hash": "3f0c" * 16,
            "states_hash": "a91b" * 16,
        },
        "seconds": {"load": 1.2, "networks": 3.4, "loop": 40.1, "settlement": 31.0, "total": 75.7},
        "versions": versions,
        "participants": {name: ROLES[k % len(ROLES)] for k, name in enumerate(names)},
        "players": groups,
        "settle_with": "asymmetric_nash",
        "notes": ["Made-up data for tests; no market was solved."],
        "steps": len(day.index),
        "step_minutes": 1440 // len(day.index),
        "start": day.index[0].isoformat(),
        "networks": {kind: kind for kind in nets},
        "terminals": terminals,
    }


def without_settlement(run: RunTables, verdict: str, cause: str) -> RunTables:
    """Return the run as it would look if it had not ended feasible."""
    empty = pd.DataFrame()
    cost = {**run.summary["costs"], "verified": None, "individual": None}
    changed = {
        "verdict": verdict,
        "cause": cause,
        "costs": cost,
        "price_of_physics": {"total": None, "losses": None, "congestion": None},
        "lower_bound": {"cost": 1884.2, "gap": None, "method": "dual bound"},
    }
    return replace(
        run,
        summary={**run.summary, **changed},
        allocation=empty,
        payments=empty,
        coalitions=empty,
    )


def hamlet_run(steps: int = 24) -> RunTables:
    """Return a run on the hamlet's three tiny networks."""
    from tests.support import hamlet

    nets = {
        "electric": hamlet.electric_net(), "heat": hamlet.heat_net(), "gas": hamlet.gas_net(),
    }  # fmt: skip
    nets["electric"].load.loc[0, ["p_mw", "q_mvar"]] = [0.12, 0.03]
    nets["heat"].heat_consumer["qext_w"] = 25_000.0
    pandapipes.create_sink(nets["gas"], 3, 0.002, name="end")
    terminals = {
        "electric": {"plant": [1], "home": [5], "shop": [4], "works": [3]},
        "heat": {"home": [0], "shop": [1], "works": [2]},
        "gas": {"plant": [1], "works": [3]},
    }
    return build(nets, terminals, steps)
