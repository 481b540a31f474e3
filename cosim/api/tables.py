"""Frames of the run folder made from what the layers return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from cosim.coupling import Iteration, Networks, Verification
from cosim.records import Schedule
from cosim.records.names import carrier_at
from cosim.scenario import Scenario


def iteration_frame(iterations: Iterable[Iteration], kinds: dict[str, str]) -> pd.DataFrame:
    """Return one row per round; networks a scenario lacks have no violations.

    Args:
        iterations: of one loop.
        kinds: network name -> kind.
    """
    rows = []
    for entry in iterations:
        by_kind = dict.fromkeys(("electric", "heat", "cooling", "gas"), 0)
        for name, number in entry.violations.items():
            by_kind[kinds[name]] += number
        rows.append(
            {
                "iteration": entry.number,
                "phase": entry.phase,
                "cost": entry.cost,
                "violations_electric": by_kind["electric"],
                "violations_heat": by_kind["heat"] + by_kind["cooling"],
                "violations_gas": by_kind["gas"],
                "mismatch": entry.mismatch,
                "cuts": entry.cuts,
                "seconds": entry.seconds,
            }
            | {f"worst_{limit}": margin for limit, margin in entry.worst.items()}
        )
    return pd.DataFrame(rows)


def price_frame(scenario: Scenario, schedule: Schedule) -> pd.DataFrame:
    """Return pool prices and utility tariffs: time, carrier, price_kind, value per kWh."""
    frames = []
    for carrier, tariff in scenario.config.tariffs.items():
        frames.append(_prices(scenario, carrier, "buy", scenario.series(tariff.buy)))
        if tariff.sell is not None:
            frames.append(_prices(scenario, carrier, "sell", scenario.series(tariff.sell)))
    if schedule.duals is not None:
        frames.extend(
            _prices(scenario, name, "pool", values)
            for name, values in schedule.duals.energy.items()
        )
    return pd.concat(frames, ignore_index=True)


def _prices(scenario: Scenario, carrier: str, kind: str, values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"time": scenario.time.index, "carrier": carrier, "price_kind": kind, "value": values}
    )


def nodal_frame(schedule: Schedule, carriers: Mapping[str, str]) -> pd.DataFrame:
    """Return nodal prices split into energy, loss and congestion, per kWh.

    Args:
        schedule: solved with duals.
        carriers: network name -> carrier.
    """
    columns = ["time", "grid", "terminal", "energy", "loss", "congestion", "total"]
    duals = schedule.duals
    if duals is None:
        return pd.DataFrame(columns=columns)
    frames = []
    for grid, congestion in duals.congestion.items():
        names = schedule.injections[grid].terminals
        steps = len(schedule.time)
        traded = [carrier_at(name, carriers[grid]) for name in names]
        prices = [duals.energy[carrier] for carrier in traded]
        energy = np.column_stack(prices) if prices else np.zeros((steps, 0))
        loss = duals.loss[grid]
        frames.append(
            pd.DataFrame(
                {
                    "time": np.repeat(schedule.time.index, len(names)),
                    "grid": grid,
                    "terminal": np.tile(np.array(names, dtype=object), steps),
                    "energy": energy.ravel(),
                    "loss": loss.ravel(),
                    "congestion": congestion.ravel(),
                    "total": (energy + loss + congestion).ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def network_frames(
    networks: Networks, verification: Verification
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], dict[str, str]]:
    """Return set-points, states and network files of one verification, per network."""
    setpoints, states, files = {}, {}, {}
    for name, grid in networks.grids.items():
        entry = verification.states[name]
        setpoints[name] = grid.setpoints_frame(entry.injections)
        states[name] = grid.states_frame(entry)
        files[name] = grid.network_json(entry.injections)
    return setpoints, states, files


def state_frames(networks: Networks, verification: Verification) -> dict[str, pd.DataFrame]:
    """Return the states of one verification per network."""
    return {
        name: grid.states_frame(verification.states[name]) for name, grid in networks.grids.items()
    }
