"""Pure hydrogen is thinned until there is a mixture to make a cut of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.coupling.diluted import diluted
from cosim.records import (
    Background,
    GridStates,
    Injections,
    NetworkInputs,
    Point,
    StateField,
    Terminal,
    TimeAxis,
    Violation,
    read_only,
)

DRAWN_KW = 10.0


@dataclass
class OnePipe:
    """One junction that draws 10 kW; what hydrogen does not cover comes as gas."""

    carriers: tuple[str | None, ...] = (None, "hydrogen")
    rounds: list[float] = field(default_factory=list)

    @property
    def inputs(self) -> NetworkInputs:
        time = TimeAxis(pd.date_range("2024-01-01", periods=2, freq="1h", tz="UTC"), 1.0)
        named = (
            Terminal(f"t{k}", (Point(k, 1.0),), carrier=c) for k, c in enumerate(self.carriers)
        )
        return NetworkInputs("gas", "gas", Path("x"), time, tuple(named), Background(), None)

    def verify(self, injections: Injections, engine: str = "fast") -> GridStates:
        fed = injections.p_kw[:, 1]
        self.rounds.append(float(fed.max()))
        share = np.minimum(fed / DRAWN_KW, 1.0)[:, None]
        column = StateField("junction", "hydrogen_fraction", read_only([7], np.int64), share)
        zeros = read_only(np.zeros(len(fed)))
        return GridStates("gas", "toy", injections, (column,), zeros, zeros, zeros)


def at(fed: list[float]) -> Injections:
    p_kw = read_only(np.column_stack([np.full(len(fed), -DRAWN_KW), fed]))
    steps = read_only(np.arange(len(fed)), np.int64)
    return Injections("gas", steps, ("t0", "t1"), p_kw, read_only(np.zeros(p_kw.shape)))


def missed(step: int, value: float) -> Violation:
    name, quantity = "hydrogen_fraction_max", "hydrogen_fraction"
    return Violation("gas", name, "junction", quantity, 7, step, value, 0.1, "max")


def test_hydrogen_is_halved_until_nothing_is_pure() -> None:
    grid: Any = OnePipe()
    found = diluted(grid, grid.verify(at([4.0, 35.0])), [missed(0, 0.4), missed(1, 1.0)])
    assert found is not None
    states, targets = found
    # 35 kW, 17.5, 8.75 of 10: two halvings, at the saturated step alone.
    assert states.injections.steps.tolist() == [1]
    assert states.injections.p_kw[0].tolist() == pytest.approx([-10.0, 8.75])
    assert [(target.id, target.step) for target in targets] == [(7, 1)]


def test_mixtures_and_networks_without_feed_in_are_left_alone() -> None:
    grid: Any = OnePipe()
    assert diluted(grid, grid.verify(at([4.0, 5.0])), [missed(0, 0.4)]) is None
    other: Any = OnePipe((None, None))
    assert diluted(other, other.verify(at([4.0, 35.0])), [missed(1, 1.0)]) is None


def test_what_no_halving_helps_is_left_to_others() -> None:
    grid: Any = OnePipe()
    endless = [missed(1, 1.0)]
    assert diluted(grid, grid.verify(at([4.0, 1e6])), endless) is None
    assert len(grid.rounds) == 11
