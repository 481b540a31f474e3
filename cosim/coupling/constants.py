"""Constants in place of slopes that misled the market, found by a secant iteration.

Where the dispatch answers to losses and losses to the dispatch, handing back what was found can go
round in a circle; the secant rule of fixed-point iterations (Steffensen, Anderson with memory one)
finds the constant at which both agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cosim.records.time import FloatArray, IntArray

LONGEST = 2.0
"""Longest secant step, as a multiple of the difference between found and given."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What one step was given, and the difference that the step before led to."""

    given_kw: float
    last_given_kw: float
    last_residual_kw: float


class Constants:
    """Flat steps of one network and one kind of line."""

    def __init__(self) -> None:
        self._held: dict[int, _Held | None] = {}
        self._given: dict[int, int] = {}

    def open(self, steps: Iterable[int]) -> None:
        """Give up the slopes at these steps."""
        for step in steps:
            self._held.setdefault(int(step), None)

    def worn(self, times: int) -> set[int]:
        """Return the steps that were given a constant at least so many times."""
        return {step for step, number in self._given.items() if number >= times}

    def next(self, steps: IntArray, found_kw: FloatArray) -> dict[int, float]:
        """Return the constants for those of the steps that are flat.

        Args:
            steps: positions on the time axis.
            found_kw: what the physics says there; steps without a state are left out.
        """
        chosen: dict[int, float] = {}
        for step, found in zip((int(s) for s in steps), found_kw, strict=True):
            if step not in self._held or not np.isfinite(found):
                continue
            held = self._held[step]
            residual = 0.0 if held is None else float(found) - held.given_kw
            value = float(found) if held is None else held.given_kw + _secant(held, residual)
            last = value if held is None else held.given_kw
            self._held[step] = _Held(value, last, residual)
            chosen[step] = value
            self._given[step] = self._given.get(step, 0) + 1
        return chosen


def _secant(held: _Held, residual: float) -> float:
    """Return the change of a constant: the secant step, or the residual where there is none."""
    turn = residual - held.last_residual_kw
    moved = held.given_kw - held.last_given_kw
    if abs(turn) < 1e-9 or abs(moved) < 1e-9:
        return residual
    return float(
        np.clip(-residual * moved / turn, -LONGEST * abs(residual), LONGEST * abs(residual))
    )
