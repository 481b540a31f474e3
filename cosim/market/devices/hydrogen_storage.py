"""Hydrogen storage: a tank, with the electricity of its compressor."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices import storage
from cosim.market.devices.base import Axes, Carrier, Efficiency, Flow, Ports
from cosim.scenario.networks import NonNegative


class HydrogenStorage(storage.Storage):
    """A hydrogen tank; contents and powers by the lower heating value."""

    type: Literal["hydrogen_storage"] = "hydrogen_storage"
    eta_charge: Efficiency = 1.0
    """Hydrogen stored over hydrogen taken in."""
    eta_discharge: Efficiency = 1.0
    """Hydrogen given out over hydrogen taken from the store."""
    compressor_kwh_per_kwh: NonNegative = 0.0
    """Electricity per kWh of hydrogen taken in."""

    carrier: ClassVar[Carrier] = "hydrogen"
    supplies: ClassVar[tuple[Carrier, ...]] = ("hydrogen",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("hydrogen",)


def build(block: pyo.Block, spec: HydrogenStorage, axes: Axes) -> Ports:
    """Add the tank to its block, see `storage.build`.

    The compressor draws compressor_kwh_per_kwh charge[t] of electricity.
    """
    ports = storage.build(block, spec, axes)
    per_kwh = spec.compressor_kwh_per_kwh
    if per_kwh == 0.0:
        return ports
    flows: dict[Carrier, Flow] = {"electricity": lambda t: -per_kwh * block.charge[t]}
    report: dict[tuple[Carrier, str], Flow] = {
        ("electricity", "consumption_kw"): lambda t: per_kwh * block.charge[t]
    }
    return replace(ports, flows={**ports.flows, **flows}, report={**ports.report, **report})
