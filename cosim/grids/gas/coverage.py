"""What the batch equations of a gas network cover, and what they leave to pandapipes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

UNSUPPORTED = (
    "pump",
    "heat_exchanger",
    "heat_consumer",
    "circ_pump_mass",
    "circ_pump_pressure",
)
"""Element tables that only pandapipes computes."""
ZERO_LENGTH = ("compressor", "press_control", "flow_control")
"""Branches between two junctions without length."""
LINEAR = ("FluidPropertyLinear", "FluidPropertyConstant")


def unsupported(net: Any) -> tuple[str, ...]:
    """Return why the batch equations do not cover this network, nothing if they do.

    Each reason names the element table and how many of its elements are in the way.
    """
    reasons = []
    for table in UNSUPPORTED:
        used = len(in_service(net, table))
        if used:
            reasons.append(f"{used} {table}")
    reasons += _pressure_controls(net)
    properties = net.fluid.all_properties
    if type(properties["compressibility"]).__name__ not in LINEAR:
        reasons.append("a compressibility that is not linear in pressure")
    if getattr(properties["viscosity"], "allow_2d", False):
        reasons.append("a viscosity that depends on pressure")
    stray = _at_dead_junctions(net)
    if stray:
        reasons.append(f"{stray} pipe in service at a junction out of service")
    fixed = ~net.ext_grid["type"].isin(["p", "pt"])
    if fixed.any():
        reasons.append(f"{int(fixed.sum())} ext_grid without pressure")
    return tuple(reasons)


def in_service(net: Any, table: str) -> pd.DataFrame:
    """Return the rows of an element table that are in service; empty where there is no table."""
    if table not in net or not len(net[table]):
        return pd.DataFrame()
    rows: pd.DataFrame = net[table]
    return rows[rows["in_service"].astype(bool)] if "in_service" in rows else rows


def _at_dead_junctions(net: Any) -> int:
    """Return how many pipes in service end at a junction out of service.

    pandapipes takes such a junction back into service where another one supplies it.
    """
    alive, pipes = net.junction["in_service"].astype(bool), in_service(net, "pipe")
    if pipes.empty:
        return 0
    ends = (alive.loc[pipes[c]].to_numpy() for c in ("from_junction", "to_junction"))
    return int((~np.logical_and(*ends)).sum())


def _pressure_controls(net: Any) -> list[str]:
    """Return pressure controls that are not a station which sets the pressure behind it."""
    controls = in_service(net, "press_control")
    if controls.empty:
        return []
    reasons = []
    elsewhere = controls["controlled_junction"] != controls["to_junction"]
    if elsewhere.any():
        reasons.append(f"{int(elsewhere.sum())} press_control of a junction elsewhere")
    idle = ~controls["control_active"].astype(bool)
    if idle.any():
        reasons.append(f"{int(idle.sum())} press_control without control")
    sources = in_service(net, "ext_grid")["junction"]
    doubled = controls["to_junction"].duplicated(keep=False)
    doubled |= controls["to_junction"].isin(np.asarray(sources))
    if doubled.any():
        reasons.append(f"{int(doubled.sum())} press_control at a junction with another pressure")
    return reasons
