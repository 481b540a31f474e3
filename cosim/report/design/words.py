"""What things in a design are called, and their colours."""

from __future__ import annotations

from collections.abc import Mapping

from cosim.report import style, text

KINDS: Mapping[str, str] = {
    "chp": "CHP",
    "boiler": "boiler",
    "chiller": "chiller",
    "absorption_chiller": "absorption chiller",
    "heat_pump": "heat pump",
    "pv": "PV",
    "battery": "battery",
    "heat_storage": "heat store",
}
COMPONENTS: Mapping[str, tuple[str, str]] = {
    "investment_chp": ("CHP units", "#4a5d78"),
    "investment_boiler": ("boilers", "#7389a8"),
    "investment_heat_pump": ("heat pumps", "#9fb3cc"),
    "investment_chiller": ("chillers", "#3f9aa8"),
    "investment_absorption_chiller": ("absorption chillers", "#7cc4b5"),
    "investment_pv": ("photovoltaics", "#e6ab02"),
    "investment_battery": ("batteries", "#8e5aa8"),
    "investment_heat_storage": ("heat stores", "#d98ba0"),
    "pipes": ("heat pipes", "#b03a48"),
    "maintenance": ("maintenance", "#b9c1ca"),
    "fuel": ("gas", "#6f6259"),
    "electricity": ("electricity", "#c99700"),
    "network_losses": ("losses and pumps", style.ORANGE),
    "carbon": ("CO₂ tax", "#515151"),
    "standing": ("standing charges", "#d6dbe1"),
    "sharing": ("fees on shared energy", "#8fb08c"),
    "degradation": ("wear of storage", "#c8a2d6"),
    "unserved": ("unserved demand", "#ff0000"),
    "feed_in": ("feed-in (income)", style.GREEN),
}
"""Component of the costs -> what it is called, and its colour, from the bottom of a stack up."""
CARRIERS: Mapping[str, str] = {
    "electricity": style.NETWORK_COLOURS["electric"],
    "heat": style.NETWORK_COLOURS["heat"],
    "cooling": style.NETWORK_COLOURS["cooling"],
    "gas": style.NETWORK_COLOURS["gas"],
    "ambient": "#9bb58a",
}


def kind(name: str) -> str:
    """Return what a kind of unit is called."""
    return KINDS.get(name, text.spoken(name))


def component(name: str) -> tuple[str, str]:
    """Return what a component of the costs is called, and its colour."""
    return COMPONENTS.get(name, (text.spoken(name), style.LIGHT))


def size(count: int, size_: float, unit: str) -> str:
    """Return the size of units, such as `2 × 250 kW`."""
    amount = f"{text.number(size_, 0 if size_ >= 10 else 1)}{text.NO_BREAK}{unit}"
    return f"{count}{text.NO_BREAK}×{text.NO_BREAK}{amount}" if count > 1 else amount


def coalition(name: str, order: list[str]) -> str:
    """Return a coalition in the order of the buildings."""
    if name == "nobody":
        return "each alone"
    members = name.split("+")
    return " + ".join(text.spoken(one) for one in order if one in members)
