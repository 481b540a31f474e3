"""The `leader` section: an operator of shared storage who sets prices, and who follows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cosim.scenario.base import Strict
from cosim.scenario.carriers import Carrier
from cosim.scenario.networks import Fraction, NonNegative, Positive
from cosim.scenario.series import Series

Side = Literal["buy", "sell"]
"""`buy`: the leader pays its followers; `sell`: it takes money from them."""


class PriceRange(Strict):
    """Between what the leader may set a price, per kWh."""

    min: Series
    """Lowest price."""
    max: Series
    """Highest price."""


class LeaderPrices(Strict):
    """What the leader may ask and pay for one carrier; the fees on top.

    A side exists where it has a range or a fixed price.
    """

    buy: PriceRange | None = None
    """Range of what the leader pays its followers; it does not buy if neither this nor `fixed_buy`
    is given."""
    sell: PriceRange | None = None
    """Range of what the followers pay the leader; it does not sell if neither this nor `fixed_sell`
    is given."""
    fixed_buy: Series | None = None
    """Price with `method: fixed`; with other methods the price of a side that has no range."""
    fixed_sell: Series | None = None
    """The same for what the leader sells."""
    service_fee_per_kwh: NonNegative = 0.0
    """Paid by a follower to the leader for every kWh traded between the two, either way."""
    trade_max_kw: Positive | None = None
    """Most that one follower may take from the leader or give to it; the follower's connection is
    the only limit if missing."""

    @model_validator(mode="after")
    def _some_side(self) -> Self:
        if not self.has("buy") and not self.has("sell"):
            raise ValueError(
                "neither a buy nor a sell price; give buy, sell, fixed_buy or fixed_sell"
            )
        return self

    def range_of(self, side: Side) -> PriceRange | None:
        """Return the range of a side, None where none is given."""
        return self.buy if side == "buy" else self.sell

    def fixed_of(self, side: Side) -> Series | None:
        """Return the fixed price of a side, None where none is given."""
        return self.fixed_buy if side == "buy" else self.fixed_sell

    def has(self, side: Side) -> bool:
        """True if the leader trades on this side."""
        return self.range_of(side) is not None or self.fixed_of(side) is not None


class EvolutionarySearch(Strict):
    """A search over prices that scores each by the followers' response."""

    population: Annotated[int, Field(ge=4)] = 32
    """Price vectors per generation."""
    generations: Annotated[int, Field(ge=1)] = 60
    """Rounds of the search; `time_limit_s` may end it earlier."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Of the random numbers."""
    inner: Literal["central", "admm"] = "central"
    """How followers find their response: one problem, or by exchanging trade proposals."""


class Investment(Strict):
    """What a device of the leader cost; paid back in equal yearly amounts."""

    cost: NonNegative
    """In the scenario's currency."""
    life_years: Positive
    """Years over which it is paid back."""
    interest: Fraction = 0.05
    """Interest per year, as a fraction."""


class Leader(Strict):
    """A participant who sets prices for the others and owns what they share."""

    participant: str
    """Who leads: an ordinary participant with its own devices and connections."""
    followers: Literal["cooperating", "independent"] = "cooperating"
    """`cooperating`: all others share among themselves as `sharing` says and answer the prices
    together; `independent`: each answers alone, and nothing is shared."""
    method: Literal["exact", "evolutionary", "decomposition", "fixed"] = "exact"
    """How prices are found: `exact` proves how good they are, for followers without on/off
    decisions; `decomposition` for followers with them; `evolutionary` searches; `fixed` takes the
    prices that are given."""
    prices: Annotated[Mapping[Carrier, LeaderPrices], Field(min_length=1)]
    """Carriers that the leader trades with its followers."""
    nudge_per_kwh: NonNegative = 1e-4
    """Every price is moved by this in the direction that makes the wanted response the only best
    one of the followers."""
    reprice: Annotated[int, Field(ge=0)] = 2
    """How often prices are found again under what the networks refuse."""
    gap: Annotated[float, Field(gt=0.0, lt=1.0)] = 1e-3
    """Proven distance from the best prices at which the search ends, as a share of the profit."""
    time_limit_s: Positive = 60.0
    """Per search for prices."""
    evolutionary: EvolutionarySearch = EvolutionarySearch()
    investment: Mapping[str, Investment] = {}
    """Device of the leader -> what it cost."""
