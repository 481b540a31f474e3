"""A participant, or the network account, in the Pyomo model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

from cosim.market.carbon_ladder import Ladder
from cosim.market.devices import Ports
from cosim.market.devices.base import Flow
from cosim.market.peaks import PeakPart
from cosim.market.trade import Terms
from cosim.records.time import FloatArray
from cosim.scenario.participants import Carrier


@dataclass(frozen=True, slots=True)
class TradedCo2:
    """Emissions of a part of the window that are settled with allowances.

    Attributes:
        first: first step of the part.
        ladder: their price.
        e_t: linear expression, emissions above the quota in t.
        block: with the ladder's variables.
    """

    first: int
    ladder: Ladder
    e_t: Any
    block: pyo.Block


@dataclass(frozen=True, slots=True)
class Party:
    """A participant, or the network account, in the Pyomo model.

    Attributes:
        name: as in the cost table.
        block: its Pyomo block, with one sub-block per carrier.
        terms: how it trades, per carrier that it is connected to.
        carriers: every carrier with a balance.
        devices: what its devices gave back, by name.
        costs: cost component -> linear expressions to be added up.
        demand_kw: inflexible demand per carrier, shape (T,).
        background_kw: demand of background customers that this party supplies, shape (T,).
        carry: (place, name) -> flow, what it hands on to the next window besides its devices.
        peaks: carrier -> what its capacity charge measures.
        ladders: emissions with a price that grows, one per part of the window.
        co2: source -> emissions in kg/h; what is captured is negative.
        quota_kg: expressions that add up to its allowances for the steps that are kept.
        dated: variables of no single step, and the step from which on they count.
    """

    name: str
    block: pyo.Block
    terms: Mapping[Carrier, Terms]
    carriers: tuple[Carrier, ...]
    devices: Mapping[str, Ports] = field(default_factory=dict)
    costs: dict[str, list[Any]] = field(default_factory=dict)
    demand_kw: Mapping[Carrier, FloatArray] = field(default_factory=dict)
    background_kw: Mapping[Carrier, FloatArray] = field(default_factory=dict)
    carry: dict[tuple[str, str], Flow] = field(default_factory=dict)
    peaks: dict[Carrier, tuple[PeakPart, ...]] = field(default_factory=dict)
    ladders: list[TradedCo2] = field(default_factory=list)
    co2: dict[str, Flow] = field(default_factory=dict)
    quota_kg: list[Any] = field(default_factory=list)
    dated: list[tuple[Any, int]] = field(default_factory=list)

    def add_cost(self, component: str, expression: Any) -> None:
        """Add an expression to one of the party's cost components."""
        self.costs.setdefault(component, []).append(expression)
