"""Gas storage: a vessel of natural gas."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices import storage
from cosim.market.devices.base import Axes, Carrier, Efficiency, Ports


class GasStorage(storage.Storage):
    """A vessel of natural gas; contents and powers by the lower heating value."""

    type: Literal["gas_storage"] = "gas_storage"
    eta_charge: Efficiency = 1.0
    """Gas stored over gas taken in."""
    eta_discharge: Efficiency = 1.0
    """Gas given out over gas taken from the store."""

    carrier: ClassVar[Carrier] = "gas"
    supplies: ClassVar[tuple[Carrier, ...]] = ("gas",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("gas",)


def build(block: pyo.Block, spec: GasStorage, axes: Axes) -> Ports:
    """Add the vessel to its block, see `storage.build`."""
    return storage.build(block, spec, axes)
