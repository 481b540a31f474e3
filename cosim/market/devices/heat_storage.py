"""Heat storage: a hot water tank."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field

from cosim.market.devices import storage
from cosim.market.devices.base import Axes, Carrier, Ports


class HeatStorage(storage.Storage):
    """A hot water tank, fully mixed in energy terms (no temperature layers)."""

    type: Literal["heat_storage"] = "heat_storage"
    self_discharge_per_h: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.005
    """Share of the content lost in one hour."""

    carrier: ClassVar[Carrier] = "heat"
    supplies: ClassVar[tuple[Carrier, ...]] = ("heat",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("heat",)


def build(block: pyo.Block, spec: HeatStorage, axes: Axes) -> Ports:
    """Add the tank to its block, see `storage.build`."""
    return storage.build(block, spec, axes)
