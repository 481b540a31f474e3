"""The `carbon` section: a tax on emissions, and allowances that are traded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from cosim.scenario.base import Strict
from cosim.scenario.carriers import Carrier
from cosim.scenario.networks import NonNegative, Positive


class Quota(Strict):
    """Emissions that a participant is given free of charge, over the horizon; parts add up."""

    kg: NonNegative = 0.0
    """A fixed amount."""
    kg_per_kwh_demand: Mapping[Carrier, NonNegative] = {}
    """Per kWh of inflexible demand of a carrier."""
    kg_per_kwh_output: Mapping[Carrier, NonNegative] = {}
    """Per kWh of a carrier from the participant's own devices that burn gas."""
    kg_per_kwh_bought: Mapping[Carrier, NonNegative] = {}
    """Per kWh of a carrier bought from the utility."""


class CarbonTrading(Strict):
    """What emissions above the quota cost, and those below it earn, at a market outside.

    With growth the price is a ladder: it rises with every interval, on both sides.
    """

    price_per_t: Positive
    """Of the first interval above the quota."""
    interval_t: Positive = 1.0
    """Length of an interval, over the horizon."""
    growth: NonNegative = 0.0
    """Rise of the price per interval above the quota, as a share of `price_per_t`."""
    reward_growth: NonNegative = 0.0
    """Rise of the reward per interval below the quota, the first one included."""
    intervals: Annotated[int, Field(ge=1, le=20)] = 3
    """Prices per side; the last one has no end."""
    rewards: bool = True
    """Allowances that are left over can be sold. If not they are worth nothing, and a rising price
    needs no on/off decisions."""
    quota: Quota = Quota()
    """Of every participant without a `carbon_quota` of its own."""


class Carbon(Strict):
    """What emissions cost: bought electricity, heat and gas, less what is captured."""

    tax_per_t: NonNegative = 0.0
    """Tax on net emissions."""
    trading: CarbonTrading | None = None
    """Allowances; the tax is due besides."""
