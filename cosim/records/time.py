"""The time axis of a scenario, its windows, and the helper that freezes arrays."""

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


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a longer horizon that is solved by itself.

    Attributes:
        number: 0, 1, ...
        count: number of windows.
        first: position of its first step in the horizon.
        keep: steps that are kept, from the first on.
        solve: steps that are solved: those that are kept, and the look-ahead behind them.
        horizon: steps of the whole horizon.
        carries: states are handed on from window to window; otherwise every window returns its
            storages to where it began.
    """

    number: int
    count: int
    first: int
    keep: int
    solve: int
    horizon: int
    carries: bool

    @property
    def closes(self) -> bool:
        """True if storages that are cyclic return, in this window, to where they began."""
        return not self.carries or self.first + self.solve >= self.horizon
