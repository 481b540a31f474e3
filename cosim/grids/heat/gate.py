"""The sanity gate: states that exist on paper only become failures that name the element."""

from __future__ import annotations

import numpy as np

from cosim.grids.heat.columns import HeatColumns
from cosim.grids.heat.demand import Demand
from cosim.grids.heat.fast import Fast
from cosim.grids.heat.forest import NO_FLOW_KG_PER_S
from cosim.grids.heat.net import HeatNet
from cosim.records import StepFailure
from cosim.records.time import IntArray
from cosim.units import W_PER_KW, ZERO_CELSIUS_K, kelvin_to_celsius

TEMPERATURE_SLACK_K = 0.01
HOPELESS_HEADS = 1.0
"""A consumer whose differential pressure is below minus this many pump lifts is a failure; above
it the state is kept, so that the differential pressure limit, which it violates, can be
linearised there."""


def gate(net: HeatNet, demand: Demand, columns: HeatColumns) -> dict[int, str]:
    """Return row -> reason for converged steps that are not physical, whatever the plant does."""
    tests = (_cut_off, _not_a_number, _low_pressure, _backwards, _temperatures, _no_head)
    found: dict[int, str] = {}
    for row in np.flatnonzero(columns.solved):
        for test in tests:
            reason = test(net, demand, columns, int(row))
            if reason:
                found[int(row)] = reason
                break
    return found


def plant_backwards(net: HeatNet, demand: Demand, columns: HeatColumns) -> dict[int, str]:
    """Return row -> reason for converged steps in which the plant would run backwards."""
    turned = columns.solved[:, None] & (columns.pump_kg_per_s < -NO_FLOW_KG_PER_S)
    found = {}
    for row in np.flatnonzero(turned.any(axis=1)):
        if turned[row, net.plant_at]:
            found[int(row)] = backwards(net, demand, int(row))
        else:
            ids = listed(net.pump_ids[turned[row]])
            found[int(row)] = (
                f"circ_pump_pressure {ids} would run backwards: its lift is too small beside that "
                f"of the plant (circ_pump_pressure {net.pump_id})"
            )
    return found


def _cut_off(net: HeatNet, demand: Demand, columns: HeatColumns, row: int) -> str:
    wrong = net.cut_off & (demand.q_w[row] != 0.0)
    if not wrong.any():
        return ""
    return (
        f"heat_consumer {listed(net.consumer_ids[wrong])} is cut off from the plant by closed "
        "valves or elements out of service"
    )


def _not_a_number(net: HeatNet, demand: Demand, columns: HeatColumns, row: int) -> str:
    reached = net.mesh.reached
    in_use = reached[net.pipe_ends].all(axis=0) & net.net.pipe["in_service"].to_numpy(dtype=bool)
    for name, values, ids, wanted in (
        ("junction", columns.p_bar[row], net.junction_ids, reached),
        ("junction", columns.t_k[row], net.junction_ids, reached),
        ("pipe", columns.pipe_kg_per_s[row], net.pipe_ids, in_use),
        ("heat_consumer", columns.consumer_kg_per_s[row], net.consumer_ids, ~net.cut_off),
    ):
        bad = ~np.isfinite(values) & wanted
        if bad.any():
            return f"no result at {name} {listed(ids[bad])}"
    return ""


def backwards(net: HeatNet, demand: Demand, row: int) -> str:
    """Describe a step in which more is fed in than is drawn and lost."""
    q_kw = net.sense * demand.q_w[row] / W_PER_KW
    feeding = q_kw < 0.0
    return (
        f"feed-in of {-q_kw[feeding].sum():.1f} kW at heat_consumer "
        f"{listed(net.consumer_ids[feeding])} is above load ({q_kw[~feeding].sum():.1f} kW and "
        f"losses): circ_pump_pressure {net.pump_id} would run backwards"
    )


