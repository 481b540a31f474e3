"""Devices that a participant can own: one file each, listed here."""

from __future__ import annotations

from collections.abc import Mapping

from cosim.market.devices import (
    battery,
    boiler,
    chp,
    curtailable_demand,
    electric_boiler,
    ev_fleet,
    heat_pump,
    heat_storage,
    pv,
    shiftable_demand,
    wind,
)
from cosim.market.devices.base import Axes, Builder, DeviceSpec, Flow, Ports

DEVICES: Mapping[str, tuple[type[DeviceSpec], Builder]] = {
    "battery": (battery.Battery, battery.build),
    "boiler": (boiler.Boiler, boiler.build),
    "chp": (chp.Chp, chp.build),
    "curtailable_demand": (curtailable_demand.CurtailableDemand, curtailable_demand.build),
    "electric_boiler": (electric_boiler.ElectricBoiler, electric_boiler.build),
    "ev_fleet": (ev_fleet.EvFleet, ev_fleet.build),
    "heat_pump": (heat_pump.HeatPump, heat_pump.build),
    "heat_storage": (heat_storage.HeatStorage, heat_storage.build),
    "pv": (pv.Pv, pv.build),
    "shiftable_demand": (shiftable_demand.ShiftableDemand, shiftable_demand.build),
    "wind": (wind.Wind, wind.build),
}
"""`type` in a scenario file -> spec and builder."""

DEVICE_TYPES: Mapping[str, type[DeviceSpec]] = {name: spec for name, (spec, _) in DEVICES.items()}
"""`type` in a scenario file -> spec, as the scenario schema wants it."""

__all__ = ["DEVICES", "DEVICE_TYPES", "Axes", "Builder", "DeviceSpec", "Flow", "Ports"]
