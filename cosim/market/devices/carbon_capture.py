"""Carbon capture: takes CO2 out of the flue gas of named units, to be stored or used."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field
from pyomo.repn import generate_standard_repn

from cosim.errors import Problem, ScenarioError
from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Efficiency, Flow, Ports
from cosim.scenario.networks import NonNegative, Positive


class CarbonCapture(DeviceSpec):
    """A unit that washes CO2 out of the flue gas of some of the participant's devices."""

    type: Literal["carbon_capture"] = "carbon_capture"
    units: Annotated[tuple[str, ...], Field(min_length=1)]
    """Devices of the participant whose flue gas it takes."""
    captured_share_max: Efficiency = 0.9
    """Most of a unit's CO2 that can be captured."""
    capture_max_kg_per_h: Positive | None = None
    """Most that can be captured in all; as much as the flue gas has if missing."""
    electricity_kwh_per_kg: NonNegative = 0.3
    """Electricity per kg captured, compression included."""
    heat_kwh_per_kg: NonNegative = 0.0
    """Heat per kg captured, for regeneration; 0 where it is in the electricity."""
    storage_cost_per_kg: NonNegative = 0.0
    """Cost of transport and storage per kg that is captured and not used."""

    takes_flue_gas: ClassVar[bool] = True
    supplies: ClassVar[tuple[Carrier, ...]] = ()
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)


def build(block: pyo.Block, spec: CarbonCapture, axes: Axes) -> Ports:
    """Add the capture unit to its block; CO2 in kg/h.

    `capture_limit`: captured_u[t] <= captured_share_max * flue_u[t] for each unit u.
    `capacity`: sum over units of captured_u[t] <= capture_max_kg_per_h.
    `storage_limit`: stored[t] <= sum over units of captured_u[t]; the rest is offered for use at
    the same step, and the participant's account sees to it that it is used.

    Source: docs/models.md.

    Raises:
        ScenarioError: if a unit has no flue gas.
    """
    _check_units(block, spec, axes)
    block.captured = pyo.Block()
    for unit in spec.units:
        _add_unit(block, unit, spec, axes)
    washers = [block.captured.component(unit) for unit in spec.units]

    def captured(t: int) -> Any:
        return pyo.quicksum(own.kg_per_h[t] for own in washers)

    most = spec.capture_max_kg_per_h
    block.capacity = pyo.Constraint(
        axes.steps if most is not None else (),
        rule=lambda _, t: captured(t) <= most,
        doc="capture stays below the unit's capacity",
    )
    block.stored = pyo.Var(axes.steps, bounds=(0.0, None))
    block.storage_limit = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.stored[t] <= captured(t),
        doc="only what is captured can be stored",
    )
    return _ports(block, spec, axes, captured)


def _check_units(block: pyo.Block, spec: CarbonCapture, axes: Axes) -> None:
    for unit in spec.units:
        if unit not in axes.flue_gas:
            known = ", ".join(axes.flue_gas) or "none"
            problem = Problem(
                f"{block.name}.units",
                f"{unit!r}, which has no flue gas",
                f"devices of the participant that burn gas ({known})",
            )
            raise ScenarioError([problem])


def _add_unit(block: pyo.Block, unit: str, spec: CarbonCapture, axes: Axes) -> None:
    flue, share = axes.flue_gas[unit], spec.captured_share_max
    most = {t: _most(flue(t)) for t in axes.steps}
    bounds = {t: None if kg is None else max(share * kg, 0.0) for t, kg in most.items()}
    block.captured.add_component(unit, pyo.Block())
    own = block.captured.component(unit)
    own.kg_per_h = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, bounds[t]))
    own.capture_limit = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.kg_per_h[t] <= share * flue(t),
        doc="only a share of the flue gas's CO2 can be captured",
    )


def _most(expression: Any) -> float | None:
    """Return the largest value of an expression with factors of 0 or more; None without bound."""
    form = generate_standard_repn(expression, quadratic=False)
    total = float(form.constant)
    for factor, variable in zip(form.linear_coefs, form.linear_vars, strict=True):
        if variable.ub is None:
            return None
        total += factor * variable.ub
    return total


def _ports(block: pyo.Block, spec: CarbonCapture, axes: Axes, captured: Flow) -> Ports:
    flows: dict[Carrier, Flow] = {
        "electricity": lambda t: -spec.electricity_kwh_per_kg * captured(t)
    }
    report: dict[tuple[Carrier, str], Flow] = {
        ("electricity", "consumption_kw"): lambda t: spec.electricity_kwh_per_kg * captured(t),
        ("electricity", "captured_co2_kg_per_h"): captured,
        ("electricity", "stored_co2_kg_per_h"): lambda t: block.stored[t],
    }
    if spec.heat_kwh_per_kg > 0.0:
        flows["heat"] = lambda t: -spec.heat_kwh_per_kg * captured(t)
        report["heat", "consumption_kw"] = lambda t: spec.heat_kwh_per_kg * captured(t)
    price = spec.storage_cost_per_kg * axes.step_h
    return Ports(
        flows=flows,
        costs={"co2_storage": pyo.quicksum(price * block.stored[t] for t in axes.steps)},
        report=report,
        co2={
            "captured": lambda t: -captured(t),
            "offered": lambda t: captured(t) - block.stored[t],
        },
    )
