"""Limits of a district-heat network as records."""

from __future__ import annotations

import numpy as np

from cosim.grids.heat.net import HeatNet
from cosim.records import Limit, read_only
from cosim.records.network import Sense
from cosim.scenario.networks import HeatLimits

PLANT = "scenario: rating of plant and pipes"
HOUSES = "AGFW FW 515 practice: differential pressure at house stations"
PIPES = "AGFW FW 401 practice: design velocity of pre-insulated steel pipes"
HYGIENE = "DVGW W 551: 60 C at the hot water storage, and 5 K for the station"


def heat_limits(net: HeatNet, limits: HeatLimits) -> tuple[Limit, ...]:
    """Return every limit that the settings ask for.

    Pressure falls with the square of the flow and temperature rises with it ever more slowly, so
    the tangents of all but the return temperature keep every feasible point.
    """
    wanted: tuple[tuple[str, str, str, Sense, float | None, str], ...] = (
        (
            "differential_pressure_min",
            "heat_consumer",
            "dp_bar",
            "min",
            limits.differential_pressure_min_bar,
            HOUSES,
        ),
        ("velocity_max", "pipe", "speed_m_per_s", "max", limits.velocity_max_m_per_s, PIPES),
        (
            "supply_temperature_min",
            "heat_consumer",
            "supply_temperature_c",
            "min",
            limits.supply_temperature_min_c if net.sense > 0.0 else None,
            HYGIENE,
        ),
        ("pressure_min", "junction", "p_bar", "min", limits.pressure_min_bar, PLANT),
        ("pressure_max", "junction", "p_bar", "max", limits.pressure_max_bar, PLANT),
        ("producer_max", "circ_pump_pressure", "heat_kw", "max", limits.producer_max_kw, PLANT),
        ("pump_max", "circ_pump_pressure", "pump_kw", "max", limits.pump_max_kw, PLANT),
        (
            "return_temperature_max",
            "circ_pump_pressure",
            "return_temperature_c",
            "max",
            limits.return_temperature_max_c,
            PLANT,
        ),
    )
    return tuple(
        _limit(name, (element, quantity, sense), bound, source, net, limits)
        for name, element, quantity, sense, bound, source in wanted
        if bound is not None
    )


def _limit(
    name: str,
    what: tuple[str, str, Sense],
    bound: float,
    source: str,
    net: HeatNet,
    limits: HeatLimits,
) -> Limit:
    element, quantity, sense = what
    tolerance, unit = {
        "dp_bar": (limits.pressure_tolerance_bar, "bar"),
        "p_bar": (limits.pressure_tolerance_bar, "bar"),
        "speed_m_per_s": (limits.velocity_tolerance_m_per_s, "m/s"),
        "supply_temperature_c": (limits.temperature_tolerance_k, "C"),
        "return_temperature_c": (limits.temperature_tolerance_k, "C"),
        "heat_kw": (limits.power_tolerance_kw, "kW"),
        "pump_kw": (limits.power_tolerance_kw, "kW"),
    }[quantity]
    ids = net.ids(element)
    return Limit(
        name=name,
        element=element,
        quantity=quantity,
        sense=sense,
        ids=ids,
        bound=read_only(np.full(len(ids), float(bound))),
        tolerance=tolerance,
        unit=unit,
        source=source,
        outer=name != "return_temperature_max",
    )
