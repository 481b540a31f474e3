"""Small networks with one kind of element each, for the electric adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd

from tests.support.electric import ieee33, three_windings, village

CABLE = "NA2XS2Y 1x240 RM/25 12/20 kV"


def feeder(buses: int = 6, kv: float = 20.0) -> Any:
    """A 20 kV cable with a load at every second bus."""
    net = pp.create_empty_network()
    made = pp.create_buses(net, buses, kv)
    pp.create_ext_grid(net, made[0], vm_pu=1.01)
    for a, b in pairwise(made):
        pp.create_line(net, a, b, 2.0, CABLE)
    for bus in made[1::2]:
        pp.create_load(net, bus, 0.8, 0.2)
    return net


def generators() -> Any:
    """Generators inside a feeder, two with unequal reactive ranges on one bus, one switched off."""
    net = feeder(8)
    pp.create_gen(net, 3, 0.6, vm_pu=1.005)
    pp.create_gen(net, 6, 0.5, vm_pu=1.0, min_q_mvar=-1.0, max_q_mvar=2.0, scaling=0.8)
    pp.create_gen(net, 6, 0.2, vm_pu=1.0, min_q_mvar=-0.5, max_q_mvar=0.5)
    pp.create_gen(net, 5, 0.2, vm_pu=1.03, in_service=False)
    return net


def slack_generators() -> Any:
    """Two slack areas: an external grid with a generator beside it, and a slack generator."""
    net = feeder(8)
    pp.create_gen(net, 0, 0.5, vm_pu=1.01, min_q_mvar=-1.0, max_q_mvar=1.0)
    net.ext_grid["min_q_mvar"], net.ext_grid["max_q_mvar"] = -10.0, 10.0
    pp.create_gen(net, 7, 0.4, vm_pu=1.0, slack=True)
    pp.create_gen(net, 4, 0.3, vm_pu=1.0)
    return net


def only_a_slack_generator() -> Any:
    """No external grid at all: a generator balances."""
    net = feeder(5)
    net.ext_grid = net.ext_grid.iloc[:0]
    pp.create_gen(net, 0, 0.0, vm_pu=1.02, slack=True)
    return net


def weighted_slacks() -> Any:
    """External grids that share a bus by weight, and one elsewhere at another angle."""
    net = feeder(7)
    net.ext_grid.loc[0, "slack_weight"] = 3.0
    pp.create_ext_grid(net, 0, vm_pu=1.01, slack_weight=1.0)
    pp.create_ext_grid(net, 6, vm_pu=1.0, va_degree=0.1)
    return net


def dc_line() -> Any:
    """Two feeders joined by a DC line with losses that holds both voltages."""
    net = feeder(8)
    net.line.loc[3, "in_service"] = False
    pp.create_ext_grid(net, 7, vm_pu=1.0)
    pp.create_dcline(
        net, 3, 4, p_mw=0.6, loss_percent=1.5, loss_mw=0.02, vm_from_pu=1.0, vm_to_pu=1.01
    )
    return net


def wards() -> Any:
    """A ward and an extended ward, each with all three parts."""
    net = feeder()
    pp.create_ward(net, 2, 0.2, 0.05, 0.1, 0.02)
    pp.create_xward(net, 4, 0.1, 0.05, 0.2, 0.05, r_ohm=0.5, x_ohm=2.0, vm_pu=1.0)
    pp.create_xward(net, 3, 0.1, 0.05, 0.2, 0.05, 0.5, 2.0, vm_pu=1.0, in_service=False)
    return net


def impedances() -> Any:
    """A ring closed by an impedance whose two directions differ, a shunt reactor in two steps."""
    net = feeder()
    pp.create_impedance(net, 2, 5, 0.02, 0.06, sn_mva=10.0, rtf_pu=0.025, xtf_pu=0.05)
    pp.create_shunt(net, 4, q_mvar=0.1, p_mw=0.002, step=2)
    return net


def motors_and_storage() -> Any:
    """Everything else that draws constant power."""
    net = feeder()
    pp.create_motor(net, 2, 0.3, 0.85, efficiency_percent=95.0, loading_percent=70.0)
    pp.create_storage(net, 3, p_mw=0.2, max_e_mwh=1.0, q_mvar=0.05)
    pp.create_storage(net, 4, p_mw=-0.3, max_e_mwh=1.0, scaling=0.5)
    return net


def voltage_dependent_loads() -> Any:
    """Loads of constant current, constant impedance, mixed, and different for P and Q."""
    net = feeder(10)
    shares = [(0.0, 0.0, 0.0, 0.0), (100.0, 0, 100.0, 0), (0, 100.0, 0, 100.0), (40, 30, 20, 50)]
    for k, (z_p, i_p, z_q, i_q) in enumerate(shares):
        net.load.loc[k, "const_z_p_percent"], net.load.loc[k, "const_i_p_percent"] = z_p, i_p
        net.load.loc[k, "const_z_q_percent"], net.load.loc[k, "const_i_q_percent"] = z_q, i_q
    return net


def phase_shifter() -> Any:
    """Two parallel transformers, one of them an ideal phase shifter two steps away."""
    net = pp.create_empty_network()
    a, b = pp.create_bus(net, 110.0), pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, a)
    for _ in range(2):
        pp.create_transformer(net, a, b, "25 MVA 110/20 kV")
    net.trafo["tap_changer_type"] = net.trafo["tap_changer_type"].astype(object)
    net.trafo.loc[1, ["tap_step_percent", "tap_step_degree", "tap_pos"]] = [0.0, 1.2, 2]
    net.trafo.loc[1, "tap_changer_type"] = "Ideal"
    pp.create_load(net, b, 20.0, 5.0)
    return net


def tabular_tap() -> Any:
    """A transformer whose ratio, angle and impedance come from a table by tap position."""
    net = pp.create_empty_network()
    a, b = pp.create_bus(net, 110.0), pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, a)
    pp.create_transformer(net, a, b, "25 MVA 110/20 kV", tap_pos=-2)
    steps = np.arange(-2, 3)
    net["trafo_characteristic_table"] = pd.DataFrame(
        {
            "id_characteristic": 0,
            "step": steps,
            "voltage_ratio": 1.0 + 0.02 * steps,
            "angle_deg": 0.4 * steps,
            "vk_percent": 12.0 + 0.1 * steps,
            "vkr_percent": 0.41 + 0.01 * steps,
        }
    )
    net.trafo["id_characteristic_table"] = 0
    net.trafo["tap_changer_type"] = "Tabular"
    net.trafo["tap_dependency_table"] = True
    pp.create_load(net, b, 15.0, 4.0)
    return net


def open_third_winding() -> Any:
    """A three-winding transformer with its low side switched off, and one with all sides."""
    net = three_windings()
    pp.create_load(net, 1, 3.0, 1.0)
    spare = pp.create_bus(net, 10.0)
    pp.create_transformer3w(net, 0, 1, spare, "63/25/38 MVA 110/20/10 kV")
    pp.create_switch(net, spare, 1, "t3", closed=False)
    return net


def switches() -> Any:
    """Every kind of switch, open and closed, and parts that are dead or out of service."""
    net = feeder(10)
    a, b, c = pp.create_buses(net, 3, 20.0)
    pp.create_switch(net, 3, a, "b", closed=True)
    pp.create_switch(net, 3, b, "b", closed=False)
    pp.create_switch(net, 5, c, "b", closed=True, z_ohm=0.2)
    for bus in (a, b, c):
        pp.create_load(net, bus, 0.1, 0.02)
    pp.create_switch(net, 7, 6, "l", closed=False)
    low = pp.create_buses(net, 2, 0.4)
    for bus in low:
        made = pp.create_transformer(net, 4, bus, "0.4 MVA 20/0.4 kV", tap_pos=1)
        pp.create_switch(net, 4, made, "t", closed=bus == low[0])
    pp.create_load(net, low[0], 0.1, 0.01)
    pp.create_load(net, low[1], 0.1, 0.01)
    pp.create_line(net, 1, 6, 3.0, CABLE, in_service=False)
    pp.create_gen(net, b, 0.1, vm_pu=1.0)
    return net


def facts() -> Any:
    """A static var compensator that holds the voltage of its bus."""
    net = feeder()
    pp.create_svc(net, 4, 20.0, -150.0, 1.0, 120.0)
    return net


ZOO: Mapping[str, Callable[[], Any]] = {
    "generators": generators,
    "slack generators": slack_generators,
    "only a slack generator": only_a_slack_generator,
    "weighted slacks": weighted_slacks,
    "dc line": dc_line,
    "wards": wards,
    "impedances": impedances,
    "motors and storage": motors_and_storage,
    "voltage-dependent loads": voltage_dependent_loads,
    "phase shifter": phase_shifter,
    "tabular tap": tabular_tap,
    "open third winding": open_third_winding,
    "switches": switches,
    "village": village,
    "three windings": three_windings,
    "ieee33 meshed": lambda: ieee33(closed_ties=True),
    "facts": facts,
}
