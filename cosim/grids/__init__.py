"""Network adapters: the only room that imports pandapower and pandapipes, and only when needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cosim.grids.base import Engine, Grid
from cosim.records import NetworkInputs

__all__ = ["Engine", "Grid", "build_grid", "build_grids"]


def build_grid(inputs: NetworkInputs) -> Grid:
    """Return the adapter for one network.

    Raises:
        GridError: if the network file holds something the adapter cannot represent.
    """
    makers: dict[str, Callable[[NetworkInputs], Grid]] = {
        "electric": _electric,
        "heat": _heat,
        "cooling": _heat,
        "gas": _gas,
    }
    return makers[inputs.kind](inputs)


def build_grids(networks: Mapping[str, NetworkInputs]) -> dict[str, Grid]:
    """Return one adapter per network of a scenario."""
    return {name: build_grid(inputs) for name, inputs in networks.items()}


def _electric(inputs: NetworkInputs) -> Grid:
    from cosim.grids.electric import ElectricGrid

    return ElectricGrid(inputs)


def _heat(inputs: NetworkInputs) -> Grid:
    from cosim.grids.heat import HeatGrid

    return HeatGrid(inputs)


def _gas(inputs: NetworkInputs) -> Grid:
    from cosim.grids.gas import GasGrid

    return GasGrid(inputs)
