"""Small gas networks and the inputs of an adapter around them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids.gas import GasGrid
from cosim.records import (
    Background,
    ElementSeries,
    Injections,
    NetworkInputs,
    Point,
    Terminal,
    TimeAxis,
    read_only,
)
from cosim.scenario.networks import BackgroundSettings, GasLimits, GasNetwork, HydrogenBlending

LHV = 13.1
KW = LHV * 3600.0


def ring_network() -> Any:
    """Return two meshes with heights, a cut pipe, losses, valves and a branch line, 1 bar."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="hgas")
    heights = (150.0, 148.0, 160.0, 155.0, 140.0, 152.0, 149.0, 171.0)
    for height in heights:
        pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15, height_m=height)
    pp.create_ext_grid(net, 0, p_bar=1.0, t_k=288.15, type="pt")
    lines = (
        (0, 1, 0.4, 100, 1, 0.0),
        (1, 2, 0.3, 80, 3, 1.5),
        (3, 2, 0.5, 80, 1, 0.0),
        (0, 3, 0.6, 100, 2, 2.0),
        (2, 4, 0.2, 65, 1, 0.0),
        (4, 5, 0.3, 50, 1, 0.0),
        (5, 1, 0.25, 65, 1, 0.7),
        (4, 6, 0.1, 50, 1, 0.0),
    )
    for start, end, km, mm, sections, loss in lines:
        pp.create_pipe_from_parameters(
            net, start, end, km, mm, k_mm=0.1, sections=sections, loss_coefficient=loss
        )
    pp.create_valve(net, 6, 7, "ju", 50.0, opened=True, loss_coefficient=0.5)
    pp.create_valve(net, 5, 7, "ju", 50.0, opened=False)
    for junction, mdot in ((2, 0.01), (4, 0.004), (5, 0.006), (7, 0.002)):
        pp.create_sink(net, junction, mdot)
    return net


def line_network(length_km: float = 1.0, diameter_mm: float = 100.0, p_bar: float = 1.0) -> Any:
    """Return one pipe from an external grid at junction 0 to junction 1."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="hgas")
    pp.create_junctions(net, 2, pn_bar=p_bar, tfluid_k=283.15)
    pp.create_ext_grid(net, 0, p_bar=p_bar, t_k=283.15)
    pp.create_pipe_from_parameters(net, 0, 1, length_km, diameter_mm, k_mm=0.1)
    return net


def plain(net: Any, model: str, **options: Any) -> Any:
    """Run pandapipes by itself and return the network."""
    import pandapipes as pp

    chosen = {"max_iter_hyd": 100, "tol_p": 1e-9, "tol_m": 1e-9, "use_numba": False, **options}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        pp.pipeflow(net, friction_model=model, **chosen)
    return net


def build(
    net: Any,
    folder: Path,
    terminals: Sequence[Terminal] = (),
    *,
    steps: int = 1,
    series: Sequence[ElementSeries] = (),
    unlisted: str = "nominal",
    model: str = "swamee-jain",
    limits: GasLimits | None = None,
    hydrogen: HydrogenBlending | None = None,
    pump_bus: int | None = None,
) -> GasGrid:
    """Write a network to a file and return the adapter around it."""
    import pandapipes as pp

    path = folder / "gas.json"
    pp.to_json(net, str(path))
    settings = GasNetwork(
        kind="gas",
        file=path.name,
        friction_model=model,
        lhv_kwh_per_kg=LHV,
        background=BackgroundSettings(unlisted=unlisted),
        limits=limits or GasLimits(),
        hydrogen=hydrogen,
        pump_bus=pump_bus,
    )
    index = pd.date_range("2024-01-15", periods=steps, freq="15min", tz="Europe/Berlin")
    inputs = NetworkInputs(
        name="gas",
        kind="gas",
        file=path,
        time=TimeAxis(index, 0.25),
        terminals=tuple(terminals),
        background=Background(tuple(series)),
        settings=settings,
    )
    return GasGrid(inputs)


def inject(grid: GasGrid, p_kw: Any, steps: Sequence[int] | None = None) -> Injections:
    """Return injections in kW at the given steps, shape (T, n)."""
    values = np.atleast_2d(np.asarray(p_kw, dtype=float))
    names = tuple(t.name for t in grid.inputs.terminals)
    if not names:
        values = np.zeros((len(grid.inputs.time), 0))
    chosen = np.arange(values.shape[0]) if steps is None else np.asarray(steps)
    return Injections(
        "gas", read_only(chosen, np.int64), names, read_only(values), read_only(0.0 * values)
    )


def hydrogen_at(name: str, *junctions: int) -> Terminal:
    """Return a terminal that feeds hydrogen in, spread evenly over junctions."""
    points = tuple(Point(j, 1.0 / len(junctions)) for j in junctions)
    return Terminal(f"hydrogen:{name}", points, carrier="hydrogen")


def at(name: str, *junctions: int) -> Terminal:
    """Return a terminal that spreads evenly over junctions."""
    return Terminal(name, tuple(Point(j, 1.0 / len(junctions)) for j in junctions))
