"""The year that comes with cosim, all of it: balances close over every seam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim import api
from tests.support.rolling import series

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
STEPS = 8784
TOLERANCE_KWH = 1e-6
PARTIES = ("west", "middle", "apartments", "bakery", "network")


def energy_kwh(rows: pd.DataFrame, quantity: str) -> float:
    return float(rows.loc[rows["quantity"] == quantity, "value"].sum())


@pytest.mark.slow
def test_a_year_of_four_participants(tmp_path: Path) -> None:
    result = api.run(ROOT / "examples" / "year", tmp_path / "run")
    assert result.verdict == "feasible"
    table = pd.read_parquet(result.folder / "schedule.parquet")
    _no_energy_is_lost(table)
    _stores_close(table)
    _vehicles_are_charged(table)
    windows = pd.read_parquet(result.folder / "windows.parquet")
    assert windows["steps"].sum() == STEPS
    assert windows["smallest_margin"].min() > -1e-3
    costs = result.summary["costs"]
    assert costs["copper_plate"] < costs["verified"] < costs["individual"]
    assert pd.read_parquet(result.folder / "payments.parquet")["payment"].sum() == pytest.approx(
        0.0, abs=1e-6
    )
    # On cold nights a market without networks overloads the street's cable.
    first_round = pd.read_parquet(result.folder / "iterations.parquet").groupby("window").first()
    assert (first_round["violations_electric"] > 0).any()


def _no_energy_is_lost(table: pd.DataFrame) -> None:
    """Over the year and all parties: bought + made = used + sold + lost in storage."""
    electric = table[table["carrier"] == "electricity"]
    assert set(electric["participant"]) == set(PARTIES)
    kwh = {q: energy_kwh(electric, q) for q in set(electric["quantity"])}
    into = kwh["buy_kw"] + kwh["generation_kw"] + kwh["discharging_kw"]
    out = kwh["sell_kw"] + kwh["demand_kw"] + kwh["consumption_kw"] + kwh["charging_kw"]
    assert kwh["share_in_kw"] == pytest.approx(kwh["share_out_kw"], abs=1e-4)
    assert kwh["shifted_kw"] == pytest.approx(0.0, abs=1e-4)
    assert into == pytest.approx(out, rel=1e-9)


def _stores_close(table: pd.DataFrame) -> None:
    """Every step of every storage follows from the step before, across all seams."""
    stores = (
        ("west", "store", "heat", 1.0 - 0.005),
        ("middle", "battery", "electricity", 1.0),
        ("bakery", "battery", "electricity", 1.0),
    )
    for name, device, carrier, kept in stores:
        content = series(table, name, device, "state_of_charge_kwh", carrier)
        charged = series(table, name, device, "charging_kw", carrier)
        drawn = series(table, name, device, "discharging_kw", carrier)
        assert len(content) == STEPS
        eta = _efficiency(device)
        before = np.concatenate([[content[-1]], content[:-1]])
        error = np.abs(kept * before + eta * charged - drawn / eta - content)
        assert error.max() < TOLERANCE_KWH, (name, int(error.argmax()))


def _efficiency(device: str) -> float:
    from cosim.market.devices import DEVICE_TYPES

    kind = {"battery": "battery", "store": "heat_storage"}[device]
    fields = DEVICE_TYPES[kind].model_fields
    assert fields["eta_charge"].default == fields["eta_discharge"].default
    return float(fields["eta_charge"].default)


def _vehicles_are_charged(table: pd.DataFrame) -> None:
    """Every night but the first and the last, which share one stay, brings what is needed."""
    for name, device, hours, need_kwh in (
        ("west", "vehicles", range(17, 31), 30.0),
        ("apartments", "vans", range(17, 28), 450.0),
    ):
        power = series(table, name, device, "consumption_kw")
        nights = [
            0.9 * power[day * 24 + hours.start : day * 24 + hours.stop].sum() for day in range(365)
        ]
        assert nights == pytest.approx([need_kwh] * 365, abs=1e-4)
        assert 0.9 * power.sum() == pytest.approx(366 * need_kwh, abs=1e-3)
