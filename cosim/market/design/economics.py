"""What a year of a unit or pipe costs."""

from __future__ import annotations

from cosim.scenario.design_catalogue import Bought


def capital_recovery_factor(interest: float, life_years: float) -> float:
    """Return the yearly payment per unit of price that pays it back with interest over its life.

    i (1 + i)^n / ((1 + i)^n - 1), or 1/n without interest.

    Examples:
        >>> round(capital_recovery_factor(0.05, 10), 7)
        0.1295046
    """
    if interest == 0.0:
        return 1.0 / life_years
    growth: float = (1.0 + interest) ** life_years
    return interest * growth / (growth - 1.0)


def yearly_share(offer: Bought, interest: float) -> float:
    """Return the yearly cost of a unit as a share of its price: annuity and fixed maintenance."""
    return capital_recovery_factor(interest, offer.life_years) + offer.maintenance_share


def pipe_cost_per_year(
    cost_per_m: float, length_m: float, interest: float, life_years: float, subsidy_share: float
) -> float:
    """Return the yearly cost of a pair of pipes after the subsidy."""
    price = cost_per_m * length_m * (1.0 - subsidy_share)
    return price * capital_recovery_factor(interest, life_years)
