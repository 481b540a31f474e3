"""Limits of a district-heat network as records."""

from __future__ import annotations

import numpy as np

from cosim.grids.heat_net import HeatNet
from cosim.records import Limit, read_only
from cosim.records.network import Sense
from cosim.records.time import IntArray
from cosim.scenario.networks import HeatLimits


def heat_limits(net: HeatNet, limits: HeatLimits) -> tuple[Limit, ...]:
    """Return every limit that the settings ask for.

    Pressure falls with the square of the flow and temperature rises with it ever more slowly, so
    the tangents of all but the return temperature keep every feasible point.
    """
    consumers, pipes, junctions = net.consumer_ids, net.pipe_ids, net.junction_ids
    pump = read_only([net.pump_id], np.int64)
    found = [
        _limit(
            "differential_pressure_min",
            ("heat_consumer", "dp_bar", "min"),
            consumers,
            limits.differential_pressure_min_bar,
            (limits.pressure_tolerance_bar, "bar"),
            "AGFW FW 515 practice: differential pressure at house stations",
        ),
        _limit(
            "velocity_max",
            ("pipe", "speed_m_per_s", "max"),
            pipes,
            limits.velocity_max_m_per_s,
            (limits.velocity_tolerance_m_per_s, "m/s"),
            "AGFW FW 401 practice: design velocity of pre-insulated steel pipes",
        ),
    ]
    if net.sense > 0.0:
        found.append(
            _limit(
                "supply_temperature_min",
                ("heat_consumer", "supply_temperature_c", "min"),
                consumers,
                limits.supply_temperature_min_c,
                (limits.temperature_tolerance_k, "C"),
                "DVGW W 551: 60 C at the hot water storage, and 5 K for the station",
            )
        )
    optional = (
        ("pressure_min", ("junction", "p_bar", "min"), junctions, limits.pressure_min_bar),
        ("pressure_max", ("junction", "p_bar", "max"), junctions, limits.pressure_max_bar),
        ("producer_max", ("circ_pump_pressure", "heat_kw", "max"), pump, limits.producer_max_kw),
        ("pump_max", ("circ_pump_pressure", "pump_kw", "max"), pump, limits.pump_max_kw),
        (
            "return_temperature_max",
            ("circ_pump_pressure", "return_temperature_c", "max"),
            pump,
            limits.return_temperature_max_c,
        ),
    )
    units = {
        "p_bar": (limits.pressure_tolerance_bar, "bar"),
        "heat_kw": (limits.power_tolerance_kw, "kW"),
        "pump_kw": (limits.power_tolerance_kw, "kW"),
        "return_temperature_c": (limits.temperature_tolerance_k, "C"),
    }
    for name, what, ids, bound in optional:
        if bound is not None:
            text = "scenario: rating of plant and pipes"
            found.append(_limit(name, what, ids, bound, units[what[1]], text))
    return tuple(found)


def _limit(
    name: str,
    what: tuple[str, str, Sense],
    ids: IntArray,
    bound: float,
    tolerance: tuple[float, str],
    source: str,
) -> Limit:
    element, quantity, sense = what
    return Limit(
        name=name,
        element=element,
        quantity=quantity,
        sense=sense,
        ids=ids,
        bound=read_only(np.full(len(ids), float(bound))),
        tolerance=tolerance[0],
        unit=tolerance[1],
        source=source,
        outer=name != "return_temperature_max",
    )
