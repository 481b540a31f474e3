"""What every network adapter promises, and what the adapters share."""

from __future__ import annotations

from typing import Literal, Protocol

import pandas as pd

from cosim.records import (
    GridStates,
    Injections,
    Limit,
    NetworkInputs,
    Sensitivities,
    Target,
)

Engine = Literal["fast", "reference"]


class Grid(Protocol):
    """A network behind one face: verify, linearise, and write down what was done.

    Adapters hold only data that never changes after construction; every call returns fresh
    frozen records.
    """

    @property
    def inputs(self) -> NetworkInputs:
        """The resolved description that the adapter was built from."""
        ...

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Every limit that `cosim.grids.limits.check` holds the states against."""
        ...

    def verify(self, injections: Injections, engine: Engine = "fast") -> GridStates:
        """Evaluate the full nonlinear physics at every step of `injections`.

        Background is added by the adapter. `reference` is pandapower or pandapipes itself;
        `fast` is a batch kernel that hands steps it cannot do to the reference and says so.
        Steps without a physical solution are listed as failures, never raised.
        """
        ...

    def linearise(self, states: GridStates, targets: tuple[Target, ...]) -> Sensitivities:
        """Return first-order sensitivities to every terminal at the states' steps."""
        ...

    def setpoints_frame(self, injections: Injections) -> pd.DataFrame:
        """Return what is put into the network, background included.

        Columns time, element, id, quantity, value: table, index and column names of pandapower /
        pandapipes, so that anyone can write the values into the network and re-run it.
        """
        ...

    def states_frame(self, states: GridStates) -> pd.DataFrame:
        """Return results in the same columns (result tables without the `res_` prefix)."""
        ...

    def network_json(self, injections: Injections) -> str:
        """Return the network with the profiles attached, as its own package reads it.

        Opened with the plain package, its own `run_timeseries` reproduces the states.
        """
        ...
