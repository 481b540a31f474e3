"""The tables of one window on disk, until all windows are finished."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from cosim.api.session import Physics
from cosim.api.tables import nodal_frame, price_frame
from cosim.coupling import Coupled, Verification
from cosim.coupling.certificate import tight_checks
from cosim.coupling.feedback import scale_of
from cosim.records import Schedule
from cosim.results.market_schema import TRADES
from cosim.results.parquet import write_table
from cosim.results.schema import NETWORK_SERIES, SCHEDULE, TABLES
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND

LONG_TABLES = ("schedule", "checks", "prices", "nodal_prices")
"""Tables of the run folder with rows for every step."""
ALONE_FILE = "alone.parquet"
"""Trade of everyone while nobody shares; needed for the bill before sharing."""
TRADES_FILE = "trades.parquet"
"""Bilateral contracts; there only where anything is delivered under one."""
TRADE = "trade"
"""Device name of what is bought, sold and shared."""


def write_parts(
    folder: Path,
    scenario: Scenario,
    physics: Physics,
    coupled: Coupled,
    priced: Schedule,
    alone: Schedule | None,
) -> None:
    """Write a window's long tables into a fresh folder.

    Args:
        folder: replaced if it is there.
        scenario: the window with its look-ahead.
        physics: its networks.
        coupled: the confirmed result of the steps that are kept.
        priced: with marginal values, look-ahead included.
        alone: nobody sharing, where coalitions were solved.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept = coupled.schedule.time.index
    carriers = {k: str(CARRIER_OF_KIND[net.kind]) for k, net in scenario.config.networks.items()}
    frames = {
        "schedule": coupled.schedule.table,
        "checks": tight_checks(physics.networks, coupled.verification, physics.names),
        "prices": _until(price_frame(scenario, priced), kept),
        "nodal_prices": _until(nodal_frame(priced, carriers), kept),
    }
    for name in LONG_TABLES:
        write_table(folder / f"{name}.parquet", frames[name], TABLES[name], f"{name}.parquet")
    if len(coupled.schedule.bilateral):
        write_table(folder / TRADES_FILE, coupled.schedule.bilateral, TRADES, TRADES_FILE)
    if alone is not None:
        trade = alone.table[alone.table["device"] == TRADE]
        write_table(folder / ALONE_FILE, trade, SCHEDULE, ALONE_FILE)
    for name, grid in physics.networks.grids.items():
        states = coupled.verification.states[name]
        where = f"setpoints/{name}.parquet"
        write_table(folder / where, grid.setpoints_frame(states.injections), NETWORK_SERIES, where)
        where = f"states/{name}.parquet"
        write_table(folder / where, grid.states_frame(states), NETWORK_SERIES, where)


def tightest(verification: Verification) -> float:
    """Return the smallest margin of all checks, negative if missed.

    It is a share of what the quantity can vary over, see `cosim.coupling.feedback.scale_of`.
    """
    smallest = np.inf
    for checks in verification.checks.values():
        for item in checks:
            if item.count:
                scale = np.maximum(scale_of(item.limit, item.limit.bound), 1e-9)[None, :]
                smallest = min(smallest, float(np.nanmin(item.margin / scale)))
    return smallest


def _until(frame: pd.DataFrame, kept: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the rows of the steps that are kept."""
    return frame[frame["time"] <= kept[-1]] if len(frame) else frame
