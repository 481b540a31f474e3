"""A network and a market whose answers are known in closed form.

Network: one element per terminal; loading = 100 * (sum of withdrawals / 50 kW)^2 percent, losses
= 0.001 * (sum)^2 kW, no state above 120 kW. Market: two terminals that want to withdraw 40 kW each
per step at a benefit of 1 and 2 per kWh, so it gives up the first terminal's demand first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from cosim.records import (
    Background,
    Cut,
    CutKey,
    GridStates,
    Injections,
    Limit,
    LossLine,
    NetworkInputs,
    Point,
    Schedule,
    Sensitivities,
    StateField,
    StepFailure,
    Target,
    Terminal,
    TimeAxis,
    read_only,
)

NAMES = ("a", "b")
WANTED_KW = 40.0
STEPS = 3
UNMET_PRICE = 1000.0


def time_axis() -> TimeAxis:
    return TimeAxis(pd.date_range("2016-01-01", periods=STEPS, freq="1h", tz="UTC"), 1.0)


def _column(element: str, quantity: str, id_: int, values: np.ndarray) -> StateField:
    return StateField(element, quantity, read_only([id_], np.int64), read_only(values[:, None]))


class ToyGrid:
    """Quadratic in the sum of the injections."""

    def __init__(
        self, bound: float = 100.0, background_kw: float = 0.0, fails_above_kw: float = 120.0
    ):
        terminals = tuple(Terminal(name, (Point(k, 1.0),)) for k, name in enumerate(NAMES))
        self.inputs = NetworkInputs(
            "electric", "electric", Path("toy"), time_axis(), terminals, Background(), None
        )
        self.limits = (
            Limit(
                "line_loading_max", "line", "loading_percent", "max",
                read_only([7], np.int64), read_only([bound]), 0.05, "%", "toy",
            ),
        )  # fmt: skip
        self._background_kw = background_kw
        self._fails_above_kw = fails_above_kw

    def drawn(self, injections: Injections) -> np.ndarray:
        return self._background_kw - injections.p_kw.sum(axis=1)

    def verify(self, injections: Injections, engine: str = "fast") -> GridStates:
        drawn = self.drawn(injections)
        failed = drawn > self._fails_above_kw
        loading = np.where(failed, np.nan, 100.0 * (drawn / 50.0) ** 2)
        loss = np.where(failed, np.nan, 0.001 * drawn**2)
        return GridStates(
            grid="electric",
            engine=engine,
            injections=injections,
            fields=(
                _column("line", "loading_percent", 7, loading),
                _column("bus", "vm_pu", 0, 1.0 - drawn / 1000.0),
            ),
            loss_kw=read_only(loss),
            slack_kw=read_only(drawn + loss),
            auxiliary_kw=read_only(np.zeros(len(drawn))),
            failures=tuple(
                StepFailure(int(s), "no solution", False)
                for s, bad in zip(injections.steps, failed, strict=True)
                if bad
            ),
        )

    def linearise(self, states: GridStates, targets: tuple[Target, ...]) -> Sensitivities:
        drawn = self.drawn(states.injections)
        rows = [int(np.flatnonzero(states.injections.steps == t.step)[0]) for t in targets]
        slope = -100.0 * 2.0 * drawn[rows] / 50.0**2
        value = 100.0 * (drawn[rows] / 50.0) ** 2
        ones = np.ones((1, len(NAMES)))
        d_loss = (-0.002 * drawn)[:, None] * ones
        return Sensitivities(
            grid="electric",
            terminals=NAMES,
            injections=states.injections,
            targets=targets,
            value=read_only(value),
            d_dp_per_kw=read_only(slope[:, None] * ones),
            d_dq_per_kvar=read_only(np.zeros((len(targets), len(NAMES)))),
            d_loss_dp=read_only(d_loss),
            d_loss_dq=read_only(np.zeros_like(d_loss)),
            d_auxiliary_dp=read_only(np.zeros_like(d_loss)),
            loss_kw=states.loss_kw,
            auxiliary_kw=states.auxiliary_kw,
        )

    def setpoints_frame(self, injections: Injections) -> pd.DataFrame:
        raise NotImplementedError

    def states_frame(self, states: GridStates) -> pd.DataFrame:
        raise NotImplementedError

    def network_json(self, injections: Injections) -> str:
        raise NotImplementedError


class ToyMarket:
    """Minimise lost benefit; cuts with slack at `UNMET_PRICE`; losses follow their tangents."""

    def __init__(self, demand_min_kw: float = 0.0, background_kw: float = 0.0):
        self._background_loss_kw = 0.001 * background_kw**2
        self._cuts: dict[CutKey, Cut] = {}
        self._lines: list[LossLine] = []
        self._demand_min_kw = demand_min_kw

    @property
    def cuts(self) -> tuple[Cut, ...]:
        return tuple(self._cuts.values())

    @property
    def loss_lines(self) -> tuple[LossLine, ...]:
        return tuple(self._lines)

    def add_cuts(self, cuts: tuple[Cut, ...]) -> None:
        self._cuts.update({cut.key: cut for cut in cuts})

    def drop_cuts(self, keys: tuple[CutKey, ...]) -> None:
        for key in keys:
            self._cuts.pop(key, None)

    def set_loss_lines(self, lines: tuple[LossLine, ...]) -> None:
        self._lines.extend(lines)

    def solve(
        self, members, *, operator=True, frozen=None, start=None, duals=False, effort="proven"
    ) -> Schedule:
        p_kw, unmet, cost = np.zeros((STEPS, 2)), {}, 0.0
        for step in range(STEPS):
            own = [cut for key, cut in self._cuts.items() if key.step == step]
            result = linprog(
                c=[1.0, 2.0, UNMET_PRICE],
                A_ub=[[*cut.coef_p / np.abs(cut.coef_p).max(), -1.0] for cut in own] or None,
                b_ub=[cut.rhs / np.abs(cut.coef_p).max() for cut in own] or None,
                bounds=[(-WANTED_KW, -self._demand_min_kw)] * 2 + [(0.0, None)],
            )
            assert result.status == 0
            p_kw[step] = result.x[:2]
            cost += float(result.x[0] + 2.0 * result.x[1]) + 3.0 * WANTED_KW
            for cut in own:
                excess = float(cut.coef_p @ p_kw[step] - cut.rhs) / np.abs(cut.coef_p).max()
                if excess > 1e-6:
                    unmet[cut.key] = excess
        time = time_axis()
        steps = read_only(np.arange(STEPS), np.int64)
        injections = Injections("electric", steps, NAMES, read_only(p_kw), read_only(0.0 * p_kw))
        return Schedule(
            time=time, members=members, table=pd.DataFrame(), injections={"electric": injections},
            costs=pd.DataFrame(), cost=cost, bound=cost, gap=0.0, optimal=True, unmet=unmet,
            network_demand_kw={"electricity": read_only(self._losses(p_kw))},
        )  # fmt: skip

    def _losses(self, p_kw: np.ndarray) -> np.ndarray:
        loss = np.full(STEPS, self._background_loss_kw if self._lines else 0.0)
        for line in self._lines:
            value = line.constant_kw + (line.coef_p * p_kw[line.steps]).sum(axis=1)
            loss[line.steps] = np.maximum(loss[line.steps], value)
        return loss - (self._background_loss_kw if self._lines else 0.0)
