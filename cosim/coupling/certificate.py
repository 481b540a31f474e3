"""The certificate: what was checked, by which engine, with which margins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cosim.coupling.networks import Networks, Verification
from cosim.coupling.sampling import GATES
from cosim.grids.limits import LimitCheck
from cosim.records import TimeAxis
from cosim.scenario.config import CouplingSection

TIGHT_CHECKS_PER_LIMIT = 200


def certificate(
    networks: Networks,
    verification: Verification,
    names: Mapping[str, Mapping[tuple[str, int], str]],
    mismatch: Mapping[str, float],
    settings: CouplingSection,
    input_hash: str,
) -> dict[str, Any]:
    """Return the certificate of one verification as plain data for the summary.

    Args:
        networks: the adapters.
        verification: of the final schedule, from the reference engines.
        names: per network, (table, index) -> element name.
        mismatch: largest difference of losses between market and physics per carrier.
        settings: tolerances of the loop.
        input_hash: of everything that was read.
    """
    per_network = {}
    for grid, checks in verification.checks.items():
        time = networks.grids[grid].inputs.time
        per_network[grid] = {
            item.limit.name: _entry(item, time, names.get(grid, {})) for item in checks
        }
    states_hash = hashlib.sha256()
    for states in verification.states.values():
        for column in states.fields:
            states_hash.update(np.ascontiguousarray(column.values).tobytes())
    return {
        "networks": per_network,
        "engines": {name: states.engine for name, states in verification.states.items()},
        "failed_steps": {
            name: len(states.failures) for name, states in verification.states.items()
        },
        "balance_mismatch": dict(mismatch),
        "tolerances": {
            "balance": settings.balance_tolerance,
            "cut_margin": settings.margin,
            "kernel_gates": dict(GATES),
        },
        "input_hash": input_hash,
        "states_hash": states_hash.hexdigest(),
    }


def _entry(
    item: LimitCheck, time: TimeAxis, names: Mapping[tuple[str, int], str]
) -> dict[str, Any]:
    limit = item.limit
    entry: dict[str, Any] = {
        "checks": item.count,
        "violations": int(item.violated.sum()),
        "unit": limit.unit,
        "tolerance": limit.tolerance,
        "sense": limit.sense,
        "source": limit.source,
        "element": limit.element,
    }
    smallest = item.smallest()
    if smallest is None:
        return entry
    margin, step, id_ = smallest
    column = int(np.flatnonzero(limit.ids == id_)[0])
    row = int(np.flatnonzero(item.steps == step)[0])
    return entry | {
        "smallest_margin": margin,
        "id": id_,
        "name": names.get((limit.element, id_), ""),
        "time": time.index[step].isoformat(),
        "value": float(item.value[row, column]),
        "bound": float(limit.bound[column]),
    }


def tight_checks(
    networks: Networks,
    verification: Verification,
    names: Mapping[str, Mapping[tuple[str, int], str]],
) -> pd.DataFrame:
    """Return the tightest checks of each limit (all violated ones and the next closest).

    Columns grid, limit, element, id, name, time, value, bound, margin, unit.
    """
    frames: list[pd.DataFrame] = []
    for grid, checks in verification.checks.items():
        time = networks.grids[grid].inputs.time
        frames.extend(
            _tight(grid, item, time, names.get(grid, {})) for item in checks if item.count
        )
    if not frames:
        columns = [
            "grid",
            "limit",
            "element",
            "id",
            "name",
            "time",
            "value",
            "bound",
            "margin",
            "unit",
        ]
        return pd.DataFrame(columns=columns)
    return pd.concat(frames, ignore_index=True)


def _tight(
    grid: str, item: LimitCheck, time: TimeAxis, names: Mapping[tuple[str, int], str]
) -> pd.DataFrame:
    limit = item.limit
    margin = np.where(np.isfinite(item.margin), item.margin, np.inf).ravel()
    keep = min(
        max(TIGHT_CHECKS_PER_LIMIT, int(item.violated.sum())), int(np.isfinite(margin).sum())
    )
    closest = np.flatnonzero(margin <= np.partition(margin, keep - 1)[keep - 1])
    order = closest[np.argsort(margin[closest], kind="stable")[:keep]]
    rows, columns = np.unravel_index(order, item.margin.shape)
    ids = limit.ids[columns]
    return pd.DataFrame(
        {
            "grid": grid,
            "limit": limit.name,
            "element": limit.element,
            "id": ids,
            "name": [names.get((limit.element, int(i)), "") for i in ids],
            "time": time.index[item.steps[rows]],
            "value": item.value[rows, columns],
            "bound": limit.bound[columns],
            "margin": item.margin[rows, columns],
            "unit": limit.unit,
        }
    )
