"""District-heat networks of any size and the inputs of an adapter around them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cosim.grids.heat import HeatGrid
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
from cosim.scenario.networks import HeatNetwork

GROUND_K = 283.15


def tree_network(
    consumers: int, seed: int = 0, reverse: float = 0.15, loss: bool = True, hills: bool = True
) -> Any:
    """Return supply and return trees with service pipes, some of them drawn against the flow.

    Args:
        consumers: 10-40 kW each.
        seed: of layout, lengths, heights and loads.
        reverse: share of pipes whose from junction is downstream.
        loss: give every other pipe a loss coefficient.
        hills: give junctions heights.
    """
    import pandapipes as pp

    rng = np.random.default_rng(seed)
    net = pp.create_empty_network(fluid="water")
    trunk = max(2, int(0.8 * consumers))
    parent = [-1] + [int(rng.integers(max(0, i - 4), i)) for i in range(1, trunk)]
    height = rng.uniform(140.0, 160.0, trunk) if hills else np.zeros(trunk)
    behind = np.ones(trunk)
    for i in range(trunk - 1, 0, -1):
        behind[parent[i]] += behind[i]

    def junctions(height_m: float) -> tuple[int, int]:
        return (
            int(pp.create_junction(net, pn_bar=6.0, tfluid_k=353.15, height_m=height_m)),
            int(pp.create_junction(net, pn_bar=4.0, tfluid_k=323.15, height_m=height_m)),
        )

    def pipe(a: int, b: int, length_km: float, inner_mm: float) -> None:
        ends = (b, a) if rng.random() < reverse else (a, b)
        pp.create_pipe_from_parameters(
            net,
            *ends,
            length_km=length_km,
            inner_diameter_mm=inner_mm,
            outer_diameter_mm=inner_mm + 8.0,
            k_mm=0.05,
            loss_coefficient=1.5 if loss and rng.random() < 0.5 else 0.0,
            u_w_per_m2k=0.25 / (np.pi * (inner_mm + 8.0) / 1e3),
            text_k=GROUND_K,
        )

    ends = [junctions(h) for h in height]
    for i in range(1, trunk):
        length_km, inner_mm = rng.uniform(0.03, 0.1), 30.0 + 25.0 * np.sqrt(behind[i])
        for side in (0, 1):
            pipe(ends[parent[i]][side], ends[i][side], length_km, inner_mm)
    for c in range(consumers):
        i = c + 1 if c + 1 < trunk else int(rng.integers(1, trunk))
        house = junctions(height[i] + 1.0)
        length_km = rng.uniform(0.01, 0.03)
        for side in (0, 1):
            pipe(ends[i][side], house[side], length_km, 27.0)
        heat_w = float(rng.uniform(10e3, 40e3))
        pp.create_heat_consumer(net, *house, qext_w=heat_w, treturn_k=323.15)
    pp.create_circ_pump_const_pressure(
        net, ends[0][1], ends[0][0], p_flow_bar=7.0, plift_bar=4.0, t_flow_k=353.15, type="pt"
    )
    return net


def street(length_m: float = 1000.0, inner_mm: float = 100.0, u_w_per_m2k: float = 0.0) -> Any:
    """Return plant, one supply and one return pipe, and one consumer, all level."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="water")
    s0, s1, r0, r1 = (int(pp.create_junction(net, 5.0, 353.15)) for _ in range(4))
    for a, b in ((s0, s1), (r1, r0)):
        pp.create_pipe_from_parameters(
            net, a, b, length_m / 1e3, inner_mm, k_mm=0.1, u_w_per_m2k=u_w_per_m2k, text_k=GROUND_K
        )
    pp.create_heat_consumer(net, s1, r1, qext_w=1e5, treturn_k=323.15)
    pp.create_circ_pump_const_pressure(
        net, r0, s0, p_flow_bar=7.0, plift_bar=4.0, t_flow_k=353.15, type="pt"
    )
    return net


def at(name: str, id_: int, feed_c: float | None = None) -> Terminal:
    """Return a terminal that takes the place of one heat consumer."""
    return Terminal(name, (Point(id_, 1.0),), feed_temperature_c=feed_c)


def build(
    net: Any,
    folder: Path,
    terminals: Sequence[Terminal] = (),
    background_kw: np.ndarray | None = None,
    steps: int = 4,
    settings: dict[str, Any] | None = None,
) -> HeatGrid:
    """Write the network to a file and return an adapter around it.

    Args:
        net: pandapipes network.
        folder: where to write.
        terminals: participants.
        background_kw: heat drawn by every other consumer, shape (steps, others) or (others,); the
            heat of the file if missing.
        steps: length of the scenario.
        settings: fields of the network's section.
    """
    import pandapipes as pp

    kind: Literal["heat", "cooling"] = (settings or {}).get("kind", "heat")
    file = folder / "heat.json"
    pp.to_json(net, str(file))
    taken = {point.id for terminal in terminals for point in terminal.points}
    others = net.heat_consumer[~net.heat_consumer.index.isin(taken)]
    drawn = others["qext_w"].abs().to_numpy() / 1e3 if background_kw is None else background_kw
    drawn = np.broadcast_to(drawn, (steps, len(others)))
    series = ElementSeries(
        "heat_consumer",
        read_only(others.index, np.int64),
        read_only(-drawn),
        read_only(0.0 * drawn),
    )
    index = pd.date_range("2024-01-10", periods=steps, freq="15min", tz="Europe/Berlin")
    inputs = NetworkInputs(
        name="heat",
        kind=kind,
        file=file,
        time=TimeAxis(index, 0.25),
        terminals=tuple(terminals),
        background=Background((series,)),
        settings=HeatNetwork.model_validate(
            {"kind": "heat", "file": "heat.json", **(settings or {})}
        ),
    )
    return HeatGrid(inputs)


def inject(grid: HeatGrid, p_kw: Any) -> Injections:
    """Return injections over the first steps, p_kw of shape (T, n)."""
    values = np.atleast_2d(np.asarray(p_kw, dtype=float))
    values = values.reshape(len(values), len(grid.inputs.terminals))
    return Injections(
        grid="heat",
        steps=read_only(np.arange(len(values)), np.int64),
        terminals=tuple(terminal.name for terminal in grid.inputs.terminals),
        p_kw=read_only(values),
        q_kvar=read_only(np.zeros_like(values)),
    )


def run(net: Any, **options: Any) -> bool:
    """Run plain pandapipes without its messages; return whether it converged."""
    import pandapipes as pp
    from pandapipes.pf.pipeflow_setup import PipeflowNotConverged

    logger = logging.getLogger("pandapipes")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            pp.pipeflow(net, **options)
    except PipeflowNotConverged:
        return False
    finally:
        logger.setLevel(level)
    return True
