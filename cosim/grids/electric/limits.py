"""Limits of an electric network as records.

Import and export are limits on `ext_grid.p_mw` of every external grid in service, each for itself:
it is positive where power is drawn from the upstream grid, so `import_max` is an upper bound and
`export_max` a lower bound at minus the contracted feed-in.

Over-voltage and export regions are not convex in the injections (voltage is concave, losses are
convex), so their tangents cut feasible points off (`outer` false); the others keep all.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cosim.grids.electric.arrays import ElectricArrays
from cosim.grids.electric.model import ElectricModel
from cosim.records import Limit, read_only
from cosim.records.time import IntArray
from cosim.units import KW_PER_MW


def electric_limits(
    model: ElectricModel, arrays: ElectricArrays
) -> tuple[tuple[Limit, ...], tuple[str, ...]]:
    """Return the limits, and notes on elements that have none."""
    chosen = model.settings.limits
    tolerance = chosen.voltage_tolerance_pu
    bus = ("bus", "vm_pu", arrays.bus_ids)
    scale = 1.0 / KW_PER_MW
    found = [
        _limit("voltage_min", bus, "min", chosen.voltage_min_pu, tolerance, "pu"),
        _limit("voltage_max", bus, "max", chosen.voltage_max_pu, tolerance, "pu", outer=False),
    ]
    notes = []
    for table in ("line", "trafo", "trafo3w"):
        ids, unrated = _rated(arrays, table)
        if unrated:
            notes.append(f"{unrated} {table} without a rating: loading not checked")
        if not ids.size:
            continue
        bound = chosen.trafo_loading_max_percent
        name = f"{table}_loading_max"
        if table == "line":
            bound = chosen.line_loading_max_percent
        place = (table, "loading_percent", ids)
        found.append(_limit(name, place, "max", bound, chosen.loading_tolerance_percent, "%"))
    grid = ("ext_grid", "p_mw", arrays.slacks.ids)
    power = chosen.power_tolerance_kw * scale
    if chosen.import_max_kw is not None:
        bound = chosen.import_max_kw * scale
        found.append(_limit("import_max", grid, "max", bound, power, "MW"))
    if chosen.export_max_kw is not None:
        bound = -chosen.export_max_kw * scale
        found.append(_limit("export_max", grid, "min", bound, power, "MW", outer=False))
    return tuple(found), tuple(notes)


SOURCES = {
    "voltage_min": "EN 50160: -10 % of nominal unless the scenario says otherwise",
    "voltage_max": "EN 50160: +10 % of nominal unless the scenario says otherwise",
    "line_loading_max": "rated current of the network file (IEC 60287 / cable data sheet)",
    "trafo_loading_max": "rated power of the network file (IEC 60076-7, no overload)",
    "trafo3w_loading_max": "rated power of the network file (IEC 60076-7, no overload)",
    "import_max": "scenario: contracted power per external grid",
    "export_max": "scenario: contracted feed-in per external grid",
}


def _limit(
    name: str,
    place: tuple[str, str, IntArray],
    sense: Literal["min", "max"],
    bound: float,
    tolerance: float,
    unit: str,
    outer: bool = True,
) -> Limit:
    element, quantity, ids = place
    return Limit(
        name=name,
        element=element,
        quantity=quantity,
        sense=sense,
        ids=ids,
        bound=read_only(np.full(ids.size, bound)),
        tolerance=tolerance,
        unit=unit,
        source=SOURCES[name],
        outer=outer,
    )


def _rated(arrays: ElectricArrays, table: str) -> tuple[IntArray, int]:
    """Return the elements with a finite rating, and how many have none."""
    for branch in arrays.branches:
        if branch.table == table:
            factor = branch.from_percent + branch.to_percent
            rated = np.isfinite(factor).all(axis=0)
            return read_only(branch.ids[rated], np.int64), int((~rated).sum())
    return read_only([], np.int64), 0
