"""On or off: states, starts and stops, minimum times, ramps. Shared by all units that have them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pyomo.environ as pyo
from pydantic import model_validator

from cosim.market.devices.base import Axes, DeviceSpec, Flow
from cosim.scenario.networks import NonNegative, Positive

_EPS = 1e-9
"""Guards the rounding up of hours to steps against floating point."""


class Committed(DeviceSpec):
    """A unit that is on or off; a subclass says what its output is and how low it may go."""

    ramp_max_kw_per_h: Positive | None = None
    """Fastest change of the rated power while running; unlimited if missing."""
    up_time_min_h: NonNegative = 0.0
    """Once started, runs at least this long."""
    down_time_min_h: NonNegative = 0.0
    """Once stopped, stays off at least this long."""
    start_cost: NonNegative = 0.0
    """Cost of one start."""
    initial_power_kw: NonNegative | None = None
    """Power before the first step, 0 for off; if missing the horizon repeats itself, so the last
    step comes before the first. Minimum times before the horizon count as served."""

    def output_range_kw(self) -> tuple[float, float]:
        """Return lowest and highest power while running."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _initial_power_is_reachable(self) -> Self:
        power_min_kw, power_max_kw = self.output_range_kw()
        before = self.initial_power_kw
        if before and not power_min_kw <= before <= power_max_kw:
            raise ValueError(
                f"initial_power_kw {before:g} is neither 0 nor between {power_min_kw:g} and "
                f"{power_max_kw:g}; give 0 for off or a power in that range"
            )
        return self

    def is_tracked(self, axes: Axes) -> bool:
        """Return whether starts and stops have to be variables."""
        return (
            self.start_cost > 0.0
            or self.ramp_max_kw_per_h is not None
            or max(self.up_time_min_h, self.down_time_min_h) > axes.step_h + _EPS
        )


@dataclass(frozen=True, slots=True)
class _Past:
    """What came before the first step.

    Attributes:
        online: 1 or 0; None where the horizon repeats itself.
        power_kw: the power then.
        up_due: steps that the unit still has to stay on.
        down_due: steps that it still has to stay off.
    """

    online: float | None
    power_kw: float
    up_due: int
    down_due: int


def _past(spec: Committed, axes: Axes) -> _Past:
    before = axes.initial.get("power_kw", spec.initial_power_kw)
    if before is None:
        return _Past(None, 0.0, 0, 0)
    online = axes.initial.get("online", float(before > 0.0))
    due = [round(axes.initial.get(name, 0.0) / axes.step_h) for name in ("up_due_h", "down_due_h")]
    return _Past(float(round(online)), before, due[0], due[1])


def add_states(block: pyo.Block, range_kw: tuple[float, float], axes: Axes, power: pyo.Var) -> None:
    """Add `online` (binary) and tie the power to it, see `add_load_range`."""
    block.online = pyo.Var(axes.steps, domain=pyo.Binary)
    add_load_range(block, range_kw, axes, power, block.online)


def add_load_range(
    block: pyo.Block,
    range_kw: tuple[float, float],
    axes: Axes,
    power: pyo.Var,
    running: pyo.Var,
) -> None:
    """Keep the power in its range while running, and at 0 otherwise.

    `load_floor`, `load_ceiling`: power_min running[t] <= power[t] <= power_max running[t].
    """
    power_min_kw, power_max_kw = range_kw
    block.load_floor = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: power[t] >= power_min_kw * running[t],
        doc="running means at least the part-load threshold",
    )
    block.load_ceiling = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: power[t] <= power_max_kw * running[t],
        doc="power only while running, up to the rated power",
    )


def add_commitment(
    block: pyo.Block,
    spec: Committed,
    axes: Axes,
    power: pyo.Var,
    running: pyo.Var | None = None,
) -> None:
    """Add what links the steps of a unit with `online`, where its spec needs it.

    `commitment`: online[t] - online[t-1] = start[t] - stop[t].
    `up_time`, `down_time`: starts of the last up_time_min_h <= online[t]; stops of the last
    down_time_min_h <= 1 - online[t].
    `ramp_up`, `ramp_down`: power[t] - power[t-1] <= ramp online[t-1] + first start[t] and
    power[t-1] - power[t] <= ramp online[t] + first stop[t], with first = max(ramp, lowest power).
    A unit that may be online without `running` has running in place of online there, and
    1 - running[t-1], 1 - running[t] in place of start and stop.

    `start` and `stop` are continuous: `up_time` and `down_time` make them integral. They exist
    only where a start cost, a minimum time or a ramp needs them. What is still due from before
    the horizon fixes `online`.

    Source: Rajan and Takriti (2005), IBM RC23628.
    """
    past = _past(spec, axes)
    for t in axes.steps[: past.up_due]:
        block.online[t].setlb(1)
    for t in axes.steps[: past.down_due]:
        block.online[t].setub(0)
    if not spec.is_tracked(axes):
        return
    _add_changes(block, spec, axes, past)
    if spec.ramp_max_kw_per_h is not None:
        _add_ramps(block, spec, axes, power, running)


