"""A whole run in memory; what is large is read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pandas as pd

T = TypeVar("T")


class Lazy(Mapping[str, T]):
    """A mapping whose values are loaded on first use and then kept.

    Args:
        loaders: name -> function that loads the value.
    """

    __slots__ = ("_loaded", "_loaders")

    def __init__(self, loaders: Mapping[str, Callable[[], T]]) -> None:
        self._loaders = dict(loaders)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, key: str) -> T:
        if key not in self._loaded:
            self._loaded[key] = self._loaders[key]()
        return self._loaded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)


@dataclass(frozen=True, slots=True)
class RunTables:
    """Everything that a run folder holds, apart from the report.

    Tables that do not apply (no settlement in an infeasible run) are empty.

    Attributes:
        summary: see `cosim.results.summary`.
        schedule: see `cosim.results.schema.SCHEDULE`; so on for the other tables.
        setpoints: per network, what was put in, background included.
        states: per network, the verified results.
        networks: per network, its file as pandapower or pandapipes reads it.
        copper_plate_states: per network, the results of the dispatch before any feedback.
        copper_plate_schedule: that dispatch.
        windows: see `cosim.results.schema.WINDOWS`; empty where the horizon was solved at once.
        trades: see `cosim.results.market_schema`; empty without bilateral contracts.
        emissions: likewise; empty where nothing emits CO2.
        p2p_prices: see `cosim.results.money_schema`; empty without a settlement.
        accounts: likewise.
        bargaining_power: likewise.
        admm: likewise; empty unless the distributed solution was asked for.
        leader_prices: see `cosim.results.market_schema`; empty without a leader.
        leader_history: likewise.
        design_units: see `cosim.results.design_schema`; empty but in design mode, as those below.
    """

    summary: dict[str, Any]
    schedule: pd.DataFrame
    iterations: pd.DataFrame
    checks: pd.DataFrame
    allocation: pd.DataFrame
    prices: pd.DataFrame
    payments: pd.DataFrame
    coalitions: pd.DataFrame
    nodal_prices: pd.DataFrame
    setpoints: Mapping[str, pd.DataFrame]
    states: Mapping[str, pd.DataFrame]
    networks: Mapping[str, str]
    copper_plate_states: Mapping[str, pd.DataFrame]
    copper_plate_schedule: pd.DataFrame
    windows: pd.DataFrame = field(default_factory=pd.DataFrame)
    trades: pd.DataFrame = field(default_factory=pd.DataFrame)
    emissions: pd.DataFrame = field(default_factory=pd.DataFrame)
    p2p_prices: pd.DataFrame = field(default_factory=pd.DataFrame)
    accounts: pd.DataFrame = field(default_factory=pd.DataFrame)
    bargaining_power: pd.DataFrame = field(default_factory=pd.DataFrame)
    admm: pd.DataFrame = field(default_factory=pd.DataFrame)
    leader_prices: pd.DataFrame = field(default_factory=pd.DataFrame)
    leader_history: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_units: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_pipes: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_costs: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_energy: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_days: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_attempts: pd.DataFrame = field(default_factory=pd.DataFrame)
    design_cuts: pd.DataFrame = field(default_factory=pd.DataFrame)
