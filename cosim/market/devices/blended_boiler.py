"""Boiler for natural gas blended with hydrogen (HGB)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices import boiler
from cosim.market.devices.base import Axes, Carrier, Ports
from cosim.market.devices.blend import Blended, add_blend, blend_co2, blend_flows, blend_report


class BlendedBoiler(boiler.FuelBoiler, Blended):
    """A boiler whose fuel may hold hydrogen."""

    type: Literal["blended_boiler"] = "blended_boiler"

    consumes: ClassVar[tuple[Carrier, ...]] = ("gas", "hydrogen")


def build(block: pyo.Block, spec: BlendedBoiler, axes: Axes) -> Ports:
    """Add the boiler to its block.

    `fuel_blend`: fuel[t] = methane[t] + hydrogen[t].
    `blend_limit`: hydrogen[t] <= x / (1 - x) H_h2 / H_gas methane[t], x the share by volume.
    `heat_output`, `load_floor`, `load_ceiling`, `fuel_curve` as in `boiler.build`. CO2 is in the
    flue gas of the methane part only.

    Source: docs/models.md.
    """
    ports = boiler.build(block, spec, axes)
    add_blend(block, spec, axes, spec.fuel_max_kw())
    return replace(
        ports,
        flows={**ports.flows, **blend_flows(block)},
        report={**ports.report, **blend_report(block)},
        co2=blend_co2(block, axes, spec.flue_co2_kg_per_kwh),
    )
