"""Cooling storage: a tank of chilled water or ice."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field

from cosim.market.devices import storage
from cosim.market.devices.base import Axes, Carrier, Ports


class CoolingStorage(storage.Storage):
    """A tank of chilled water or ice, fully mixed in energy terms (no temperature layers)."""

    type: Literal["cooling_storage"] = "cooling_storage"
    self_discharge_per_h: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.005
    """Share of the content lost in one hour."""

    carrier: ClassVar[Carrier] = "cooling"
    supplies: ClassVar[tuple[Carrier, ...]] = ("cooling",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("cooling",)


def build(block: pyo.Block, spec: CoolingStorage, axes: Axes) -> Ports:
    """Add the tank to its block, see `storage.build`."""
    return storage.build(block, spec, axes)