def _low_pressure(net: HeatNet, demand: Demand, columns: HeatColumns, row: int) -> str:
    absolute = columns.p_bar[row] + net.ambient_bar
    if not (absolute < 0.0).any():
        return ""
    worst = int(np.nanargmin(absolute))
    return (
        f"absolute pressure is negative at {int((absolute < 0.0).sum())} junction(s), worst "
        f"{absolute[worst]:.2f} bar at junction {net.junction_ids[worst]}: too little pump head "
        "for this flow"
    )


def _backwards(net: HeatNet, demand: Demand, columns: HeatColumns, row: int) -> str:
    flow = columns.consumer_kg_per_s[row] * np.sign(demand.q_w[row]) * net.sense
    wrong = (flow <= 0.0) & (demand.q_w[row] != 0.0)
    if not wrong.any():
        return ""
    return f"heat_consumer {listed(net.consumer_ids[wrong])} gets no water, or water backwards"


def _temperatures(net: HeatNet, demand: Demand, columns: HeatColumns, row: int) -> str:
    plant = net.plant
    sources = [plant.t_supply_k, plant.t_return_k, plant.ambient_k, *demand.t_out_k[row]]
    sources += net.producers_k.tolist()
    if "heat_exchanger" in net.fittings:  # what leaves one is not given
        sources.append(ZERO_CELSIUS_K)
    low = max(min(sources), ZERO_CELSIUS_K) - TEMPERATURE_SLACK_K
    high = max(sources) + TEMPERATURE_SLACK_K
    t_k = columns.t_k[row]
    stagnant = t_k == plant.ambient_k
    wrong = ((t_k < low) | (t_k > high)) & ~stagnant
    if not wrong.any():
        return ""
    first = int(np.flatnonzero(wrong)[0])
    return (
        f"temperature {kelvin_to_celsius(t_k[first]):.2f} C at junction {net.junction_ids[first]} "
        f"is outside {kelvin_to_celsius(low):.1f} to {kelvin_to_celsius(high):.1f} C, what ground "
        "and sources allow"
    )


def _no_head(net: HeatNet, demand: Demand, columns: HeatColumns, row: int) -> str:
    a, b = net.consumer_ends
    drop = np.where(
        demand.draws(net.sense)[row], columns.p_bar[row, a] - columns.p_bar[row, b], np.inf
    )
    drop = np.where(np.isnan(drop), np.inf, drop)
    worst = int(np.argmin(drop))
    if drop[worst] >= -HOPELESS_HEADS * net.plant.lift_bar:
        return ""
    return (
        f"too little pump head: heat_consumer {net.consumer_ids[worst]} would need "
        f"{net.plant.lift_bar - drop[worst]:.2f} bar, the pump gives {net.plant.lift_bar:.2f} bar"
    )


def why_unsolved(net: HeatNet, demand: Demand, fast: Fast, row: int) -> str:
    """Guess from the last iterate why the batch found no flows."""
    if fast.plant_kg_per_s[row] < 0.0:
        return backwards(net, demand, row)
    short = net.sense * (fast.t_in_k[row] - demand.t_out_k[row])
    drawing = demand.draws(net.sense)[row]
    cold = drawing & (short <= 0.0)
    if cold.any():
        worst = int(np.argmin(np.where(drawing, short, np.inf)))
        return (
            f"no mass flow found: heat_consumer {net.consumer_ids[worst]} is supplied at "
            f"{kelvin_to_celsius(fast.t_in_k[row, worst]):.1f} C, no better than its return"
        )
    return "no mass flows found"


def failures(steps: IntArray, gated: dict[int, str], open_: dict[int, str]) -> list[StepFailure]:
    """Return failures in the order of the steps: not physical, and not converged."""
    entries = [(row, text, True) for row, text in gated.items()]
    entries += [(row, text, False) for row, text in open_.items()]
    return [StepFailure(int(steps[row]), text, ok) for row, text, ok in sorted(entries)]


def listed(ids: IntArray) -> str:
    """Return at most five ids and then how many more there are."""
    text = ", ".join(str(int(i)) for i in ids[:5])
    return text if len(ids) <= 5 else f"{text} and {len(ids) - 5} more"
