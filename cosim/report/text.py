"""Numbers and names as people write them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

import pandas as pd

MINUS = "\u2212"
DASH = "\u2013"
NO_BREAK = "\u00a0"

GRID_TITLES: Mapping[str, str] = {
    "electric": "Electricity",
    "heat": "District heat",
    "cooling": "District cooling",
    "gas": "Gas",
}
UNITS: Mapping[str, str] = {"C": "°C", "percent": "%"}
METHODS: Mapping[str, str] = {
    "shapley": "Shapley value",
    "nucleolus": "Nucleolus",
    "nash_harsanyi": "Nash–Harsanyi",
    "nash": "Nash, equal power",
    "asymmetric_nash": "Nash, weighted",
    "equal_disruption": "Equal propensity to disrupt",
}
LIMITS: Mapping[str, str] = {
    "voltage_min": "Lowest voltage",
    "voltage_max": "Highest voltage",
    "line_loading_max": "Line loading",
    "trafo_loading_max": "Transformer loading",
    "trafo3w_loading_max": "Three-winding transformer loading",
    "import_max": "Import from the upstream grid",
    "export_max": "Export to the upstream grid",
    "differential_pressure_min": "Differential pressure",
    "supply_temperature_min": "Supply temperature",
    "supply_temperature_max": "Supply temperature",
    "velocity_max": "Flow velocity",
    "pressure_min": "Lowest pressure",
    "pressure_max": "Highest pressure",
    "producer_max": "Output of the plant",
    "pump_max": "Pump power",
    "return_temperature_max": "Return temperature",
    "return_temperature_min": "Return temperature",
    "feed_in_max": "Flow back into the supply",
    "plant_heat_min": "Least output of the plant",
}
ELEMENTS: Mapping[str, tuple[str, str]] = {
    "bus": ("bus", "buses"),
    "line": ("line", "lines"),
    "trafo": ("transformer", "transformers"),
    "trafo3w": ("transformer", "transformers"),
    "ext_grid": ("grid connection", "grid connections"),
    "junction": ("junction", "junctions"),
    "pipe": ("pipe", "pipes"),
    "heat_consumer": ("heat consumer", "heat consumers"),
    "circ_pump_pressure": ("plant", "plants"),
}


def spoken(name: str) -> str:
    """Return an identifier as words."""
    return name.replace("_", " ").strip()


def title(name: str) -> str:
    """Return an identifier as words with a capital."""
    words = spoken(name)
    return words[:1].upper() + words[1:]


def limit_name(limit: str) -> str:
    """Return what a limit is about."""
    return LIMITS.get(limit, title(limit))


def unit_name(unit: str) -> str:
    """Return a unit as it is printed."""
    return UNITS.get(unit, unit)


def counted(number: int, element: str) -> str:
    """Return a number with the element's word, such as `1 bus`, `3 buses`."""
    one, many = ELEMENTS.get(element, (spoken(element), f"{spoken(element)}s"))
    return f"{number:,}{NO_BREAK}{one if number == 1 else many}"


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """Return a number with thousands separators, a real minus, and a dash for nothing."""
    if value is None or not math.isfinite(value):
        return DASH
    rounded = round(value, digits)
    text = f"{abs(rounded):,.{digits}f}"
    if rounded < 0:
        return MINUS + text
    return f"+{text}" if sign and rounded > 0 else text


def tick(value: float, _: float = 0.0) -> str:
    """Return a number beside an axis, with as many digits as it has."""
    return f"{round(value, 9):,.10g}".replace("-", MINUS)


def sensible(value: float | None, sign: bool = False) -> str:
    """Return a number with about three or four significant digits."""
    if value is None or not math.isfinite(value):
        return DASH
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3
    if 0 < size < 0.001:
        return number(value, min(2 - math.floor(math.log10(size)), 9), sign)
    return number(value, digits, sign)


def in_unit(value: float | None, unit: str, sign: bool = False) -> str:
    """Return a value with its unit, digits as usual for that unit."""
    fixed = {"pu": 4, "%": 1, "C": 1, "bar": 3, "m/s": 2, "kW": 1, "MW": 3}
    if value is None or not math.isfinite(value):
        return DASH
    if unit in fixed:
        text = number(value, fixed[unit], sign)
        if float(text.replace(MINUS, "-").replace(",", "").replace("+", "")) == 0.0 and value:
            text = sensible(value, sign)
    else:
        text = sensible(value, sign)
    return f"{text}{NO_BREAK}{unit_name(unit)}"


def money(value: float | None, currency: str, sign: bool = False) -> str:
    """Return an amount of money."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{number(value, 0 if abs(value) >= 100_000 else 2, sign)}{NO_BREAK}{currency}"


def energy(kwh: float | None, sign: bool = False) -> str:
    """Return an amount of energy in kWh, MWh or GWh."""
    if kwh is None or not math.isfinite(kwh):
        return DASH
    for factor, unit in ((1e6, "GWh"), (1e3, "MWh")):
        if abs(kwh) >= 10 * factor:
            return f"{number(kwh / factor, 1, sign)}{NO_BREAK}{unit}"
    return f"{number(kwh, 0 if abs(kwh) >= 100 else 1, sign)}{NO_BREAK}kWh"


def mass(kg: float | None, sign: bool = False) -> str:
    """Return a mass in kg or t."""
    if kg is None or not math.isfinite(kg):
        return DASH
    value, unit = (kg / 1e3, "t") if abs(kg) >= 1e4 else (kg, "kg")
    return f"{sensible(value, sign)}{NO_BREAK}{unit}"


def percent(share: float | None, digits: int = 1, sign: bool = False) -> str:
    """Return a share as a percentage."""
    if share is None or not math.isfinite(share):
        return DASH
    return f"{number(100.0 * share, digits, sign)}{NO_BREAK}%"


def clock(stamp: datetime | pd.Timestamp | str, with_day: bool = False) -> str:
    """Return a time of day, with the date where a run has several days."""
    moment = pd.Timestamp(stamp)
    return moment.strftime("%d %b %H:%M" if with_day else "%H:%M")


def shorten(name: str, most: int = 28) -> str:
    """Return a name that is not too long, keeping both ends."""
    if len(name) <= most:
        return name
    head = (most - 1) * 2 // 3
    return f"{name[:head]}…{name[-(most - 1 - head) :]}"


def listed(words: list[str], most: int = 5) -> str:
    """Return words as a list in a sentence."""
    shown = words[:most]
    if len(words) > most:
        return f"{', '.join(shown)} and {len(words) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
