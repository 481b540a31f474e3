"""A year of quarter-hours on networks of the size of a village or a town's medium voltage.

Ratios within one process, on processor time; the year is computed in twelve blocks, as windows do,
so that memory does not grow with the year.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pytest
from pandapower.timeseries import OutputWriter, run_timeseries

from cosim.grids.electric import ElectricGrid
from cosim.records import (
    Background,
    ElementSeries,
    GridStates,
    Injections,
    NetworkInputs,
    read_only,
)
from cosim.scenario.networks import ElectricNetwork
from tests.support.electric import axis, oberrhein
from tests.support.pgm import GridModelBatch

pytestmark = pytest.mark.benchmark

YEAR, BLOCKS, SAMPLE = 35_040, 12, 96


def simbench_net(code: str) -> Any:
    """Return a SimBench network, its gaps filled, as pandapower 3.3 needs it."""
    simbench = pytest.importorskip("simbench")
    net = simbench.get_simbench_net(code)
    for extra in ("profiles", "loadcases"):
        net.pop(extra, None)
    for column in net.load.filter(like="const_"):
        net.load[column] = net.load[column].fillna(0.0)
    net.trafo["tap_changer_type"] = "Ratio"
    return net


NETWORKS: Mapping[str, Callable[[], Any]] = {
    "lv, kerber dorfnetz": pn.create_kerber_dorfnetz,
    "mv, oberrhein": oberrhein,
    "lv, simbench rural 2": lambda: simbench_net("1-LV-rural2--0-sw"),
    "lv, simbench semi-urban 5": lambda: simbench_net("1-LV-semiurb5--0-sw"),
    "mv, simbench rural": lambda: simbench_net("1-MV-rural--0-sw"),
    "mv, simbench urban": lambda: simbench_net("1-MV-urban--0-sw"),
}


def loads_only(net: Any) -> Any:
    """Return the network with loads as only customers and pi transformers."""
    for table in ("sgen", "storage"):
        net[table] = net[table].iloc[:0]
    net.load = net.load[net.load["in_service"]]
    # power-grid-model clips the no-load current to at least what the iron losses need
    least = 100.0 * net.trafo["pfe_kw"] / 1e3 / net.trafo["sn_mva"]
    net.trafo["i0_percent"] = np.maximum(net.trafo["i0_percent"], 1.001 * least)
    pp.set_user_pf_options(net, overwrite=True, trafo_model="pi")
    return net


def factors(net: Any) -> np.ndarray:
    """Return a factor per quarter-hour and load: a day, a year, and chance."""
    rng = np.random.default_rng(7)
    hour = np.arange(YEAR) / 4.0
    day = 0.5 - 0.3 * np.cos(2.0 * np.pi * hour / 24.0)
    season = 1.0 + 0.3 * np.cos(2.0 * np.pi * hour / 8760.0)
    return (day * season)[:, None] * rng.uniform(0.2, 1.2, (YEAR, len(net.load)))


def prepared(net: Any, factor: np.ndarray, folder: Path) -> ElectricGrid:
    file = folder / "electric.json"
    pp.to_json(net, str(file))
    scale = -1e3 * net.load["scaling"].to_numpy()
    p, q = (net.load[c].to_numpy() * scale for c in ("p_mw", "q_mvar"))
    ids = read_only(net.load.index, np.int64)
    series = ElementSeries("load", ids, read_only(factor * p), read_only(factor * q))
    settings = ElectricNetwork(kind="electric", file=file.name)
    background = Background((series,))
    return ElectricGrid(
        NetworkInputs("electric", "electric", file, axis(YEAR), (), background, settings)
    )


def verify(grid: ElectricGrid, steps: np.ndarray) -> GridStates:
    nothing = read_only(np.zeros((steps.size, 0)))
    return grid.verify(Injections("electric", read_only(steps, np.int64), (), nothing, nothing))


def spent(call: Callable[[], Any]) -> tuple[float, Any]:
    begin = process_time()
    result = call()
    return process_time() - begin, result


@pytest.mark.parametrize("name", NETWORKS)
def test_a_year_against_run_timeseries_and_power_grid_model(name: str, tmp_path: Path) -> None:
    """At least 50 times run_timeseries, and no slower than 1.5 times power-grid-model's batch."""
    pytest.importorskip("power_grid_model_io")
    net = loads_only(NETWORKS[name]())
    factor = factors(net)
    grid = prepared(net, factor, tmp_path)
    other = GridModelBatch(net)
    blocks = np.array_split(np.arange(YEAR), BLOCKS)
    verify(grid, blocks[0])
    tried = {
        method: spent(lambda m=method: other.solve(factor[blocks[0]], m))[0]
        for method in ("newton_raphson", "iterative_current")
    }
    method = min(tried, key=lambda m: tried[m])
    ours, theirs, off = [], [], 0.0
    for rows in blocks:
        seconds, states = spent(lambda r=rows: verify(grid, r))
        ours.append(seconds / rows.size)
        seconds, result = spent(lambda r=rows: other.solve(factor[r], method))
        theirs.append(seconds / rows.size)
        assert states.failures == ()
        assert states.engine == "cosim batch"
        off = max(off, apart(states, net, result))
    loop, plain_off = timeseries(grid, verify(grid, blocks[0][:SAMPLE]))
    step, model = median(ours), median(theirs)
    print(
        f"{name}, {len(net.bus)} buses, {YEAR} steps: {sum(ours) * YEAR / BLOCKS:.2f} s; "
        f"run_timeseries scaled from {SAMPLE} steps {loop * YEAR:.0f} s: {loop / step:.0f} x; "
        f"power-grid-model ({method}) {sum(theirs) * YEAR / BLOCKS:.2f} s: {model / step:.1f} x; "
        f"voltages {plain_off:.0e} and {off:.0e} pu apart"
    )
    assert plain_off < 1e-7
    assert off < 1e-6
    assert loop / step >= 50.0
    assert step <= 1.5 * model


def timeseries(grid: ElectricGrid, states: GridStates) -> tuple[float, float]:
    """Return seconds a step of pandapower's own loop, and how far voltages are apart."""
    net = pp.from_json_string(grid.network_json(states.injections))
    writer = OutputWriter(net, range(SAMPLE), log_variables=[("res_bus", "vm_pu")])
    writer.log_variable("res_line", "loading_percent")
    seconds = [
        spent(lambda: run_timeseries(net, range(SAMPLE), verbose=False))[0] for _ in range(3)
    ]
    logged = writer.output["res_bus.vm_pu"]
    logged.columns = logged.columns.astype(int)
    field = states.get("bus", "vm_pu")
    off = np.abs(field.values - logged[field.ids].to_numpy(dtype=float)).max()
    return median(seconds) / SAMPLE, float(off)


def apart(states: GridStates, net: Any, result: Any) -> float:
    """Return the largest difference of voltages; nodes of power-grid-model come in bus order."""
    field = states.get("bus", "vm_pu")
    place = net.bus.index.get_indexer(field.ids)
    return float(np.abs(result["node"]["u_pu"][:, place] - field.values).max())
