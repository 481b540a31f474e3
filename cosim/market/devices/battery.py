"""Battery: storage of electricity."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices import storage
from cosim.market.devices.base import Axes, Carrier, Ports


class Battery(storage.Storage):
    """A battery behind its inverter; powers and efficiencies are on the AC side."""

    type: Literal["battery"] = "battery"

    carrier: ClassVar[Carrier] = "electricity"
    supplies: ClassVar[tuple[Carrier, ...]] = ("electricity",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)


def build(block: pyo.Block, spec: Battery, axes: Axes) -> Ports:
    """Add the battery to its block, see `storage.build`."""
    return storage.build(block, spec, axes)
