"""Electric vehicles as a fleet: charge what is needed during a stay, and may feed back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.market.devices.base import (
    Axes,
    Carrier,
    DeviceSpec,
    Efficiency,
    Flow,
    Ports,
    energy_cost,
    resolve,
)
from cosim.market.devices.ev_stays import Charge, Stay, Stays, charges, reachable
from cosim.market.devices.storage import add_modes
from cosim.scenario.base import Strict
from cosim.scenario.networks import Fraction, NonNegative, Positive
from cosim.scenario.series import Series


class V2g(Strict):
    """What vehicles need to feed back into the network while they are plugged in."""

    battery_kwh: Positive
    """Capacity of one vehicle's battery."""
    arrival_share: Fraction = 0.5
    """Content at arrival as a fraction of the capacity."""
    energy_min: Fraction = 0.2
    """Lowest content as a fraction of the capacity."""
    discharge_max_kw: Positive = 11.0
    """Discharging power of one point, on the network side."""
    eta_discharge: Efficiency = 0.9
    """Energy into the network over energy from the battery."""
    degradation_per_kwh: NonNegative = 0.0
    """Cost per kWh fed back."""


class EvFleet(DeviceSpec):
    """Vehicles of one participant that charge when it suits, within their stays."""

    type: Literal["ev_fleet"] = "ev_fleet"
    vehicles: Annotated[int, Field(ge=1)]
    """Number of vehicles with a charging point each."""
    charge_max_kw: Positive = 11.0
    """Charging power of one point, on the network side."""
    available: Series = 1.0
    """Share of the vehicles that are plugged in, 0 to 1; matters within stays only."""
    eta_charge: Efficiency = 0.9
    """Energy in the battery over energy from the network."""
    stays: Annotated[tuple[Stay, ...], Field(min_length=1)]
    """Stays without overlap; groups of vehicles with other hours are fleets of their own."""
    repeat_h: Positive | None = None
    """Every stay comes again after this time, to the end of the horizon; once if missing."""
    degradation_per_kwh: NonNegative = 0.0
    """Cost per kWh drawn."""
    v2g: V2g | None = None
    """Vehicles may feed back; they only charge if missing."""

    supplies: ClassVar[tuple[Carrier, ...]] = ()
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)

    @model_validator(mode="after")
    def _batteries_hold_what_is_needed(self) -> Self:
        if self.v2g is None:
            return self
        battery, capacity_kwh = self.v2g, self.vehicles * self.v2g.battery_kwh
        if battery.arrival_share < battery.energy_min:
            raise ValueError(
                f"v2g.arrival_share {battery.arrival_share:g} is below v2g.energy_min "
                f"{battery.energy_min:g}; give an arrival_share of at least energy_min"
            )
        room_kwh = (1.0 - battery.arrival_share) * capacity_kwh
        for number, stay in enumerate(self.stays):
            if stay.energy_kwh > room_kwh:
                raise ValueError(
                    f"stays[{number}].energy_kwh {stay.energy_kwh:g} is more than the "
                    f"{room_kwh:g} kWh that {self.vehicles} batteries have room for at arrival; "
                    "lower it or v2g.arrival_share, or raise v2g.battery_kwh"
                )
        return self

    def periods_h(self, *, carries: bool) -> Mapping[str, float]:
        """Windows that hand nothing on have to hold whole repetitions."""
        return {} if carries or self.repeat_h is None else {"repeat_h": self.repeat_h}

    def reach_h(self) -> Mapping[str, float]:
        """A stay that a window begins has to end within its look-ahead."""
        return {
            f"stays[{number}]": stay.departure_h - stay.arrival_h
            for number, stay in enumerate(self.stays)
        }


def build(block: pyo.Block, spec: EvFleet, axes: Axes) -> Ports:
    """Add the fleet to its block.

    `energy_need`: sum over the steps of a stay of (eta_charge charge[t] - discharge[t] /
    eta_discharge) dt = energy_kwh, with 0 <= charge[t] <= vehicles charge_max_kw available[t]
    within stays and 0 outside (bounds), discharge the same with v2g and 0 without. Of a stay that
    an earlier window began, energy_kwh less what it charged.
    With v2g also `content_balance`, `charge_mode`, `discharge_mode`, see `_add_batteries`.

    Source: docs/models.md.

    Raises:
        ScenarioError: for stays that overlap, start after the horizon, are not whole steps, or
            ask for more energy than the charging points can deliver.
    """
    plugged_in = resolve(block, axes, "available", spec.available, at_most=1.0)
    into, point_kw = spec.eta_charge * axes.step_h, spec.vehicles * spec.charge_max_kw
    stays = Stays(spec.stays, spec.repeat_h, two_way=spec.v2g is not None)
    parts = [
        reachable(block, part, into * point_kw * sum(plugged_in[t] for t in part.steps))
        for part in charges(block, stays, axes)
    ]
    inside = {t for part in parts for t in part.steps}
    share = [plugged_in[t] if t in inside else 0.0 for t in axes.steps]
    block.charge = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, point_kw * share[t]))
    if spec.v2g is not None:
        _add_batteries(block, spec, spec.v2g, axes, parts, share)
    stored = _stored(block, spec, axes)
    block.energy_need = pyo.Constraint(
        range(len(parts)),
        rule=lambda b, i: pyo.quicksum(map(stored, parts[i].steps)) == parts[i].energy_kwh,
        doc="every stay ends with the energy that is needed",
    )
    return _ports(block, spec, axes, _charged(parts, stored))


