"""Result columns of a district-heat network, from the batch or from pandapipes.

Derived columns, which pandapipes does not have:

- `heat_consumer.dp_bar`: `p_from - p_to`, NaN unless heat is drawn.
- `heat_consumer.supply_temperature_c`: at the inlet, NaN unless heat is drawn.
- `pipe.speed_m_per_s`: amount of the velocity.
- `circ_pump_pressure.heat_kw`, `.pump_kw`, `.return_temperature_c`: what the plant delivers, the
  electricity of its pump, and what comes back (NaN while the pump stands still).
- `circ_pump_pressure.heat_beside_feed_in_kw`: `heat_kw` where somebody feeds in, NaN elsewhere.
- `circ_pump_mass.heat_kw`, `.pump_kw`: the same for producers of given flow.

Heat exchangers of the file count as customers, all circulation pumps together as the plant. A
plant that would run backwards is a state on paper: it cools what comes from the supply line to the
return temperature, and its pump needs nothing.
"""

from __future__ import annotations

import numpy as np

from cosim.grids.heat.columns import HeatColumns
from cosim.grids.heat.demand import Demand
from cosim.grids.heat.energy import Balance, drop_bar
from cosim.grids.heat.forest import NO_FLOW_KG_PER_S
from cosim.grids.heat.net import HeatNet
from cosim.records import StateField, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.units import celsius_to_kelvin

DERIVED = frozenset(
    {
        ("heat_consumer", "dp_bar"),
        ("heat_consumer", "supply_temperature_c"),
        ("pipe", "speed_m_per_s"),
        ("circ_pump_pressure", "heat_kw"),
        ("circ_pump_pressure", "heat_beside_feed_in_kw"),
        ("circ_pump_pressure", "pump_kw"),
        ("circ_pump_pressure", "return_temperature_c"),
        ("circ_pump_mass", "heat_kw"),
        ("circ_pump_mass", "pump_kw"),
    }
)


def state_fields(
    net: HeatNet, demand: Demand, columns: HeatColumns, energy: Balance
) -> tuple[StateField, ...]:
    """Return all result columns as records."""
    blocks = {
        "junction": {"p_bar": columns.p_bar, "t_k": columns.t_k},
        "pipe": {
            **_ends(columns, net.pipe_ends, columns.pipe_kg_per_s),
            "mdot_from_kg_per_s": columns.pipe_kg_per_s,
            "v_mean_m_per_s": columns.pipe_m_per_s,
            "speed_m_per_s": np.abs(columns.pipe_m_per_s),
        },
        "heat_consumer": _consumer_block(net, demand, columns),
        "circ_pump_pressure": _pump_block(net, demand, columns, energy),
    }
    for table, fitting in net.fittings.items():
        blocks[table] = {
            **_ends(columns, fitting.ends, columns.fitting_kg_per_s[:, fitting.place]),
            "mdot_from_kg_per_s": columns.fitting_kg_per_s[:, fitting.place],
        }
    if "circ_pump_mass" in blocks:
        blocks["circ_pump_mass"]["heat_kw"] = energy.mass_heat_kw
        blocks["circ_pump_mass"]["pump_kw"] = energy.mass_pump_kw
    return tuple(
        StateField(element, quantity, net.ids(element), read_only(values))
        for element, block in blocks.items()
        for quantity, values in block.items()
    )


def _consumer_block(net: HeatNet, demand: Demand, columns: HeatColumns) -> dict[str, FloatArray]:
    drawing = demand.draws(net.sense)
    inlet_c = columns.t_k[:, net.consumer_ends[0]] - celsius_to_kelvin(0.0)
    return {
        **_ends(columns, net.consumer_ends, columns.consumer_kg_per_s),
        "t_outlet_k": columns.outlet_k,
        "mdot_from_kg_per_s": columns.consumer_kg_per_s,
        "qext_w": np.where(columns.solved[:, None], demand.q_w, np.nan),
        "dp_bar": np.where(drawing, drop_bar(net, columns), np.nan),
        "supply_temperature_c": np.where(drawing, inlet_c, np.nan),
    }


def _pump_block(
    net: HeatNet, demand: Demand, columns: HeatColumns, energy: Balance
) -> dict[str, FloatArray]:
    back_c = columns.t_k[:, net.pump_ends[0]] - celsius_to_kelvin(0.0)
    running = columns.pump_kg_per_s > NO_FLOW_KG_PER_S
    fed = np.any(demand.feeds(net.sense), axis=1, keepdims=True)
    return {
        **_ends(columns, net.pump_ends, columns.pump_kg_per_s),
        "mdot_from_kg_per_s": columns.pump_kg_per_s,
        "qext_w": columns.pump_w,
        "heat_kw": energy.heat_kw,
        "heat_beside_feed_in_kw": np.where(fed, energy.heat_kw, np.nan),
        "pump_kw": energy.pump_kw,
        "return_temperature_c": np.where(running, back_c, np.nan),
    }


def _ends(columns: HeatColumns, ends: IntArray, flow: FloatArray) -> dict[str, FloatArray]:
    """Return pressure and temperature of the junctions at both ends of the branches in use."""
    unused = np.where(np.isfinite(flow), 0.0, np.nan)
    return {
        "p_from_bar": columns.p_bar[:, ends[0]] + unused,
        "p_to_bar": columns.p_bar[:, ends[1]] + unused,
        "t_from_k": columns.t_k[:, ends[0]] + unused,
        "t_to_k": columns.t_k[:, ends[1]] + unused,
    }
