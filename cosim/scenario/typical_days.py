"""Typical days of a year: groups of alike days, each shown by a real one of its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel

from cosim.records import read_only
from cosim.records.design import TypicalDay
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.design import Design, Peak
from cosim.scenario.scenario import Scenario, resolve_series
from cosim.scenario.series import ProfileRef, Series

HOURS_PER_DAY = 24
DAYS = 365


def typical_days(scenario: Scenario) -> tuple[TypicalDay, ...]:
    """Return the typical days in the order of the year, then the design days.

    Days are grouped by the hourly values of every profile that demands, prices and the catalogue
    use, each scaled to 0..1; a group is shown by its medoid and weighs as many days as it has.
    Demands and the catalogue's profiles on the medoid are scaled so that the weighted days have
    the mean of the year (tsam's rescaling); prices and everything else are as on the real day.
    A design day has the highest hourly demand of all buildings together and weight 0; a day that
    is the highest for two carriers is listed once, under the first.

    Args:
        scenario: over a year by the hour, with a `design` section.

    Source: tsam, doi:10.21105/joss.09226 (software); medoids and rescaling: L. Kotzur et al.,
        doi:10.1016/j.renene.2017.10.017.
    """
    design = scenario.config.design
    if design is None:
        raise ValueError("no design section; typical days are for design mode")
    scaled, as_is = profiles_used(scenario.config, design)
    values = {name: scenario.profiles[name] for name in (*scaled, *as_is)}
    positions, weights, shown = _grouped(values, as_is, design)
    order = np.argsort(positions)
    days = [
        TypicalDay(
            name=f"day_{number}",
            position=int(positions[k]),
            weight_days=float(weights[k]),
            profiles=_profiles(scenario, int(positions[k]), {c: shown[c][k] for c in shown}),
        )
        for number, k in enumerate(order, start=1)
    ]
    return (*days, *_design_days(scenario, design))


def profiles_used(
    config: ScenarioConfig, design: Design
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the profiles of demands and catalogue, and those that only prices use."""
    demands = [one for p in config.participants.values() for one in p.demand.values()]
    offers = [value for offer in design.catalogue.sized().values() for value in _series_of(offer)]
    prices = [
        value
        for tariff in (
            *config.tariffs.values(),
            *(
                connection.tariff
                for participant in config.participants.values()
                for connection in participant.connections.values()
            ),
        )
        if tariff is not None
        for value in _series_of(tariff)
    ]
    scaled = tuple(dict.fromkeys(_names([*demands, *offers])))
    return scaled, tuple(name for name in dict.fromkeys(_names(prices)) if name not in scaled)


def _series_of(model: BaseModel) -> list[object]:
    return [getattr(model, name) for name in type(model).model_fields]


def _names(values: Sequence[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, ProfileRef):
            yield value.profile
        elif isinstance(value, str):
            yield value


def _grouped(
    values: Mapping[str, FloatArray], as_is: Sequence[str], design: Design
) -> tuple[IntArray, FloatArray, dict[str, FloatArray]]:
    """Return medoids, their weights in days, and the clustered columns on them, shape (D, 24)."""
    import tsam

    section = design.typical_days
    varying = {name: column for name, column in values.items() if np.ptp(column) > 0.0}
    if not varying:
        return read_only([0], np.int64), read_only([DAYS]), {}
    index = pd.date_range("2001-01-01", periods=DAYS * HOURS_PER_DAY, freq="h")
    with warnings.catch_warnings():
        # Values above the year's own maximum after rescaling are wanted: energy counts here, and
        # design days hold the peak.
        warnings.simplefilter("ignore")
        found = tsam.aggregate(
            pd.DataFrame(varying, index=index),
            min(section.count, DAYS),
            cluster=tsam.ClusterConfig(method=section.method, representation="medoid"),
            rescale_exclude_columns=[name for name in as_is if name in varying] or None,
        )
    centres = found.clustering.cluster_centers
    assert centres is not None, "medoids have centres"
    counts = found.cluster_counts
    shown = found.cluster_representatives
    clusters = sorted(counts)
    columns = {
        name: np.array([shown.loc[cluster][name].to_numpy() for cluster in clusters])
        for name in varying
    }
    weights = [counts[cluster] for cluster in clusters]
    return read_only([centres[k] for k in clusters], np.int64), read_only(weights), columns


def _profiles(
    scenario: Scenario, position: int, shown: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    first = position * HOURS_PER_DAY
    real = {
        name: read_only(column[first : first + HOURS_PER_DAY])
        for name, column in scenario.profiles.items()
    }
    return real | {name: read_only(column) for name, column in shown.items()}


def _design_days(scenario: Scenario, design: Design) -> Iterator[TypicalDay]:
    known: set[int] = set()
    for peak in dict.fromkeys(design.typical_days.design_days):
        total = _total_demand(scenario, peak)
        if not total.any():
            continue
        position = int(np.argmax(total)) // HOURS_PER_DAY
        if position not in known:
            known.add(position)
            yield TypicalDay(f"design_{peak}", position, 0.0, _profiles(scenario, position, {}))


def _total_demand(scenario: Scenario, carrier: Peak) -> FloatArray:
    total = np.zeros(len(scenario.time))
    for participant in scenario.config.participants.values():
        if carrier in participant.demand:
            total += scenario.series(participant.demand[carrier])
    return total


def on_day(scenario: Scenario, day: TypicalDay, value: Series) -> FloatArray:
    """Return a series of the scenario on a typical day, shape (24,)."""
    if isinstance(value, tuple):
        first = day.position * HOURS_PER_DAY
        value = value[first : first + HOURS_PER_DAY]
    return resolve_series(value, day.profiles, HOURS_PER_DAY)
