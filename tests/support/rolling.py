"""A market solved window by window, without networks: the plainest use of windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cosim.market import Market
from cosim.records import Past, Schedule, Window
from cosim.scenario import Scenario
from cosim.scenario.horizon import windows_of
from cosim.scenario.window import take_window


@dataclass(frozen=True)
class Solved:
    window: Window
    market: Market
    whole: Schedule
    kept: Schedule


def with_windows(scenario: Scenario, hours: float, ahead: float, boundary: str) -> Scenario:
    """Return the scenario with a `horizon` section."""
    raw = scenario.config.model_dump()
    section = type(scenario.config).model_validate(
        {
            "name": "x",
            "time": raw["time"],
            "tariffs": {"electricity": {"buy": 1.0}},
            "participants": {"a": {"connections": {"electricity": {}}}},
            "horizon": {
                "window_hours": hours, "look_ahead_hours": ahead, "boundary": boundary,
            },
        }
    ).horizon  # fmt: skip
    return replace(scenario, config=scenario.config.model_copy(update={"horizon": section}))


def roll(scenario: Scenario) -> Iterator[Solved]:
    """Solve window after window; what one leaves is where the next begins."""
    everyone = frozenset(scenario.config.participants)
    past = Past()
    for window in windows_of(scenario.config):
        market = Market(take_window(scenario, window), {}, past)
        whole = market.solve(everyone)
        yield Solved(window, market, whole, market.kept(whole))
        now, last = market.carried(whole)
        past = Past(now if window.carries else {}, past.origin if window.number else last)


def kept_table(windows: list[Solved]) -> pd.DataFrame:
    return pd.concat([one.kept.table for one in windows], ignore_index=True)


def series(
    table: pd.DataFrame,
    participant: str,
    device: str,
    quantity: str,
    carrier: str = "electricity",
) -> npt.NDArray[np.float64]:
    """Return one quantity of one device over all steps, in time order."""
    rows = table[
        (table["participant"] == participant)
        & (table["device"] == device)
        & (table["carrier"] == carrier)
        & (table["quantity"] == quantity)
    ]
    assert rows["time"].is_unique
    return rows.sort_values("time")["value"].to_numpy(dtype=float)