def _recent(axes: Axes, t: int, hours: float, *, repeats: bool) -> list[int]:
    """Return the steps within the last `hours` up to and including t, at least t itself."""
    length = min(len(axes.steps), max(1, math.ceil(hours / axes.step_h - _EPS)))
    window = range(t - length + 1, t + 1)
    if not repeats:
        return [step for step in window if step >= 0]
    return [step % len(axes.steps) for step in window]


def _add_changes(block: pyo.Block, spec: Committed, axes: Axes, past: _Past) -> None:
    repeats, last = past.online is None, axes.steps[-1]

    def online_before(b: pyo.Block, t: int) -> Any:
        """Return whether the unit runs in the step before."""
        return b.online[t - 1 if t else last] if t or past.online is None else past.online

    def recent(variable: pyo.Var, t: int, hours: float) -> Any:
        """Return how many starts, or stops, lie within some hours up to step t."""
        steps = _recent(axes, t, hours, repeats=repeats)
        return pyo.quicksum(variable[step] for step in steps)

    block.start = pyo.Var(axes.steps, bounds=(0.0, 1.0))
    block.stop = pyo.Var(axes.steps, bounds=(0.0, 1.0))
    block.commitment = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.online[t] - online_before(b, t) == b.start[t] - b.stop[t],
        doc="a change of state is a start or a stop",
    )
    block.up_time = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: recent(b.start, t, spec.up_time_min_h) <= b.online[t],
        doc="recently started means still running",
    )
    block.down_time = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: recent(b.stop, t, spec.down_time_min_h) <= 1 - b.online[t],
        doc="recently stopped means still off",
    )


def _add_ramps(
    block: pyo.Block, spec: Committed, axes: Axes, power: pyo.Var, running: pyo.Var | None
) -> None:
    assert spec.ramp_max_kw_per_h is not None
    past, last = _past(spec, axes), axes.steps[-1]
    ramp_kw = spec.ramp_max_kw_per_h * axes.step_h
    first_kw = max(ramp_kw, spec.output_range_kw()[0])
    state = block.online if running is None else running

    def before(t: int) -> tuple[Any, Any]:
        """Return state and power in kW in the step before."""
        if t == 0 and past.online is not None:
            return past.online if running is None else float(past.power_kw > _EPS), past.power_kw
        return state[t - 1 if t else last], power[t - 1 if t else last]

    def ramp_up(b: pyo.Block, t: int) -> object:
        """Return that power rises no faster than the ramp, unless the unit starts."""
        state_before, power_before = before(t)
        starting = b.start[t] if running is None else 1 - state_before
        return power[t] - power_before <= ramp_kw * state_before + first_kw * starting

    def ramp_down(b: pyo.Block, t: int) -> object:
        """Return that power falls no faster than the ramp, unless the unit stops."""
        stopping = b.stop[t] if running is None else 1 - running[t]
        return before(t)[1] - power[t] <= ramp_kw * state[t] + first_kw * stopping

    block.ramp_up = pyo.Constraint(axes.steps, rule=ramp_up, doc="power rises at most by the ramp")
    block.ramp_down = pyo.Constraint(
        axes.steps, rule=ramp_down, doc="power falls at most by the ramp"
    )


def start_up_cost(block: pyo.Block, spec: Committed, axes: Axes) -> dict[str, Any]:
    """Return the cost component `start_up` of a committed unit; nothing where starts are free."""
    if spec.start_cost == 0.0:
        return {}
    return {"start_up": spec.start_cost * pyo.quicksum(block.start[t] for t in axes.steps)}


def carried(block: pyo.Block, spec: Committed, axes: Axes, power: pyo.Var) -> Mapping[str, Flow]:
    """Return what a unit with `online` hands to the next window.

    `power_kw`, `online`, and with minimum times `up_due_h` and `down_due_h`: the hours that it
    still has to stay on or off after step t, dt * sum over k of (n - 1 - k) start[t - k] with n
    steps of minimum time; at most one of these starts is 1.
    """
    found: dict[str, Flow] = {"power_kw": lambda t: power[t], "online": lambda t: block.online[t]}
    if not spec.is_tracked(axes):
        return found
    past = _past(spec, axes)

    def due(variable: pyo.Var, hours: float, from_before: int) -> Flow:
        """Return, as a function of the step, the hours a unit still has to stay as it is."""
        count = max(1, math.ceil(hours / axes.step_h - _EPS))

        def remaining(t: int) -> Any:
            """Return the hours left after step t."""
            recent = _recent(axes, t, hours, repeats=past.online is None)
            newest_first = enumerate(reversed(recent))
            own = [(count - 1 - k) * axes.step_h * variable[step] for k, step in newest_first]
            return pyo.quicksum(own) + max(from_before - t - 1, 0) * axes.step_h

        return remaining

    if spec.up_time_min_h > 0.0:
        found["up_due_h"] = due(block.start, spec.up_time_min_h, past.up_due)
    if spec.down_time_min_h > 0.0:
        found["down_due_h"] = due(block.stop, spec.down_time_min_h, past.down_due)
    return found
