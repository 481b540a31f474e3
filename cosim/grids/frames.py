"""Long tables of set-points and states, shared by the adapters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from cosim.records import TimeAxis
from cosim.records.time import FloatArray, IntArray

COLUMNS = ("time", "element", "id", "quantity", "value")
Block = tuple[str, str, IntArray, FloatArray]
"""Element table, quantity, ids of shape (n,), values of shape (T, n)."""


def long_frame(
    blocks: Iterable[Block], time: TimeAxis, steps: IntArray, keep_missing: bool = False
) -> pd.DataFrame:
    """Return blocks as one table with columns time, element, id, quantity, value.

    Args:
        blocks: values by element table and quantity.
        time: the scenario's axis.
        steps: positions on it, shape (T,).
        keep_missing: rows without a value stay; they are left out otherwise.
    """
    parts = list(blocks)
    stamps = time.index[steps]
    rows = [np.repeat(np.arange(len(steps)), ids.size) for _, _, ids, _ in parts]
    frame = pd.DataFrame(
        {
            "time": stamps.take(_joined(rows, np.int64)),
            "element": _labels([(element, values.size) for element, _, _, values in parts]),
            "id": _joined([np.tile(ids, len(steps)) for _, _, ids, _ in parts], np.int64),
            "quantity": _labels([(quantity, values.size) for _, quantity, _, values in parts]),
            "value": _joined([values.ravel() for _, _, _, values in parts], np.float64),
        },
        columns=list(COLUMNS),
    )
    there = frame["value"].notna()
    if keep_missing or there.all():
        return frame
    return frame[there].reset_index(drop=True)


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return long tables as one; text columns stay categorical."""
    columns = {
        name: union_categoricals([frame[name] for frame in frames], sort_categories=True)
        for name in ("element", "quantity")
    }
    plain = [frame[["time", "id", "value"]] for frame in frames]
    return pd.concat(plain, ignore_index=True).assign(**columns)[list(COLUMNS)]


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts])


def _labels(runs: list[tuple[str, int]]) -> Any:
    """Return one label per row as a categorical, from labels and how often each is repeated."""
    names = sorted({name for name, _ in runs})
    codes = _joined([np.full(size, names.index(name)) for name, size in runs], np.int64)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names))
