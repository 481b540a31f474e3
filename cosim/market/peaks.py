"""Capacity charges: a price on the highest power that a participant draws in a billing period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from cosim.market.devices.base import Flow
from cosim.market.parts import parts_of
from cosim.market.trade import net_import
from cosim.records.time import IntArray
from cosim.scenario import Scenario
from cosim.scenario.config import PeakCharge

CARRIED = "peak_kw"
"""Name of the highest import so far among what a window hands on."""


@dataclass(frozen=True, slots=True)
class PeakPart:
    """Steps of one billing period whose highest import is charged.

    Attributes:
        period: number of the billing period.
        first: position of the first step of the part; key of its variable.
        steps: steps at which the peak counts.
        price_per_kw: of the part of the billing period that the horizon covers.
        floor_kw: highest import of the billing period before this window.
    """

    period: int
    first: int
    steps: tuple[int, ...]
    price_per_kw: float
    floor_kw: float


def peak_parts(
    scenario: Scenario, charge: PeakCharge, past: Mapping[str, float]
) -> tuple[PeakPart, ...]:
    """Return what a capacity charge measures in a scenario or window.

    A billing period that the horizon covers in part costs price * hours in the horizon / hours of
    the period. Windows that hand on their state share one peak per billing period of the whole
    horizon; windows that do not, each pay for their own peak in proportion to their hours.

    Args:
        scenario: time axis and window.
        charge: the tariff's capacity charge.
        past: what the window before left, by `CARRIED`.
    """
    periods = _periods(scenario.time.index, charge.per)
    counts = _counts(scenario, charge)
    before = scenario.time.index[:1] - pd.Timedelta(hours=scenario.time.step_h)
    last_period = int(_periods(before, charge.per)[0])
    found = []
    for part in parts_of(scenario):
        inside = np.asarray(part)
        for period in np.unique(periods[inside]):
            steps = inside[periods[inside] == period]
            so_far = past.get(CARRIED, 0.0) if period == last_period else 0.0
            price = charge.price_per_kw * _share(scenario, charge, int(period))
            mine = tuple(int(step) for step in steps[counts[steps]])
            found.append(PeakPart(int(period), int(steps[0]), mine, price, so_far))
    return tuple(found)


def add_peak(block: pyo.Block, parts: tuple[PeakPart, ...]) -> tuple[object, Flow]:
    """Add a capacity charge to the carrier block of a participant.

    `peak_limit`: what comes in less what goes out (see `trade.net_import`) <= floor + sum of rise
    over the parts of the same billing period up to that of t, at the steps that count; rise >= 0.
    The cost is the sum of price_per_kw * rise.

    Returns:
        The cost, and the highest import of the billing period up to the part of a step.
    """
    block.rise = pyo.Var([part.first for part in parts], bounds=(0.0, None))
    part_of = {step: part for part in parts for step in part.steps}

    def highest(upto: PeakPart) -> object:
        """Return the highest import of a period up to a part of it, in kW."""
        before = [p.first for p in parts if p.period == upto.period and p.first <= upto.first]
        return upto.floor_kw + pyo.quicksum(block.rise[first] for first in before)

    block.peak_limit = pyo.Constraint(
        list(part_of),
        rule=lambda b, t: pyo.quicksum(net_import(b, t)) <= highest(part_of[t]),
        doc="import stays below the peak that is paid for",
    )
    cost = pyo.quicksum(part.price_per_kw * block.rise[part.first] for part in parts)
    return cost, lambda t: highest(max((p for p in parts if p.first <= t), key=lambda p: p.first))


def _periods(index: pd.DatetimeIndex, per: str) -> IntArray:
    """Return the number of the billing period of every time stamp."""
    if per == "horizon":
        return np.zeros(len(index), dtype=np.int64)
    years = index.year.to_numpy(dtype=np.int64)
    return years if per == "year" else years * 12 + index.month.to_numpy(dtype=np.int64) - 1


def _counts(scenario: Scenario, charge: PeakCharge) -> np.ndarray:
    """Return at which steps the peak counts, boolean, shape (T,)."""
    index = scenario.time.index
    found = np.ones(len(index), dtype=bool)
    if charge.hours:
        hour = (index.hour + index.minute / 60.0 + index.second / 3600.0).to_numpy(dtype=float)
        found = np.any([(hour >= begin) & (hour < end) for begin, end in charge.hours], axis=0)
    if charge.when is not None:
        found = found & (scenario.series(charge.when) > 0.5)
    return np.asarray(found, dtype=bool)


def _share(scenario: Scenario, charge: PeakCharge, period: int) -> float:
    """Return the share of a billing period that is charged here, by hours."""
    if charge.per == "horizon" and (scenario.window is None or scenario.window.carries):
        return 1.0
    index, step_h, window = scenario.time.index, scenario.time.step_h, scenario.window
    step = pd.Timedelta(hours=step_h)
    if window is not None and (window.carries or charge.per == "horizon"):
        begin = index[0] - window.first * step
        whole = pd.date_range(begin, periods=window.horizon, freq=step)
    else:
        whole = index
    if charge.per == "horizon":
        return len(index) / len(whole)
    hours = float((_periods(whole, charge.per) == period).sum()) * step_h
    year, month = (period, 0) if charge.per == "year" else divmod(period, 12)
    begin = pd.Timestamp(year, month + 1, 1, tz=index.tz)
    length = pd.DateOffset(years=1) if charge.per == "year" else pd.DateOffset(months=1)
    return hours / ((begin + length - begin) / pd.Timedelta(hours=1))
