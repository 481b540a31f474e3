"""Gas distribution networks: pandapipes and a batch kernel with its equations."""

from cosim.grids.gas.adapter import GasGrid

__all__ = ["GasGrid"]
