"""From the table of a year's energy to the links of a Sankey diagram.

Gas goes straight to the unit that burns it; what a unit does not make useful is lost; what comes
over pipes or the pool goes straight to the demand; stores only lose; cooling goes from the unit to
the demand.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

LEAST = 0.004
"""Flows below this share of all that is bought are left out."""
STORES = ("battery", "heat_storage")
CHILLERS = ("compression_chiller", "absorption_chiller")
KIND_OF_TYPE = {"compression_chiller": "chiller"}
Link = tuple[str, str, str, float]
"""From node, to node, carrier, kWh."""
Devices = Mapping[str, Mapping[str, str]]
"""Building -> device -> type."""


class Links:
    """Collects the links of a coalition.

    Args:
        devices: building -> device -> type.
    """

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._flows: dict[tuple[str, str, str], float] = {}
        self._balance: dict[str, list[float]] = {}
        self._stores: dict[tuple[str, str], float] = {}
        self._received: dict[tuple[str, str], float] = {}

    def take(self, table: pd.DataFrame) -> None:
        """Enter the rows of `design_energy`, those from pipes and pool first."""
        rows = table.assign(first=~table["from"].isin(["pipes", "pool"])).sort_values("first")
        for row in rows.to_dict("records"):
            self._enter(str(row["from"]), str(row["to"]), str(row["carrier"]), row["kwh_per_year"])

    def all(self) -> list[Link]:
        """Return the links that are worth drawing."""
        for (who, carrier), kwh in self._stores.items():
            self._add(f"{who}:{carrier}", "losses", carrier, kwh)
        for unit, (taken, made) in self._balance.items():
            self._add(unit, "losses", "gas", taken - made)
            self._add("ambient", unit, "ambient", made - taken)
        bought = sum(kwh for (a, _, _), kwh in self._flows.items() if a in ("gas", "grid"))
        least = LEAST * bought
        return [(a, b, c, kwh) for (a, b, c), kwh in self._flows.items() if kwh >= least]

    def _add(self, a: str, b: str, carrier: str, kwh: float) -> None:
        if kwh > 0.0:
            self._flows[a, b, carrier] = self._flows.get((a, b, carrier), 0.0) + kwh

    def _enter(self, a: str, b: str, carrier: str, kwh: float) -> None:
        giver, given = _split(a)
        taker, taken = _split(b)
        if given in self._devices.get(giver, {}):
            self._made(giver, self._devices[giver][given], carrier, kwh)
        elif taken in self._devices.get(taker, {}):
            self._taken(taker, self._devices[taker][taken], carrier, kwh)
        elif a in ("pipes", "pool"):
            self._received[taker, carrier] = self._received.get((taker, carrier), 0.0) + kwh
            self._add(a, "losses" if b == "losses" else f"use:{taker}:{carrier}", carrier, kwh)
        elif taker == "demand":
            rest = kwh - self._received.get((giver, carrier), 0.0)
            if carrier != "cooling":
                self._add(a, f"use:{giver}:{carrier}", carrier, rest)
        elif a != "gas":
            self._add(a, b, carrier, kwh)

    def _made(self, who: str, kind: str, carrier: str, kwh: float) -> None:
        """Enter what a unit gives."""
        if kind in STORES:
            self._stores[who, carrier] = self._stores.get((who, carrier), 0.0) - kwh
        elif kind == "pv":
            self._add("sun", f"{who}:{carrier}", carrier, kwh)
        else:
            unit = _unit(who, kind)
            self._balance.setdefault(unit, [0.0, 0.0])[1] += kwh
            self._add(unit, f"use:{who}:cooling" if kind in CHILLERS else f"{who}:{carrier}",
                      carrier, kwh)  # fmt: skip

    def _taken(self, who: str, kind: str, carrier: str, kwh: float) -> None:
        """Enter what a unit takes."""
        if kind in STORES:
            self._stores[who, carrier] = self._stores.get((who, carrier), 0.0) + kwh
            return
        unit = _unit(who, kind)
        self._balance.setdefault(unit, [0.0, 0.0])[0] += kwh
        self._add("gas" if carrier == "gas" else f"{who}:{carrier}", unit, carrier, kwh)


def _split(place: str) -> tuple[str, str]:
    who, _, what = place.partition(":")
    return who, what


def _unit(building: str, kind: str) -> str:
    return f"unit:{building}:{KIND_OF_TYPE.get(kind, kind)}"
