"""The time axis of a scenario, and the helper that freezes arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def read_only(values: npt.ArrayLike, dtype: Any = np.float64) -> npt.NDArray[Any]:
    """Return `values` as a fresh array that refuses to be written to."""
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Equal steps, each labelled by its start.

    Attributes:
        index: time-zone aware start of every step, shape (T,).
        step_h: length of a step in hours.
    """

    index: pd.DatetimeIndex
    step_h: float

    def __len__(self) -> int:
        return len(self.index)
