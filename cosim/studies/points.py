"""The tasks of a study: combinations of a sweep, times samples with common random numbers."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from cosim.records.time import FloatArray
from cosim.studies.spec import Choice, Distribution, MonteCarlo, Normal, StudySpec, Uniform


@dataclass(frozen=True, slots=True)
class Point:
    """One variant of the scenario.

    Attributes:
        number: position in the study.
        sample: number of the random sample, None without any.
        varied: dotted field -> value, of the sweep and the sample.
        changes: the same with the fields that are set in every task.
    """

    number: int
    sample: int | None
    varied: Mapping[str, Any]
    changes: Mapping[str, Any]


def points_of(spec: StudySpec) -> list[Point]:
    """Return every task: combinations of the sweep in order, samples within each."""
    samples = _samples(spec.monte_carlo)
    combinations = itertools.product(*spec.sweep.values())
    found: list[Point] = []
    for values in combinations:
        swept = dict(zip(spec.sweep, values, strict=True))
        for number, drawn in samples:
            varied = {**swept, **drawn}
            found.append(Point(len(found), number, varied, {**spec.set, **varied}))
    return found


def _samples(spec: MonteCarlo | None) -> list[tuple[int | None, dict[str, Any]]]:
    if spec is None:
        return [(None, {})]
    drawn = {
        field: _values(how, numbers(spec.seed, field, spec.samples))
        for field, how in spec.fields.items()
    }
    return [(k, {field: values[k] for field, values in drawn.items()}) for k in range(spec.samples)]


def numbers(seed: int, field: str, count: int) -> FloatArray:
    """Return numbers between 0 and 1 that depend on seed and field alone.

    Other fields and more samples leave them as they are, so variants stay comparable.
    """
    rng = np.random.default_rng([seed, zlib.crc32(field.encode())])
    drawn: FloatArray = rng.random(count)
    return drawn


def _values(how: Distribution, uniform: FloatArray) -> list[Any]:
    """Return values by the inverse of the distribution function."""
    if isinstance(how, Uniform):
        return [float(v) for v in how.low + (how.high - how.low) * uniform]
    if isinstance(how, Normal):
        bell = NormalDist(how.mean, how.std)
        low = -np.inf if how.low is None else how.low
        high = np.inf if how.high is None else how.high
        return [float(np.clip(bell.inv_cdf(max(u, 1e-12)), low, high)) for u in uniform]
    return _chosen(how, uniform)


def _chosen(how: Choice, uniform: FloatArray) -> list[Any]:
    weights = np.array(how.weights or [1.0] * len(how.values))
    edges = np.cumsum(weights / weights.sum())
    last = int(np.flatnonzero(weights)[-1])
    return [how.values[min(int(k), last)] for k in np.searchsorted(edges, uniform, side="right")]
