"""Wind turbine: available power from a profile, curtailable."""

from __future__ import annotations

from typing import Literal

import pyomo.environ as pyo

from cosim.market.devices import renewable
from cosim.market.devices.base import Axes, Ports


class Wind(renewable.Renewable):
    """A wind turbine or park; the profile is kW per kW rated with `rated_kw`, kW without."""

    type: Literal["wind"] = "wind"


def build(block: pyo.Block, spec: Wind, axes: Axes) -> Ports:
    """Add the turbine to its block: 0 <= generation[t] <= available[t], see `renewable.build`."""
    return renewable.build(block, spec, axes)
