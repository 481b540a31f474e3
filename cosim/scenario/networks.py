"""The `networks` section: which files, which limits, which physical options.

Every limit has a default with its source; a scenario may tighten or relax it and should then
say why in its own comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario.base import Strict

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]


class BackgroundSettings(Strict):
    """Everyone in the network who does not take part."""

    table: str | None = None
    """CSV with columns element, id, profile, scale_kw and optionally power_factor: power drawn
    (load, heat_consumer, sink) or fed in (sgen, source) is scale_kw times the profile. `id` is a
    table index or a name."""

    unlisted: Literal["off", "nominal"] = "off"
    """Elements of the network file that the table does not name: switched off, or kept at the
    constant value in the file."""


class ElectricLimits(Strict):
    """Limits of an electric network."""

    voltage_min_pu: Positive = 0.90
    """Lowest bus voltage; EN 50160: -10 % of nominal."""
    voltage_max_pu: Positive = 1.10
    """Highest bus voltage; EN 50160: +10 % of nominal."""
    voltage_tolerance_pu: NonNegative = 1e-4
    """How far outside still passes."""
    line_loading_max_percent: Positive = 100.0
    """Thermal rating of lines (IEC 60287 / cable data sheet in the network file)."""
    trafo_loading_max_percent: Positive = 100.0
    """Rated power of transformers (IEC 60076-7 without short-time overload)."""
    loading_tolerance_percent: NonNegative = 0.05
    """How far above still passes."""
    import_max_kw: Positive | None = None
    """Contracted power drawn from the external grid; unlimited if missing."""
    export_max_kw: NonNegative | None = None
    """Reverse power into the external grid; unlimited if missing."""
    power_tolerance_kw: NonNegative = 0.5
    """How far above a power limit still passes."""


class ElectricNetwork(Strict):
    """An electric network in pandapower's JSON format, or a SimBench grid."""

    kind: Literal["electric"]
    file: str | None = None
    """Network file, relative to the scenario."""
    simbench: str | None = None
    """SimBench code; needs the package simbench."""
    background: BackgroundSettings = BackgroundSettings()
    limits: ElectricLimits = ElectricLimits()
    base_power_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    """Power factor (inductive) of background loads without one of their own."""


class PipeLimits(Strict):
    """Limits that water networks and gas networks share."""

    velocity_max_m_per_s: Positive
    velocity_tolerance_m_per_s: NonNegative = 0.005
    pressure_min_bar: float | None = None
    pressure_max_bar: float | None = None
    pressure_tolerance_bar: NonNegative = 0.002


class HeatLimits(PipeLimits):
    """Limits of a district heating (or, with other numbers, cooling) network."""

    velocity_max_m_per_s: Positive = 2.5
    """Usual upper design velocity of pre-insulated steel pipes (AGFW FW 401 practice)."""
    differential_pressure_min_bar: NonNegative = 0.6
    """At every consumer that draws heat; usual need of house stations (AGFW FW 515 practice)."""
    supply_temperature_min_c: float = 65.0
    """At every consumer that draws heat: 60 C in hot water storage (DVGW W 551) plus 5 K. Not in
    cooling networks."""
    supply_temperature_max_c: float | None = None
    """Cooling: at every consumer that draws cold; 8 C if missing: the 7 C that air handling units
    are rated with (EN 14511) plus 1 K. Not in heating networks."""
    temperature_tolerance_k: NonNegative = 0.05
    return_temperature_max_c: float | None = None
    """At the plant."""
    return_temperature_min_c: float | None = None
    """Cooling: at the plant, so that chillers keep their efficiency; unlimited if missing."""
    producer_max_kw: Positive | None = None
    """Heat that the balancing plant can deliver; unlimited if missing."""
    plant_heat_min_kw: NonNegative | None = None
    """Heat that the balancing plant must deliver at least while somebody feeds in, so that its
    circulation pump never has to run backwards and the main stays warm; 1 % of the heat that the
    consumers in the network file are designed for, at least 1 kW, if missing."""
    pump_max_kw: Positive | None = None
    """Electric power of the main pump; unlimited if missing."""
    power_tolerance_kw: NonNegative = 0.5


class Bypass(Strict):
    """Least flow at stations, so that their connection stays at temperature when they need little.

    What a station lacks of the flow passes it into the return line without giving off heat; the
    losses and the pump electricity are the network's.
    """

    at: tuple[int | str, ...] | Literal["all"] = "all"
    """Heat consumers (index or name) that have one; usually those at the ends of the network."""
    least_kg_per_s: Positive
    """Flow of station and bypass together, at least. A few grams per second for a house."""


COOLING_TEMPERATURES_C = {"supply_temperature_c": 6.0, "return_temperature_c": 12.0}
"""Usual design of chilled-water networks; in place of the defaults of heating networks."""


