"""What design mode can buy: prices, lives, efficiencies of units, and sizes of heat pipes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from cosim.scenario.base import Strict
from cosim.scenario.networks import Fraction, NonNegative, Positive
from cosim.scenario.series import Series

Efficiency = Annotated[float, Field(gt=0.0, le=1.0)]
BySite = NonNegative | Mapping[str, NonNegative]
"""One number for every building, or one per building; a building that is not named gets none."""
_EPS = 1e-9


class Bought(Strict):
    """What everything in the catalogue has."""

    life_years: Positive
    """Years over which the price is spread with the capital recovery factor."""
    maintenance_share: Fraction = 0.0
    """Yearly cost whether it runs or not, as a share of the price."""
    maintenance_per_kwh: NonNegative = 0.0
    """Per kWh of what it makes (a storage: gives out); of a CHP unit per kWh of electricity."""


class ChpType(Bought):
    """A CHP unit as it is sold: bought in whole numbers."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    power_kw: Positive
    """Rated electric power of one unit."""
    cost: NonNegative
    """Of one unit, in place."""
    eta_el: Efficiency
    """Electricity over lower heating value at full load."""
    eta_el_part: Efficiency | None = None
    """The same at `part_load`; as at full load if missing."""
    part_load: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Fraction of `power_kw` at which `eta_el_part` holds."""
    load_min: Fraction = 0.5
    """Lowest electric power while running, as a fraction of `power_kw`."""
    loss_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of the fuel lost by radiation and unburnt gas."""
    heat_recovered_share: Fraction = 0.87
    """Share of (fuel - electricity - losses) that becomes useful heat."""
    heat_dump_allowed: bool = False
    """Recovered heat may be thrown away (emergency cooler)."""
    count_max: Annotated[int, Field(ge=1, le=50)] = 3
    """Most units of this type in one building."""

    def fuel_line(self) -> tuple[float, float]:
        """Return slope (kW fuel per kW electricity) and no-load fuel of one unit in kW.

        fuel = slope * power + no_load * online is exact at full load and at `part_load`.
        """
        eta_part = self.eta_el if self.eta_el_part is None else self.eta_el_part
        part_kw = self.part_load * self.power_kw
        full_fuel, part_fuel = self.power_kw / self.eta_el, part_kw / eta_part
        slope = (full_fuel - part_fuel) / (self.power_kw - part_kw)
        return slope, full_fuel - slope * self.power_kw

    @model_validator(mode="after")
    def _fuel_is_plausible(self) -> Self:
        slope, no_load = self.fuel_line()
        if slope <= 0.0:
            raise ValueError(
                f"eta_el_part {self.eta_el_part} at part_load {self.part_load:g} needs more fuel "
                f"than full load at eta_el {self.eta_el:g}; give an eta_el_part above "
                f"{self.part_load * self.eta_el:g}"
            )
        for load in (self.load_min, 1.0):
            power = load * self.power_kw
            usable = (1.0 - self.loss_share) * (slope * power + no_load)
            if usable < power - _EPS * self.power_kw:
                raise ValueError(
                    f"at {load:.0%} load {power:g} kW of electricity is more than the {usable:g} "
                    f"kW of fuel left after loss_share {self.loss_share:g}; lower the electric "
                    "efficiencies or loss_share"
                )
        return self


class Sized(Bought):
    """A unit whose size is free: `cost_fixed` once, and a price per size."""

    cost_fixed: NonNegative = 0.0
    """Paid once per building that buys it, whatever its size."""


class Converter(Sized):
    """A unit sized by what it delivers."""

    cost_per_kw: NonNegative
    """Per kW of output."""
    min_kw: NonNegative = 0.0
    """Smallest that is sold."""
    max_kw: BySite | None = None
    """Largest per building; as much as all buildings together need if missing."""


class BoilerOffer(Converter):
    """Gas boiler, sized by heat."""

    eta: Annotated[float, Field(gt=0.0, le=1.1)] = 0.92
    """Heat over lower heating value; above 1 for condensing boilers."""


class ChillerOffer(Converter):
    """Electric chiller, sized by cooling."""

    eer: Series = 4.5
    """Cooling over electricity."""


class AbsorptionOffer(Converter):
    """Absorption chiller, sized by cooling."""

    cop: Positive = 0.7
    """Cooling over heat."""
    electricity_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.02
    """Electricity for pumps and heat rejection over cooling."""


class HeatPumpOffer(Converter):
    """Heat pump, sized by heat."""

    cop: Series = 3.5
    """Heat over electricity."""


class PvOffer(Converter):
    """Photovoltaics, sized by rated power."""

    profile: Series
    """Power over rated power."""
    max_kw: BySite
    """Room on the roof."""


class StorageOffer(Sized):
    """Storage, sized by content; the content after a day is that before it."""

    cost_per_kwh: NonNegative
    """Per kWh of content."""
    min_kwh: NonNegative = 0.0
    """Smallest that is sold."""
    max_kwh: BySite
    """Largest per building."""
    charge_max_per_h: Positive = 0.5
    """Most charging power as a fraction of the content per hour."""
    discharge_max_per_h: Positive = 0.5
    """Most discharging power as a fraction of the content per hour."""
    eta_charge: Efficiency = 0.95
    eta_discharge: Efficiency = 0.95
    self_discharge_per_h: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the content lost in one hour."""


class HeatStorageOffer(StorageOffer):
    """A hot water tank."""

    self_discharge_per_h: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.005
    """Share of the content lost in one hour."""


class Catalogue(Strict):
    """What can be bought; a kind that is not listed is not for sale."""

    chp: tuple[ChpType, ...] = ()
    """CHP units by type, in whole numbers per building."""
    boiler: BoilerOffer | None = None
    chiller: ChillerOffer | None = None
    absorption_chiller: AbsorptionOffer | None = None
    heat_pump: HeatPumpOffer | None = None
    pv: PvOffer | None = None
    battery: StorageOffer | None = None
    heat_storage: HeatStorageOffer | None = None

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [one.name for one in self.chp]
        taken = sorted({name for name in names if names.count(name) > 1 or name in SIZED_KINDS})
        if taken:
            raise ValueError(
                f"the CHP name {taken[0]} is used twice or is the name of a kind; give each type "
                "a name of its own"
            )
        return self

    def sized(self) -> Mapping[str, Sized]:
        """Return kind -> offer of everything that is bought in any size."""
        found = {kind: getattr(self, kind) for kind in SIZED_KINDS}
        return {kind: offer for kind, offer in found.items() if offer is not None}


SIZED_KINDS = (
    "boiler",
    "chiller",
    "absorption_chiller",
    "heat_pump",
    "pv",
    "battery",
    "heat_storage",
)
KINDS = ("chp", *SIZED_KINDS)


class PipeType(Strict):
    """One size of a pair of heat pipes (supply and return)."""

    dn: Annotated[int, Field(ge=1)]
    """Nominal diameter, the name of the size."""
    inner_diameter_m: Positive
    cost_per_m: NonNegative
    """Per metre of trench: both pipes laid."""
    loss_w_per_m_k: NonNegative
    """Heat loss of one of the two pipes per metre and kelvin above the ground."""
    roughness_mm: NonNegative = 0.1


def of_site(value: BySite | None, site: str) -> float | None:
    """Return a building's number; None where none is given for anyone."""
    if isinstance(value, Mapping):
        return float(value.get(site, 0.0))
    return None if value is None else float(value)
