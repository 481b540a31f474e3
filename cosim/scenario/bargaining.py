"""The `bargaining` section: who plays, how the benefit is shared, and how it becomes money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.participants import Carrier
from cosim.scenario.series import Series

AllocationMethod = Literal[
    "shapley", "nucleolus", "nash_harsanyi", "nash", "asymmetric_nash", "equal_disruption"
]
BARGAINING_METHODS: tuple[AllocationMethod, ...] = ("nash", "asymmetric_nash")
"""Allocations that need no coalition but single players and the grand one."""
LossRule = Literal["throughput", "marginal", "operator"]
PowerRule = Literal["equal", "volume", "exponential", "multi_factor", "given"]


class PriceBounds(Strict):
    """Lowest and highest price of energy sold by one participant to another."""

    min: Series | None = None
    """Per kWh; what the seller gets from its utility (0 without a feed-in price) plus the
    management fee if missing."""
    max: Series | None = None
    """Per kWh; what the buyer pays to its utility, CO2 price included, less the fees on shared
    energy if missing."""


class PeerPrices(Strict):
    """Prices per pair of participants and step that carry the settlement."""

    rule: Literal["bounded", "lump_sum"] = "bounded"
    """`bounded`: everything is paid by prices inside their bounds; where none reproduce the
    allocation, the closest point inside the bounds is settled and reported. `lump_sum`: the
    allocation stands, and what prices inside the bounds cannot carry is a fixed payment."""
    bounds: Mapping[Carrier, PriceBounds] = {}
    """By carrier, where the tariffs' own prices are not the bounds."""


class PowerFactors(Strict):
    """Weights of the factors of bargaining power with `power: multi_factor`."""

    volume: NonNegative = 1.0
    """Energy contributed and received."""
    saving: NonNegative = 1.0
    """Marginal contribution to the saving, v(N) - v(N without the player)."""
    carbon: NonNegative = 1.0
    """CO2 that the player saves the community, see docs/settlement.md."""

    @model_validator(mode="after")
    def _one_counts(self) -> PowerFactors:
        if self.volume + self.saving + self.carbon <= 0.0:
            raise ValueError("all three factors are 0; give at least one a positive weight")
        return self


class Distributed(Strict):
    """The same problems solved by ADMM: participants exchange trades and prices only."""

    enabled: bool = False
    """Solve them besides the central solution, and report both."""
    tolerance: Annotated[float, Field(gt=0.0, lt=0.1)] = 5e-4
    """Of primal and dual residual, as a share of what is exchanged."""
    max_rounds: Annotated[int, Field(ge=1)] = 500
    """Of each phase: integers relaxed, then fixed."""
    penalty: Positive = 1e-3
    """To start with, in currency per kW squared; it adapts."""


class Bargaining(Strict):
    """The players, and how the benefit is shared."""

    players: Mapping[str, tuple[str, ...]] = {}
    """Player name -> participants; every participant is its own player if empty."""
    settle_with: AllocationMethod = "asymmetric_nash"
    """The allocation that becomes payments; all of them are computed."""
    power: PowerRule = "volume"
    """Bargaining power for the asymmetric Nash solution."""
    power_factors: PowerFactors = PowerFactors()
    """With `power: multi_factor`, which needs coalition values."""
    given_power: Mapping[str, Positive] = {}
    """By player, with `power: given`; by participant where no players are given. A system operator
    that plays has the average unless it is named."""
    coalition_values: bool = True
    """Solve every coalition; otherwise only single players and all together, which is enough for
    `nash` and `asymmetric_nash`."""
    loss_rule: LossRule = "throughput"
    """How losses and pump electricity are billed: pro rata to energy exchanged, by marginal losses,
    or to the system operator (who must be a player)."""
    prices: PeerPrices = PeerPrices()
    """Prices between participants."""
    distributed: Distributed = Distributed()
    """Solution without a centre."""
