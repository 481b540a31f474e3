"""All networks of a scenario as one: verify a schedule in them, and measure them without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cosim.grids.base import Engine, Grid
from cosim.grids.limits import LimitCheck, check, violations
from cosim.records import Baseline, GridStates, Injections, StepFailure, Violation, read_only
from cosim.records.names import PUMP_PREFIX
from cosim.records.time import FloatArray, IntArray

ORDER_OF_KIND = {"gas": 0, "cooling": 1, "heat": 2, "electric": 3}
"""Pipe networks come first: the electricity of their pumps is load in the electric network."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the physics says about one schedule.

    Attributes:
        states: per network.
        checks: per network, every limit against every step.
        violations: all networks, worst first within a limit.
        failures: (network, step failure) where there is no physical state at all.
    """

    states: Mapping[str, GridStates]
    checks: Mapping[str, tuple[LimitCheck, ...]]
    violations: tuple[Violation, ...]
    failures: tuple[tuple[str, StepFailure], ...]

    @property
    def passed(self) -> bool:
        """True if every step has a physical state and every limit holds."""
        return not self.violations and not self.failures

    def count(self, grid: str) -> int:
        """Return the number of violated checks and failed steps of one network."""
        failed = sum(1 for name, _ in self.failures if name == grid)
        return sum(1 for v in self.violations if v.grid == grid) + failed


class Networks:
    """The adapters of a scenario in the order in which they depend on each other."""

    def __init__(self, grids: Mapping[str, Grid]) -> None:
        ranked = sorted(grids, key=lambda name: ORDER_OF_KIND[grids[name].inputs.kind])
        self.grids: dict[str, Grid] = {name: grids[name] for name in ranked}

    def verify(self, injections: Mapping[str, Injections], engine: Engine = "fast") -> Verification:
        """Evaluate every network at the given injections.

        The electric network gets the pump electricity that the pipe networks' physics asks for,
        not what the market assumed.
        """
        states: dict[str, GridStates] = {}
        checks: dict[str, tuple[LimitCheck, ...]] = {}
        found: list[Violation] = []
        failed: list[tuple[str, StepFailure]] = []
        for name, grid in self.grids.items():
            entry = with_pump_power(injections[name], states)
            states[name] = self._states(name, entry, engine)
            checks[name] = check(states[name], grid.limits)
            found.extend(violations(name, checks[name]))
            failed.extend((name, failure) for failure in states[name].failures)
        return Verification(states, checks, tuple(found), tuple(failed))

    def _states(self, name: str, entry: Injections, engine: Engine) -> GridStates:
        return self.grids[name].verify(entry, engine)

    def without_participants(self) -> Verification:
        """Evaluate the networks with background customers alone."""
        return self.verify({name: idle(grid) for name, grid in self.grids.items()})

    def baselines(self, alone: Verification) -> dict[str, Baseline]:
        """Return what is not charged to the community, per network (zero where no state exists).

        That is what background customers cause alone; nothing in networks without a utility, which
        exist for the community only.
        """
        return {name: self._baseline(name, states) for name, states in alone.states.items()}

    def _baseline(self, name: str, states: GridStates) -> Baseline:
        grid = self.grids[name]
        share = 1.0 if getattr(grid.inputs.settings, "utility", True) else 0.0
        return Baseline(
            grid=name,
            drawn_kw=read_only(background_drawn_kw(grid)),
            loss_kw=read_only(share * np.nan_to_num(states.loss_kw)),
            auxiliary_kw=read_only(share * np.nan_to_num(states.auxiliary_kw)),
        )


def idle(grid: Grid) -> Injections:
    """Return zero injections at every terminal and step of a network."""
    steps = np.arange(len(grid.inputs.time))
    names = tuple(terminal.name for terminal in grid.inputs.terminals)
    zeros = read_only(np.zeros((len(steps), len(names))))
    return Injections(grid.inputs.name, read_only(steps, np.int64), names, zeros, zeros)


def with_pump_power(entry: Injections, states: Mapping[str, GridStates]) -> Injections:
    """Return injections whose pump terminals draw what the pipe networks' states say."""
    columns = {
        k: name.removeprefix(PUMP_PREFIX)
        for k, name in enumerate(entry.terminals)
        if name.removeprefix(PUMP_PREFIX) in states and name.startswith(PUMP_PREFIX)
    }
    if not columns:
        return entry
    p_kw = np.array(entry.p_kw)
    for k, grid in columns.items():
        p_kw[:, k] = -np.nan_to_num(states[grid].auxiliary_kw)
    return replace(entry, p_kw=read_only(p_kw))


def take_steps(entry: Injections, rows: IntArray) -> Injections:
    """Return the injections at some of their rows."""
    return Injections(
        entry.grid,
        read_only(entry.steps[rows], np.int64),
        entry.terminals,
        read_only(entry.p_kw[rows]),
        read_only(entry.q_kvar[rows]),
    )


def take_rows(states: GridStates, rows: IntArray) -> GridStates:
    """Return the states at some of their rows."""
    steps = {int(step) for step in states.injections.steps[rows]}
    return replace(
        states,
        injections=take_steps(states.injections, rows),
        fields=tuple(replace(f, values=read_only(f.values[rows])) for f in states.fields),
        loss_kw=read_only(states.loss_kw[rows]),
        slack_kw=read_only(states.slack_kw[rows]),
        auxiliary_kw=read_only(states.auxiliary_kw[rows]),
        failures=tuple(f for f in states.failures if f.step in steps),
    )


def background_drawn_kw(grid: Grid) -> FloatArray:
    """Return the power drawn by background customers, shape (T,)."""
    drawn = np.zeros(len(grid.inputs.time))
    for series in grid.inputs.background.series:
        drawn += np.maximum(-series.p_kw, 0.0).sum(axis=1)
    return drawn


def throughput_kw(grid: Grid, entry: Injections) -> FloatArray:
    """Return the energy flow through a network per step: everything that is drawn from it, kW."""
    own = np.maximum(-entry.p_kw, 0.0).sum(axis=1)
    total: FloatArray = np.maximum(own + background_drawn_kw(grid)[entry.steps], 1.0)
    return total
