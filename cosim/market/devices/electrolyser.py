"""Electrolyser: hydrogen = eta * power, with useful heat, a lowest load and standby."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, Efficiency, Flow, Ports, energy_cost
from cosim.market.devices.commitment import (
    Committed,
    add_commitment,
    add_load_range,
    add_states,
    carried,
    start_up_cost,
)
from cosim.scenario.networks import Fraction, NonNegative, Positive


class Electrolyser(Committed):
    """An electrolyser with its rectifier and auxiliaries; hydrogen by its lower heating value."""

    type: Literal["electrolyser"] = "electrolyser"
    electric_max_kw: Positive
    """Rated electric power."""
    eta: Efficiency = 0.65
    """Hydrogen (lower heating value) over electricity."""
    load_min: Fraction = 0.0
    """Lowest electric power while producing, as a fraction of `electric_max_kw`."""
    standby_share: Fraction | None = None
    """Electric power that keeps it ready without producing, as a fraction of `electric_max_kw`;
    no standby if missing. Leaving standby is no start."""
    heat_recovered_share: Fraction = 0.0
    """Share of (electricity - hydrogen) that may be used as heat; the rest is cooled away."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of hydrogen."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("hydrogen", "heat")
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)

    def output_range_kw(self) -> tuple[float, float]:
        """Return lowest and highest electric power while producing."""
        return self.load_min * self.electric_max_kw, self.electric_max_kw

    def has_states(self, axes: Axes) -> bool:
        """Return whether it needs to know if it is on."""
        return self.load_min > 0.0 or self.standby_share is not None or self.is_tracked(axes)


def build(block: pyo.Block, spec: Electrolyser, axes: Axes) -> Ports:
    """Add the electrolyser to its block.

    `hydrogen_output`: hydrogen[t] = eta power[t], with 0 <= power <= electric_max_kw.
    `heat_limit`: heat[t] <= heat_recovered_share (1 - eta) power[t].
    `load_floor`, `load_ceiling`: load_min electric_max running[t] <= power[t] <= electric_max
    running[t], with running = online, or with standby the binary producing.
    `standby_state`: producing[t] <= online[t]; the electricity drawn is power[t] + standby_share
    electric_max (online[t] - producing[t]).
    `commitment`, `up_time`, `down_time`, `ramp_up`, `ramp_down`: see `commitment.add_commitment`.

    Source: docs/models.md.
    """
    most_kw, heat_share = spec.electric_max_kw, spec.heat_recovered_share * (1.0 - spec.eta)
    block.power = pyo.Var(axes.steps, bounds=(0.0, most_kw))
    block.hydrogen = pyo.Var(axes.steps, bounds=(0.0, spec.eta * most_kw))
    block.heat = pyo.Var(axes.steps, bounds=(0.0, heat_share * most_kw))
    block.hydrogen_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.hydrogen[t] == spec.eta * b.power[t],
        doc="hydrogen is eta times electric power",
    )
    block.heat_limit = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.heat[t] <= heat_share * b.power[t],
        doc="useful heat is at most the recoverable share of the losses",
    )
    if spec.has_states(axes):
        _add_operation(block, spec, axes)
    return _ports(block, spec, axes)


def _add_operation(block: pyo.Block, spec: Electrolyser, axes: Axes) -> None:
    if spec.standby_share is None:
        add_states(block, spec.output_range_kw(), axes, block.power)
        add_commitment(block, spec, axes, block.power)
        return
    block.online = pyo.Var(axes.steps, domain=pyo.Binary)
    block.producing = pyo.Var(axes.steps, domain=pyo.Binary)
    add_load_range(block, spec.output_range_kw(), axes, block.power, block.producing)
    block.standby_state = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.producing[t] <= b.online[t],
        doc="produces only while switched on; on without producing is standby",
    )
    add_commitment(block, spec, axes, block.power, block.producing)


def _ports(block: pyo.Block, spec: Electrolyser, axes: Axes) -> Ports:
    standby_kw = (spec.standby_share or 0.0) * spec.electric_max_kw

    def drawn(t: int) -> Any:
        """Return the electricity at step t in kW, standby included."""
        if spec.standby_share is None:
            return block.power[t]
        return block.power[t] + standby_kw * (block.online[t] - block.producing[t])

    report: dict[tuple[Carrier, str], Flow] = {
        ("hydrogen", "generation_kw"): lambda t: block.hydrogen[t],
        ("heat", "generation_kw"): lambda t: block.heat[t],
        ("electricity", "consumption_kw"): drawn,
    }
    stateful = spec.has_states(axes)
    if stateful:
        report["electricity", "online"] = lambda t: block.online[t]
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.hydrogen[t])
    return Ports(
        flows={
            "hydrogen": lambda t: block.hydrogen[t],
            "heat": lambda t: block.heat[t],
            "electricity": lambda t: -drawn(t),
        },
        costs={"maintenance": maintenance, **start_up_cost(block, spec, axes)},
        report=report,
        carry=carried(block, spec, axes, block.power) if stateful else {},
    )
