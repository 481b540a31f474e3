"""All windows as one run: tables joined, findings merged, one settlement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.api.emissions import emission_frame
from cosim.api.window_parts import LONG_TABLES, TRADES_FILE
from cosim.api.window_task import WindowOutcome
from cosim.api.window_worlds import ALONE, COPPER_PLATE, LOSSES, TOGETHER
from cosim.api.year_settlement import YearSettled, settle_year, summed_emissions
from cosim.api.year_summary import year_summary
from cosim.grids import build_grids
from cosim.records import Window
from cosim.results.market_schema import TRADES
from cosim.results.parquet import write_table
from cosim.results.schema import NETWORK_SERIES, OPTIONAL_TABLES, TABLES
from cosim.results.stream import join_tables
from cosim.results.write import new_run, write_network, write_summary
from cosim.scenario import Scenario
from cosim.scenario.window import take_window


def write_year(
    scenario: Scenario, folder: Path, outcomes: Sequence[WindowOutcome], parts: Sequence[Path]
) -> dict[str, Any]:
    """Write the run folder of a whole horizon from its finished windows, return the summary.

    Args:
        scenario: the whole horizon.
        folder: the run folder; it appears when it is complete.
        outcomes: by window.
        parts: the folder with the tables of each window.
    """
    with new_run(folder) as partial:
        _join(scenario, partial, parts)
        settled = None
        if all(outcome.verdict == "feasible" for outcome in outcomes):
            settled = settle_year(scenario, partial / "schedule.parquet", outcomes, parts)
        _write_tables(partial, scenario, outcomes, settled)
        hardest = min(outcomes, key=lambda outcome: outcome.smallest_margin)
        _write_networks(partial, scenario, hardest)
        summary = year_summary(scenario, outcomes, settled, hardest.window)
        write_summary(partial, summary)
    return summary


def _join(scenario: Scenario, folder: Path, parts: Sequence[Path]) -> None:
    for name in LONG_TABLES:
        file = f"{name}.parquet"
        join_tables([part / file for part in parts], folder / file, TABLES[name], file)
    traded = [part / TRADES_FILE for part in parts if (part / TRADES_FILE).is_file()]
    if traded:
        join_tables(traded, folder / TRADES_FILE, TRADES, TRADES_FILE)
    for grid in scenario.networks:
        for sub in ("setpoints", "states"):
            where = f"{sub}/{grid}.parquet"
            join_tables([part / where for part in parts], folder / where, NETWORK_SERIES, where)


def _write_tables(
    folder: Path,
    scenario: Scenario,
    outcomes: Sequence[WindowOutcome],
    settled: YearSettled | None,
) -> None:
    empty = pd.DataFrame()
    frames = {
        "iterations": pd.concat(
            [outcome.iterations.assign(window=outcome.window.number) for outcome in outcomes],
            ignore_index=True,
        ),
        "allocation": settled.shared.allocation if settled else empty,
        "payments": settled.shared.payments if settled else empty,
        "coalitions": settled.coalitions if settled else empty,
    }
    for name, frame in frames.items():
        write_table(folder / f"{name}.parquet", frame, TABLES[name], f"{name}.parquet")
    more = {
        "windows": _windows(scenario, outcomes),
        "emissions": emission_frame(summed_emissions(outcomes)),
        "p2p_prices": settled.shared.p2p_prices if settled else empty,
        "accounts": settled.shared.accounts if settled else empty,
        "bargaining_power": settled.shared.bargaining_power if settled else empty,
    }
    for name, frame in more.items():
        if len(frame):
            write_table(folder / f"{name}.parquet", frame, OPTIONAL_TABLES[name], f"{name}.parquet")


def _windows(scenario: Scenario, outcomes: Sequence[WindowOutcome]) -> pd.DataFrame:
    rows = [
        {
            "window": outcome.window.number,
            "time": scenario.time.index[outcome.window.first],
            "steps": outcome.window.keep,
            "look_ahead_steps": outcome.window.solve - outcome.window.keep,
            "verdict": outcome.verdict,
            "cause": outcome.cause,
            "iterations": len(outcome.iterations),
            "cost_individual": _cost(outcome, ALONE),
            "cost_copper_plate": _cost(outcome, COPPER_PLATE),
            "cost_with_losses": _cost(outcome, LOSSES),
            "cost": _cost(outcome, TOGETHER),
            "smallest_margin": outcome.smallest_margin,
            "seconds": sum(outcome.seconds.values()),
        }
        for outcome in outcomes
    ]
    return pd.DataFrame(rows)


def _cost(outcome: WindowOutcome, world: str) -> float:
    known = outcome.worlds.get(world)
    return float("nan") if known is None else float(known.costs["total"].sum())


def _write_networks(folder: Path, scenario: Scenario, hardest: WindowOutcome) -> None:
    """Write the network files with the profiles of the window that comes closest to a limit."""
    inside = take_window(scenario, _without_look_ahead(hardest.window))
    for name, grid in build_grids(inside.networks).items():
        write_network(folder, name, grid.network_json(hardest.marginal[TOGETHER].injections[name]))


def _without_look_ahead(window: Window) -> Window:
    return replace(window, solve=window.keep)
