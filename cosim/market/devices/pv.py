"""Photovoltaics: available power from a profile, curtailable."""

from __future__ import annotations

from typing import Literal

import pyomo.environ as pyo

from cosim.market.devices import renewable
from cosim.market.devices.base import Axes, Ports


class Pv(renewable.Renewable):
    """A photovoltaic plant; the profile is kW per kWp with `rated_kw`, kW without."""

    type: Literal["pv"] = "pv"


def build(block: pyo.Block, spec: Pv, axes: Axes) -> Ports:
    """Add the plant to its block: 0 <= generation[t] <= available[t], see `renewable.build`."""
    return renewable.build(block, spec, axes)
