"""The `tariffs` section: what the utility of a carrier charges and pays."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative
from cosim.scenario.series import Series

Hour = Annotated[float, Field(ge=0.0, le=24.0)]
"""Time of day in hours."""


class PeakCharge(Strict):
    """A price on the highest power that a participant draws in a billing period."""

    price_per_kw: NonNegative
    """For a whole billing period; a period that the horizon covers in part costs its part."""
    per: Literal["year", "month", "horizon"] = "year"
    """Billing period: calendar year, calendar month, or the scenario's horizon."""
    hours: tuple[tuple[Hour, Hour], ...] = ()
    """Times of day at which the peak counts, [[from, to], ...], local time; all day if missing."""
    when: Series | None = None
    """1 at steps at which the peak counts and 0 elsewhere; at every step if missing."""

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        for begin, end in self.hours:
            if begin >= end:
                raise ValueError(
                    f"hours [{begin:g}, {end:g}] end before they begin; give [from, to] within one "
                    "day, and two of them for a night"
                )
        return self


class Tariff(Strict):
    """Prices of one carrier at the utility, per kWh."""

    buy: Series
    """Price of energy bought, with taxes and grid fees."""
    sell: Series | None = None
    """Feed-in price; nothing can be sold if missing."""
    co2_kg_per_kwh: NonNegative = 0.0
    """Emissions of external supply."""
    peak: PeakCharge | None = None
    """Capacity charge on the highest net import, shared energy included."""
    standing_per_day: NonNegative = 0.0
    """Standing charge of every participant with this connection."""
