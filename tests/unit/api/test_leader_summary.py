"""What a leader's investment costs per horizon."""

from __future__ import annotations

import pytest

from cosim.api.leading.summary import capital_recovery, investment_per_horizon
from cosim.scenario.leader import Investment, Leader
from tests.support.community import scenario


def test_capital_recovery_has_the_known_value() -> None:
    one = Investment(cost=1.0, life_years=10.0, interest=0.05)
    assert capital_recovery(one) == pytest.approx(0.1295046, abs=5e-8)


def test_without_interest_every_year_costs_the_same() -> None:
    assert capital_recovery(Investment(cost=1.0, life_years=8.0, interest=0.0)) == 0.125


def test_a_horizon_pays_its_days_of_a_year() -> None:
    case = scenario({"a": {"connections": {}}, "b": {"connections": {}}}, {}, steps=12, minutes=60)
    leader = Leader.model_validate(
        {
            "participant": "a",
            "prices": {"heat": {"fixed_sell": 0.1}},
            "investment": {
                "battery": {"cost": 365.0, "life_years": 10, "interest": 0.05},
                "tank": {"cost": 730.0, "life_years": 5, "interest": 0.0},
            },
        }
    )
    # Half a day: 365 * .1295046 / 365 / 2 + 730 / 5 / 365 / 2.
    assert investment_per_horizon(case, leader) == pytest.approx(0.0647523 + 0.2, abs=1e-7)