class HeatNetwork(Strict):
    """A district heating or cooling network in pandapipes' JSON format with one plant."""

    kind: Literal["heat", "cooling"]
    file: str
    background: BackgroundSettings = BackgroundSettings()
    limits: HeatLimits = HeatLimits()
    supply_temperature_c: float = 80.0
    """Set-point at the plant; 6 C if missing in a cooling network."""
    return_temperature_c: float = 50.0
    """At the outlet of house stations that draw heat (cold); 12 C if missing in a cooling
    network."""
    ground_temperature_c: float = 10.0
    pump_lift_bar: Positive | None = None
    """Differential pressure of the circulation pump; the file's value if missing."""
    pump_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.6
    """Hydraulic power over electric power."""
    pump_bus: int | str | None = None
    """Electric bus (index or name) that feeds the pump; the balancing plant's bus if missing."""
    bypass: Bypass | None = None
    """Stations with a bypass; none if missing."""
    friction_model: Literal["nikuradse", "colebrook", "swamee-jain"] = "swamee-jain"
    supplies_background: str | None = None
    """Participant who has to produce the heat (cold) of background customers and its losses; the
    external utility if missing."""
    utility: bool = True
    """Whether an external utility at the plant sells heat (cold) and takes what is too much.
    Without one the participant with `at_slack`, whose site is the plant, balances the network: what
    it exports is what the plant delivers, nobody can buy or dump heat, and the community pays for
    all losses and pump electricity, those without any participant included."""

    @model_validator(mode="before")
    @classmethod
    def _temperatures_of_cooling(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("kind") == "cooling":
            return {**COOLING_TEMPERATURES_C, **given}
        return given


class GasLimits(PipeLimits):
    """Limits of a gas distribution network; pressures are gauge."""

    velocity_max_m_per_s: Positive = 20.0
    """Usual upper design velocity of distribution pipes (DVGW G 472 practice)."""
    pressure_min_bar: float | None = 0.5
    """Lowest gauge pressure that house regulators of a 1 bar network are set for."""
    feed_in_tolerance_kw: NonNegative = 0.5
    """How much more than all offtake may be fed in before it counts."""


class HydrogenBlending(Strict):
    """Hydrogen that participants may feed into a gas network.

    Composition is followed through the pipes and customers draw as much of the blend as carries
    their energy; density and viscosity are those of one blend everywhere.
    """

    max_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    """Largest share by volume at any junction. 0.1 is usual in plans (DVGW G 260, G 262); filling
    stations need less."""
    fluid_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """Share by volume of the blend whose density, viscosity and compressibility all pipes have;
    `max_fraction` if missing, which is on the safe side for pressures and velocities."""
    lhv_kwh_per_kg: Positive = 33.33
    """Lower heating value of hydrogen (ISO 6976: 119.95 MJ/kg)."""
    fraction_tolerance: NonNegative = 1e-4
    """How far above `max_fraction` still passes."""


class GasNetwork(Strict):
    """A gas network in pandapipes' JSON format."""

    kind: Literal["gas"]
    file: str
    background: BackgroundSettings = BackgroundSettings()
    limits: GasLimits = GasLimits()
    friction_model: Literal["nikuradse", "colebrook", "swamee-jain"] = "swamee-jain"
    lhv_kwh_per_kg: Positive = 13.1
    """Lower heating value of the gas in the network."""
    hydrogen: HydrogenBlending | None = None
    """Feed-in of hydrogen; none may be fed in if missing."""
    pump_bus: int | str | None = None
    """Electric bus (index or name) that feeds the compressors; their electricity is charged to the
    network account then. Not charged if missing."""


def has_utility(networks: Mapping[str, object], carrier_kind: str) -> bool:
    """Return whether a carrier has an external utility.

    Args:
        networks: the scenario's sections by name.
        carrier_kind: kind of network that carries it.
    """
    return all(
        network.utility
        for network in networks.values()
        if isinstance(network, HeatNetwork) and network.kind == carrier_kind
    )


def charged_kinds(kind: str, settings: object) -> tuple[Literal["loss", "auxiliary"], ...]:
    """Return what a network charges to the network account: losses, electricity of pumps.

    Gas networks have no losses; their compressors count where `pump_bus` says who feeds them.

    Args:
        kind: of the network.
        settings: its section of the scenario.
    """
    if kind == "gas":
        charged = isinstance(settings, GasNetwork) and settings.pump_bus is not None
        return ("auxiliary",) if charged else ()
    return ("loss", "auxiliary") if kind in ("heat", "cooling") else ("loss",)


Network = Annotated[ElectricNetwork | HeatNetwork | GasNetwork, Field(discriminator="kind")]