def _stored(block: pyo.Block, spec: EvFleet, axes: Axes) -> Flow:
    """Return what comes into the batteries during a step, in kWh."""
    into = spec.eta_charge * axes.step_h
    if spec.v2g is None:
        return lambda t: into * block.charge[t]
    out_of = axes.step_h / spec.v2g.eta_discharge
    return lambda t: into * block.charge[t] - out_of * block.discharge[t]


def _add_batteries(
    block: pyo.Block,
    spec: EvFleet,
    v2g: V2g,
    axes: Axes,
    parts: Sequence[Charge],
    share: Sequence[float],
) -> None:
    """Add discharging, and the content of all batteries together.

    `content_balance`: content[t] = content before + (eta_charge charge[t] - discharge[t] /
    eta_discharge) dt within stays, in kWh at the end of step t; at arrival vehicles arrival_share
    battery_kwh; between energy_min and 1 times vehicles battery_kwh (bounds). 0 outside of stays.
    `charge_mode`, `discharge_mode`: see `storage.add_modes`; only where `axes.relax` is false.
    """
    point_kw, capacity_kwh = spec.vehicles * v2g.discharge_max_kw, spec.vehicles * v2g.battery_kwh
    block.discharge = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, point_kw * share[t]))
    arrival_kwh = v2g.arrival_share * capacity_kwh
    at_first = {part.steps[0]: arrival_kwh + part.begun_kwh for part in parts}
    follows = {t: last for part in parts for last, t in pairwise(part.steps)}
    inside = sorted([*at_first, *follows])
    block.content = pyo.Var(inside, bounds=(v2g.energy_min * capacity_kwh, capacity_kwh))
    block.plugged_in_content = pyo.Expression(
        axes.steps, rule=lambda b, t: b.content[t] if t in at_first or t in follows else 0.0
    )
    stored = _stored(block, spec, axes)

    def content_balance(b: pyo.Block, t: int) -> object:
        """Return that the content at the end of step t follows from the step before, in kWh."""
        before = b.content[follows[t]] if t in follows else at_first[t]
        return b.content[t] == before + stored(t)

    block.content_balance = pyo.Constraint(
        inside, rule=content_balance, doc="content is what was there, plus what came in"
    )
    if not axes.relax:
        add_modes(block, axes, spec.vehicles * spec.charge_max_kw, point_kw)


def _charged(parts: Sequence[Charge], stored: Flow) -> Flow:
    """Return what the stay at a step has charged up to and including it, in kWh."""
    stay_at = {t: part for part in parts for t in part.steps}

    def charged(t: int) -> Any:
        """Return what the stay has charged up to step t, earlier windows included, in kWh."""
        if t not in stay_at:
            return 0.0
        stay = stay_at[t]
        own = pyo.quicksum(stored(step) for step in stay.steps if step <= t)
        return own + stay.before_kwh

    return charged


def _ports(block: pyo.Block, spec: EvFleet, axes: Axes, charged: Flow) -> Ports:
    def charge(t: int) -> Any:
        return block.charge[t]

    cost = energy_cost(axes, spec.degradation_per_kwh, charge)
    carry: dict[str, Flow] = {"charged_kwh": charged}
    if spec.v2g is None:
        return Ports(
            flows={"electricity": lambda t: -block.charge[t]},
            costs={"degradation": cost},
            report={("electricity", "consumption_kw"): charge},
            carry=carry,
        )

    def discharge(t: int) -> Any:
        return block.discharge[t]

    return Ports(
        flows={"electricity": lambda t: block.discharge[t] - block.charge[t]},
        costs={"degradation": cost + energy_cost(axes, spec.v2g.degradation_per_kwh, discharge)},
        report={
            ("electricity", "charging_kw"): charge,
            ("electricity", "discharging_kw"): discharge,
            ("electricity", "state_of_charge_kwh"): lambda t: block.plugged_in_content[t],
        },
        exclusive={"charge_discharge": (charge, discharge)} if axes.relax else {},
        carry=carry,
    )
