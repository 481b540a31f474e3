"""Findings about parts of a horizon put together as findings about all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cosim.coupling.certificate import TIGHT_CHECKS_PER_LIMIT
from cosim.coupling.outcome import Cause

MOST_CHECKS_PER_LIMIT = 100_000
"""Missed checks of one limit that are listed; all of them are counted."""
Key = tuple[str, str, str, int]


def merged_certificates(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one certificate: checks added up, the smallest margin of all parts.

    Args:
        parts: certificates of steps with the same networks, at least one; of a run, with
            the mismatch of losses and what was re-run, or of a verification, without.
    """
    first = dict(parts[0])
    if len(parts) == 1:
        return first
    if "balance_mismatch" in first:
        first["balance_mismatch"] = {
            carrier: max(part["balance_mismatch"][carrier] for part in parts)
            for carrier in first["balance_mismatch"]
        }
    if "reruns" in first:
        first["reruns"] = {
            grid: _merged_reruns([part["reruns"][grid] for part in parts])
            for grid in first["reruns"]
        }
    digest = hashlib.sha256("".join(part["states_hash"] for part in parts).encode())
    return first | {
        "networks": {
            grid: {
                limit: _merged_limit([part["networks"][grid][limit] for part in parts])
                for limit in limits
            }
            for grid, limits in first["networks"].items()
        },
        "engines": {
            grid: ", ".join(dict.fromkeys(part["engines"][grid] for part in parts))
            for grid in first["engines"]
        },
        "failed_steps": {
            grid: sum(part["failed_steps"][grid] for part in parts)
            for grid in first["failed_steps"]
        },
        "states_hash": digest.hexdigest(),
    }


def _merged_limit(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    checked = [entry for entry in entries if "smallest_margin" in entry]
    worst = min(checked, key=lambda entry: entry["smallest_margin"], default=entries[0])
    return dict(worst) | {
        "checks": sum(entry["checks"] for entry in entries),
        "violations": sum(entry["violations"] for entry in entries),
    }


def _merged_reruns(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was re-run in all windows of one network."""
    worst: dict[str, float] = {}
    sampled: dict[str, int] = {}
    for entry in entries:
        for quantity, value in entry["worst"].items():
            worst[quantity] = max(worst.get(quantity, 0.0), value)
        for rule, number in entry["sampled"].items():
            sampled[rule] = sampled.get(rule, 0) + number
    return {
        "steps": sum(entry["steps"] for entry in entries),
        "rerun": sum(entry["rerun"] for entry in entries),
        "rule": "/".join(dict.fromkeys(entry["rule"] for entry in entries)),
        "sampled": sampled,
        "rounds": sum(entry["rounds"] for entry in entries),
        "worst": worst,
        "handed_over": list(dict.fromkeys(r for entry in entries for r in entry["handed_over"])),
    }


def merged_causes(parts: Iterable[Sequence[Cause]]) -> tuple[Cause, ...]:
    """Return one cause per element: steps of all parts, the worst of them."""
    known: dict[Key, Cause] = {}
    steps: dict[Key, list[int]] = {}
    for cause in (cause for part in parts for cause in part):
        key = (cause.grid, cause.limit, cause.element, cause.id)
        steps.setdefault(key, []).extend(cause.steps)
        if key not in known or cause.amount > known[key].amount:
            known[key] = cause
    return tuple(replace(cause, steps=tuple(sorted(steps[key]))) for key, cause in known.items())


class TightChecks:
    """The tightest checks of each limit, kept while parts come in."""

    def __init__(self) -> None:
        self._frame: pd.DataFrame | None = None

    def add(self, frame: pd.DataFrame) -> None:
        """Take the tight checks of one more part."""
        if self._frame is None:
            self._frame = frame
        elif len(frame):
            self._frame = _tightest(pd.concat([self._frame, frame], ignore_index=True))

    def frame(self) -> pd.DataFrame:
        """Return the tightest checks of all parts; see `tight_checks`."""
        return pd.DataFrame() if self._frame is None else self._frame


def _tightest(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep all missed checks of each limit (up to a bound) and the next closest."""
    kept = []
    for _, part in frame.groupby(["grid", "limit"], sort=False):
        order = np.argsort(part["margin"].to_numpy(), kind="stable")
        missed = int((part["margin"] < 0.0).sum())
        keep = min(max(TIGHT_CHECKS_PER_LIMIT, missed), MOST_CHECKS_PER_LIMIT)
        kept.append(part.iloc[order[:keep]])
    return pd.concat(kept, ignore_index=True)
