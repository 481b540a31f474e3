"""The market side of made-up runs, drawn by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.support.run_states import Day

METHODS = ("shapley", "nucleolus", "nash_harsanyi", "nash", "asymmetric_nash", "equal_disruption")


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
