"""District heating and cooling networks: pandapipes and a batch kernel with its equations."""

from cosim.grids.heat.adapter import HeatGrid

__all__ = ["HeatGrid"]
