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
FORWARD = "the circulation pump has to run forward: some heat must come from the plant"
CHILLED = "EN 14511: air handling units are rated with 7 C, and 1 K"
HYGIENE = "DVGW W 551: 60 C at the hot water storage, and 5 K for the station"

OUTER = frozenset({"differential_pressure_min", "pressure_min", "pump_max"})
"""Limits whose tangents may be kept for good; see `heat_limits`."""
SMALLEST_PLANT_HEAT_KW = 1.0
CHILLED_SUPPLY_MAX_C = 8.0
"""At consumers of a cooling network, where the scenario says nothing else."""
PLANT_HEAT_SHARE = 0.01
"""Of the heat that the consumers in the file are designed for."""


def heat_limits(net: HeatNet, limits: HeatLimits) -> tuple[Limit, ...]:
    """Return every limit that the settings ask for.

    Whether tangents keep every feasible point (`outer`):

    - Yes for differential pressure, lowest pressure and pump power while the pipes on the way from
      the plant carry water away from it: pressure falls with more than the first power of the flow,
      so that the values are concave (the power convex) in what is drawn. Where feed-in turns a pipe
      around they bend the other way there; pressure drops are small where that happens (a limit
      binds under load), and these limits are kept.
    - No for velocity: speed is the amount of a flow, convex only as long as flows were linear in
      the injections. Less temperature means more water for the same heat, and feed-in can turn a
      pipe around, so that a tangent may cut off feasible schedules.
    - No for supply temperature: it rises with the flow ever more slowly under load, but in a pipe
      between two sources it dips, and a connection at rest has none to keep: drawing nothing is
      allowed and drawing a little is not.
    - No for return temperature, a mean weighted with flows, and for the highest pressure, which
      lies on the other side of the curve.
    - No for what the plant delivers: linear but for the losses, which bend both ways.
    """
    return tuple(
        _limit(name, (element, quantity, sense), bound, source, net, limits)
        for name, element, quantity, sense, bound, source in _wanted(net, limits)
        if bound is not None
    )


def _wanted(
    net: HeatNet, limits: HeatLimits
) -> tuple[tuple[str, str, str, Sense, float | None, str], ...]:
    """Return name, table, quantity, sense, bound (None: no limit) and source."""
    return (
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
        (
            "supply_temperature_max",
            "heat_consumer",
            "supply_temperature_c",
            "max",
            _supply_max_c(limits) if net.sense < 0.0 else None,
            CHILLED,
        ),
        ("pressure_min", "junction", "p_bar", "min", limits.pressure_min_bar, PLANT),
        ("pressure_max", "junction", "p_bar", "max", limits.pressure_max_bar, PLANT),
        (
            "plant_heat_min",
            "circ_pump_pressure",
            "heat_beside_feed_in_kw",
            "min",
            _plant_heat_min_kw(net, limits),
            FORWARD,
        ),
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
        (
            "return_temperature_min",
            "circ_pump_pressure",
            "return_temperature_c",
            "min",
            limits.return_temperature_min_c,
            PLANT,
        ),
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
        "heat_beside_feed_in_kw": (0.0, "kW"),
        "pump_kw": (limits.power_tolerance_kw, "kW"),
    }[quantity]
    ids = net.ids(element)
    if element == "circ_pump_pressure":
        ids = read_only([net.pump_id], np.int64)
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
        outer=name in OUTER,
    )


def _supply_max_c(limits: HeatLimits) -> float:
    given = limits.supply_temperature_max_c
    return CHILLED_SUPPLY_MAX_C if given is None else given


def _plant_heat_min_kw(net: HeatNet, limits: HeatLimits) -> float:
    if limits.plant_heat_min_kw is not None:
        return limits.plant_heat_min_kw
    return max(SMALLEST_PLANT_HEAT_KW, PLANT_HEAT_SHARE * net.design_kw)
