"""Batch verification of electric networks against pandapower itself, in one process.

Processor time instead of wall time, so that other work on the machine does not decide a ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pytest
from pandapower.timeseries import OutputWriter
from pandapower.timeseries.run_time_series import run_timeseries

from cosim.grids.electric import ElectricGrid
from cosim.records import GridStates, Injections, Target
from tests.support.electric import build, injections, oberrhein, spread

pytestmark = pytest.mark.benchmark
TOWN = Path(__file__).parents[2] / "networks" / "schutterwald" / "electric.json"
STEPS = 96
LOOP_STEPS = 8


def town() -> Any:
    """2,952 buses, 14 low-voltage areas behind two medium-voltage feeders."""
    return pp.from_json(str(TOWN))


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Return the median processor time of a call, after one that warms up."""
    call()
    spent = []
    for _ in range(repeats):
        begin = process_time()
        call()
        spent.append(process_time() - begin)
    return median(spent)


def prepared(net: Any, folder: Path, steps: int) -> tuple[ElectricGrid, Injections]:
    rng = np.random.default_rng(5)
    day = 0.55 + 0.45 * np.sin(np.linspace(0.0, 2.0 * np.pi, steps))
    grid = build(net, folder, spread(net, 12), day, steps)
    size = (steps, len(grid.inputs.terminals))
    return grid, injections(grid, rng.normal(size=size) * 10.0, rng.normal(size=size))


@pytest.mark.parametrize("make_net", [town, oberrhein])
def test_batch_against_a_loop_of_power_flows(make_net: Callable[[], Any], tmp_path: Path) -> None:
    """At least 10 times faster on the town's 96 steps, with the same voltages."""
    grid, entry = prepared(make_net(), tmp_path, STEPS)
    net = pp.from_json_string(grid.network_json(entry))
    sources = net.controller["object"].tolist()
    voltage = np.empty((LOOP_STEPS, len(net.bus)))

    def loop() -> None:
        for step in range(LOOP_STEPS):
            for control in sources:
                control.time_step(net, step)
                control.control_step(net)
            pp.runpp(net)
            voltage[step] = net.res_bus["vm_pu"]

    plain = seconds(loop, 3) / LOOP_STEPS
    batch = seconds(lambda: grid.verify(entry)) / STEPS
    reference = seconds(lambda: grid.verify(entry, "reference"), 1) / STEPS
    print(
        f"{make_net.__name__}: runpp {plain * 1e3:.1f} ms, reference engine "
        f"{reference * 1e3:.1f} ms, batch {batch * 1e3:.3f} ms a step: "
        f"{plain / batch:.0f} x and {reference / batch:.0f} x"
    )
    states = grid.verify(entry)
    assert states.failures == ()
    field = states.get("bus", "vm_pu")
    where = net.bus.index.get_indexer(field.ids)
    assert np.abs(field.values[:LOOP_STEPS] - voltage[:, where]).max() < 1e-7
    assert plain / batch >= 10.0


def test_batch_against_run_timeseries(tmp_path: Path) -> None:
    """At least 50 times faster on a medium-voltage network of 179 buses."""
    few, many = 60, 5000
    grid, entry = prepared(oberrhein(), tmp_path, many)
    net = pp.from_json_string(grid.network_json(entry))
    writer = OutputWriter(net, range(few), log_variables=[("res_bus", "vm_pu")])
    writer.log_variable("res_line", "loading_percent")
    own = seconds(lambda: run_timeseries(net, range(few), verbose=False), 3) / few
    batch = seconds(lambda: grid.verify(entry), 3) / many
    print(f"run_timeseries {own * 1e3:.2f} ms, batch {batch * 1e3:.4f} ms: {own / batch:.0f} x")
    logged = writer.output["res_bus.vm_pu"]
    field = grid.verify(entry).get("bus", "vm_pu")
    logged.columns = logged.columns.astype(int)
    difference = np.abs(field.values[:few] - logged[field.ids].to_numpy(float))
    assert difference.max() < 1e-7
    assert own / batch >= 50.0


def test_sensitivities_cost_less_than_three_power_flows(tmp_path: Path) -> None:
    """Losses of every step and twelve targets a step, against one pandapower power flow a step."""
    grid, entry = prepared(town(), tmp_path, STEPS)
    states = grid.verify(entry)
    voltage = states.get("bus", "vm_pu")
    targets = tuple(
        Target("voltage_min", "bus", "vm_pu", int(voltage.ids[k]), step)
        for step in range(STEPS)
        for k in np.argsort(voltage.values[step])[:12]
    )
    net = pp.from_json_string(grid.network_json(entry))
    flow = seconds(lambda: pp.runpp(net), 5)
    losses = seconds(lambda: grid.linearise(states, ()), 3) / STEPS
    everything = seconds(lambda: grid.linearise(states, targets), 3) / STEPS
    print(
        f"runpp {flow * 1e3:.1f} ms a step; loss gradient {losses * 1e3:.2f} ms, with 12 targets "
        f"{everything * 1e3:.2f} ms: {everything / flow:.2f} of a power flow"
    )
    assert everything <= 3.0 * flow


def stressed_transmission() -> Any:
    """IEEE 118 buses: 53 generators, so that Newton's method does the work."""
    return pn.case118()


@pytest.mark.parametrize(
    ("make_net", "part"), [(oberrhein, 10), (stressed_transmission, 10), (town, 20)]
)
def test_all_violated_elements_against_the_power_flow_of_their_step(
    make_net: Callable[[], Any], part: int, tmp_path: Path
) -> None:
    """All violations of a step cost at most three of pandapower's power flows of that step.

    Taken as violated: one in `part` of all buses and of all lines, the worst of every step.
    """
    grid, entry = prepared(make_net(), tmp_path, STEPS)
    states = grid.verify(entry)
    targets = worst_of(states, part)
    assert len(targets) >= 8 * STEPS
    net = pp.from_json_string(grid.network_json(entry))
    flow = seconds(lambda: pp.runpp(net, tolerance_mva=1e-8), 5)
    own_flow = seconds(lambda: grid.verify(entry), 3) / STEPS
    all_rows = seconds(lambda: grid.linearise(states, targets), 3) / STEPS
    found = grid.linearise(states, targets)
    assert np.isfinite(found.d_dp_per_kw).all()
    print(
        f"{make_net.__name__}: {len(targets) / STEPS:.0f} violations a step in "
        f"{all_rows * 1e3:.2f} ms: {all_rows / flow:.2f} of runpp ({flow * 1e3:.1f} ms), "
        f"{all_rows / own_flow:.0f} of the batch's own power flow ({own_flow * 1e3:.3f} ms)"
    )
    assert all_rows <= 3.0 * flow


def worst_of(states: GridStates, part: int) -> tuple[Target, ...]:
    """Return the lowest voltages and the highest loadings of every step, one in `part` of all."""
    found = []
    for name, element, quantity, sign in (
        ("voltage_min", "bus", "vm_pu", 1.0),
        ("line_loading_max", "line", "loading_percent", -1.0),
    ):
        column = states.get(element, quantity)
        for step, values in enumerate(column.values):
            worst = np.argsort(sign * values)[: column.ids.size // part]
            found += [Target(name, element, quantity, int(column.ids[k]), step) for k in worst]
    return tuple(found)
