"""Electric networks: pandapower, and a batch kernel with its equations."""

from cosim.grids.electric.adapter import ElectricGrid

__all__ = ["ElectricGrid"]
