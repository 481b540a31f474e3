"""power-grid-model's batch power flow on a pandapower network, for comparison only."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

STRONG_VA = 1e20
"""Short-circuit power of the source: its voltage does not give way, as in pandapower."""


class GridModelBatch:
    """A network whose loads follow given factors, everything else constant.

    Only constant-power loads; transformers are pi circuits on both sides of the comparison.
    """

    def __init__(self, net: Any) -> None:
        from power_grid_model import PowerGridModel
        from power_grid_model_io.converters import PandaPowerConverter

        own = copy.deepcopy(net)
        odd = (own.trafo["shift_degree"] / 30.0).round() % 2 == 1
        own.trafo["vector_group"] = np.where(odd, "Dyn", "YNyn")
        own.ext_grid["s_sc_max_mva"], own.ext_grid["rx_max"] = STRONG_VA / 1e6, 0.1
        data, _ = PandaPowerConverter(trafo_loading="current").load_input_data(own)
        data["source"]["sk"] = STRONG_VA
        self._model = PowerGridModel(data, system_frequency=own.f_hz)
        loads = data["sym_load"]
        # a pandapower load becomes three, by how they follow the voltage: 0 is constant power
        constant = np.flatnonzero(loads["type"] == 0)
        self._ids = loads["id"][constant]
        self._p_w, self._q_var = (loads[c][constant] for c in ("p_specified", "q_specified"))

    def solve(self, factor: np.ndarray, method: str) -> Any:
        """Return all results of nodes, lines, transformers and sources, on one core.

        Args:
            factor: on every load, shape (T, n).
            method: `newton_raphson` or `iterative_current`.
        """
        from power_grid_model import CalculationMethod, initialize_array

        update = initialize_array("update", "sym_load", factor.shape)
        update["id"] = self._ids
        update["p_specified"] = self._p_w * factor
        update["q_specified"] = self._q_var * factor
        return self._model.calculate_power_flow(
            symmetric=True,
            error_tolerance=1e-8,
            calculation_method=CalculationMethod[method],
            update_data={"sym_load": update},
            threading=-1,
            output_component_types=["node", "line", "transformer", "source"],
        )
