"""What the market decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from cosim.records.feedback import CutKey
from cosim.records.network import Injections
from cosim.records.time import FloatArray, TimeAxis

CostTable = pd.DataFrame
"""Index `participant`, columns cost components in the scenario's currency, `total` last.

Costs are positive, income negative. The row `network` is the network account: losses and pump
electricity. The row `system_operator` holds the operator's own costs and its fee income.
"""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A network without any participant: what background customers cause alone.

    Attributes:
        grid: network name.
        drawn_kw: power drawn by background customers, shape (T,).
        loss_kw: network losses, shape (T,).
        auxiliary_kw: pump electricity, shape (T,).
    """

    grid: str
    drawn_kw: FloatArray
    loss_kw: FloatArray
    auxiliary_kw: FloatArray


@dataclass(frozen=True, slots=True)
class NetworkDuals:
    """Marginal values, per kWh, from the market with binaries fixed.

    Attributes:
        energy: pool price per carrier, shape (T,).
        nodal: value of one more kWh injected by a terminal, per grid, shape (T, n), split into
            energy, loss and congestion.
        cuts: dual of each kept cut, currency per unit of the limit and step.
    """

    energy: Mapping[str, FloatArray]
    loss: Mapping[str, FloatArray]
    congestion: Mapping[str, FloatArray]
    cuts: Mapping[CutKey, float]


def no_contracts() -> pd.DataFrame:
    """Return an empty table of bilateral contracts."""
    kinds = {"time": "datetime64[ns, UTC]", "carrier": "object", "from": "object", "to": "object"}
    columns = {name: pd.Series(dtype=kind) for name, kind in kinds.items()}
    return pd.DataFrame({**columns, "kw": pd.Series(dtype="float64")})


@dataclass(frozen=True, slots=True)
class Schedule:
    """A solved market.

    Attributes:
        time: the scenario's axis.
        members: participants who shared in this solution.
        table: long, columns time, participant, device, carrier, quantity, value.
        injections: per network, over the whole axis.
        costs: see `CostTable`.
        cost: sum over all parties, in currency, without penalties for unmet limits.
        bound: proven lower bound on the market problem's cost.
        gap: relative difference between the two.
        optimal: false where the time limit ended the search.
        unmet: slack of each cut that could not be met, in kW at its strongest terminal.
        network_demand_kw: losses and pump power charged to the community per carrier, shape (T,).
        duals: marginal values, where they were asked for.
        bilateral: contracts of carriers with `form: bilateral`, one row per pair and step with a
            delivery: time, carrier, from, to (participants), kw above 0. Empty without any.
        co2_kg: emissions, index participant, columns sources, `total` and, where allowances are
            traded, `quota`.
        seconds: build, hand-over and solve times.
        solution: the solver's column values, opaque; a start or a fixed part for later solves.
    """

    time: TimeAxis
    members: frozenset[str]
    table: pd.DataFrame
    injections: Mapping[str, Injections]
    costs: CostTable
    cost: float
    bound: float
    gap: float
    optimal: bool
    unmet: Mapping[CutKey, float] = field(default_factory=dict)
    network_demand_kw: Mapping[str, FloatArray] = field(default_factory=dict)
    duals: NetworkDuals | None = None
    bilateral: pd.DataFrame = field(default_factory=no_contracts)
    co2_kg: pd.DataFrame = field(default_factory=pd.DataFrame)
    seconds: Mapping[str, float] = field(default_factory=dict)
    solution: FloatArray | None = None
