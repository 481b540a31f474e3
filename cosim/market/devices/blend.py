"""Natural gas and hydrogen burnt together: the volumetric limit of the blend, and its CO2."""

from __future__ import annotations

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, Co2, DeviceSpec, Flow, flue_co2
from cosim.scenario.networks import Fraction, Positive


class Blended(DeviceSpec):
    """A unit that burns natural gas with a share of hydrogen."""

    hydrogen_share_max: Fraction = 0.2
    """Most hydrogen in the fuel, by volume at normal conditions."""
    gas_lhv_kwh_per_m3: Positive = 9.97
    """Lower heating value of the gas by volume at 0 C and 1.01325 bar; methane, ISO 6976."""
    hydrogen_lhv_kwh_per_m3: Positive = 2.995
    """The same of hydrogen, ISO 6976."""

    def hydrogen_per_gas(self) -> float | None:
        """Return the most kW of hydrogen per kW of gas; None if hydrogen alone is allowed.

        hydrogen / H_h2 <= x (hydrogen / H_h2 + gas / H_gas), with x the share by volume and H the
        volumetric heating values, gives hydrogen <= x / (1 - x) H_h2 / H_gas gas.
        """
        share = self.hydrogen_share_max
        if share == 1.0:
            return None
        return share / (1.0 - share) * self.hydrogen_lhv_kwh_per_m3 / self.gas_lhv_kwh_per_m3


def add_blend(block: pyo.Block, spec: Blended, axes: Axes, fuel_max_kw: float) -> None:
    """Split the `fuel` of a block.

    `fuel_blend`: fuel[t] = methane[t] + hydrogen[t], in kW of lower heating value.
    `blend_limit`: hydrogen[t] <= x / (1 - x) H_h2 / H_gas methane[t], with x =
    hydrogen_share_max by volume and H the volumetric heating values.
    """
    ratio = spec.hydrogen_per_gas()
    block.methane = pyo.Var(axes.steps, bounds=(0.0, fuel_max_kw))
    block.hydrogen = pyo.Var(axes.steps, bounds=(0.0, fuel_max_kw))
    block.fuel_blend = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.fuel[t] == b.methane[t] + b.hydrogen[t],
        doc="fuel is methane and hydrogen",
    )
    block.blend_limit = pyo.Constraint(
        axes.steps if ratio is not None else (),
        rule=lambda b, t: b.hydrogen[t] <= ratio * b.methane[t],
        doc="hydrogen stays below its largest share by volume",
    )


def blend_flows(block: pyo.Block) -> dict[Carrier, Flow]:
    """Return what the unit takes of gas and hydrogen, negative, in kW."""
    return {"gas": lambda t: -block.methane[t], "hydrogen": lambda t: -block.hydrogen[t]}


def blend_co2(block: pyo.Block, axes: Axes, kg_per_kwh: float) -> dict[Co2, Flow]:
    """Return the CO2 in the flue gas, which is that of the methane."""
    return {"flue": flue_co2(axes, lambda t: block.methane[t], kg_per_kwh)}


def blend_report(block: pyo.Block) -> dict[tuple[Carrier, str], Flow]:
    """Return the schedule's lines about the fuel."""
    return {
        ("gas", "consumption_kw"): lambda t: block.methane[t],
        ("hydrogen", "consumption_kw"): lambda t: block.hydrogen[t],
    }
