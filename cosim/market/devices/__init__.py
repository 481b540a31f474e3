"""Devices that a participant can own: one file each, listed here."""

from __future__ import annotations

from collections.abc import Mapping

from cosim.market.devices import (
    absorption_chiller,
    battery,
    blended_boiler,
    blended_turbine,
    boiler,
    carbon_capture,
    chp,
    chp_extraction,
    compression_chiller,
    cooling_storage,
    curtailable_demand,
    electric_boiler,
    electrolyser,
    ev_fleet,
    fuel_cell,
    gas_storage,
    heat_pump,
    heat_storage,
    hydrogen_storage,
    methanation,
    pv,
    shiftable_demand,
    wind,
)
from cosim.market.devices.base import Axes, Builder, DeviceSpec, Flow, Ports

DEVICES: Mapping[str, tuple[type[DeviceSpec], Builder]] = {
    "absorption_chiller": (absorption_chiller.AbsorptionChiller, absorption_chiller.build),
    "battery": (battery.Battery, battery.build),
    "blended_boiler": (blended_boiler.BlendedBoiler, blended_boiler.build),
    "blended_turbine": (blended_turbine.BlendedTurbine, blended_turbine.build),
    "boiler": (boiler.Boiler, boiler.build),
    "carbon_capture": (carbon_capture.CarbonCapture, carbon_capture.build),
    "chp": (chp.Chp, chp.build),
    "chp_extraction": (chp_extraction.ChpExtraction, chp_extraction.build),
    "compression_chiller": (compression_chiller.CompressionChiller, compression_chiller.build),
    "cooling_storage": (cooling_storage.CoolingStorage, cooling_storage.build),
    "curtailable_demand": (curtailable_demand.CurtailableDemand, curtailable_demand.build),
    "electric_boiler": (electric_boiler.ElectricBoiler, electric_boiler.build),
    "electrolyser": (electrolyser.Electrolyser, electrolyser.build),
    "ev_fleet": (ev_fleet.EvFleet, ev_fleet.build),
    "fuel_cell": (fuel_cell.FuelCell, fuel_cell.build),
    "gas_storage": (gas_storage.GasStorage, gas_storage.build),
    "heat_pump": (heat_pump.HeatPump, heat_pump.build),
    "heat_storage": (heat_storage.HeatStorage, heat_storage.build),
    "hydrogen_storage": (hydrogen_storage.HydrogenStorage, hydrogen_storage.build),
    "methanation": (methanation.Methanation, methanation.build),
    "pv": (pv.Pv, pv.build),
    "shiftable_demand": (shiftable_demand.ShiftableDemand, shiftable_demand.build),
    "wind": (wind.Wind, wind.build),
}
"""`type` in a scenario file -> spec and builder."""

DEVICE_TYPES: Mapping[str, type[DeviceSpec]] = {name: spec for name, (spec, _) in DEVICES.items()}
"""`type` in a scenario file -> spec, as the scenario schema wants it."""

__all__ = ["DEVICES", "DEVICE_TYPES", "Axes", "Builder", "DeviceSpec", "Flow", "Ports"]
