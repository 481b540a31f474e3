"""Gas turbine for natural gas blended with hydrogen: electricity and heat (HGT)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices import chp
from cosim.market.devices.base import Axes, Carrier, Efficiency, Ports
from cosim.market.devices.blend import Blended, add_blend, blend_co2, blend_flows, blend_report


class BlendedTurbine(chp.CombinedUnit, Blended):
    """A turbine with heat recovery whose fuel may hold hydrogen; else like a CHP unit."""

    type: Literal["blended_turbine"] = "blended_turbine"
    eta_el_full: Efficiency = 0.33
    """Electricity over lower heating value at full load."""

    consumes: ClassVar[tuple[Carrier, ...]] = ("gas", "hydrogen")


def build(block: pyo.Block, spec: BlendedTurbine, axes: Axes) -> Ports:
    """Add the turbine to its block: a CHP unit with two fuels.

    `fuel_blend`: fuel[t] = methane[t] + hydrogen[t].
    `blend_limit`: hydrogen[t] <= x / (1 - x) H_h2 / H_gas methane[t], x the share by volume.
    All others (`load_floor`, `load_ceiling`, `fuel_curve`, `heat_recovery`, segments, `commitment`,
    ramps and minimum times) as in `chp.build`. CO2 is in the flue gas of the methane part only.

    Source: docs/models.md.
    """
    ports = chp.build(block, spec, axes)
    add_blend(block, spec, axes, spec.fuel_curve().input_kw[-1])
    return replace(
        ports,
        flows={**ports.flows, **blend_flows(block)},
        report={**ports.report, **blend_report(block)},
        co2=blend_co2(block, axes, spec.flue_co2_kg_per_kwh),
    )
