"""What the summary claims: a bound that holds, and nothing verified that is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.api.summary import costs, lower_bound, settled_with
from cosim.coupling import Coupled, Verification
from cosim.coupling.outcome import Verdict
from cosim.market import Market
from cosim.records import Baseline, LossLine, Schedule, read_only
from cosim.scenario import Scenario
from cosim.scenario.config import Bargaining
from tests.support.community import scenario

STEPS = 4
BASELINES = {"grid": Baseline("grid", *(read_only([kw] * STEPS) for kw in (50.0, 2.0, 0.0)))}
EVERYONE = frozenset({"home", "farm"})


def case(tax_per_t: float = 0.0, **tariff: Any) -> Scenario:
    people = {
        "home": {"connections": {"electricity": {}}, "demand": {"electricity": 10.0}},
        "farm": {
            "connections": {"electricity": {}},
            "devices": {"roof": {"type": "pv", "profile": 4.0}},
        },
    }
    return scenario(
        people,
        {"electricity": {"buy": 0.30, "sell": 0.08, **tariff}},
        networks={"grid": {"kind": "electric"}},
        sharing={"electricity": {"fee_per_kwh": 0.0}},
        system_operator={"cost_per_kwh": 0.0},
        carbon={"tax_per_t": tax_per_t},
    )


def coupled(schedule: Schedule, verdict: Verdict = "feasible") -> Coupled:
    nothing = Verification({}, {}, (), ())
    return Coupled(
        verdict=verdict, cause="", causes=(), schedule=schedule, verification=nothing,
        first_schedule=schedule, first_verification=nothing, iterations=(), cuts=(), mismatch={},
    )  # fmt: skip


def with_losses(community: Scenario, loss_kw: float) -> tuple[Schedule, Schedule]:
    """The copper plate, and the market in which the network always loses `loss_kw`."""
    market = Market(community, BASELINES)
    copper = market.solve(EVERYONE)
    steps = read_only(np.arange(STEPS), np.int64)
    flat = read_only(np.zeros((STEPS, 2)))
    constant = read_only([loss_kw] * STEPS)
    line = LossLine("grid", "loss", 1, steps, ("home", "farm"), constant, flat, flat, exact=True)
    market.set_loss_lines([line])
    return copper, market.solve(EVERYONE)


@pytest.mark.parametrize("tax_per_t", [0.0, 100.0])
def test_the_bound_is_met_where_all_losses_are_relieved(tax_per_t: float) -> None:
    # The account passes 2 kW on to the pool, where they replace purchases, not feed-in.
    community = case(tax_per_t, co2_kg_per_kwh=0.5)
    copper, relieved = with_losses(community, 0.0)
    paid = 0.30 + 0.5 * tax_per_t / 1000.0
    assert relieved.cost == pytest.approx(copper.cost - STEPS * 2.0 * paid)
    bound = lower_bound(copper, coupled(relieved), community, BASELINES)
    assert bound["relief"] == pytest.approx(STEPS * 2.0 * paid)
    assert bound["cost"] == pytest.approx(relieved.cost)
    assert bound["gap"] == pytest.approx(0.0, abs=1e-9)
    assert bound["copper_plate"] > relieved.cost


@pytest.mark.parametrize("loss_kw", [0.5, 2.0, 7.0])
def test_the_bound_is_below_every_constrained_cost(loss_kw: float) -> None:
    community = case()
    copper, constrained = with_losses(community, loss_kw)
    bound = lower_bound(copper, coupled(constrained), community, BASELINES)
    assert bound["cost"] < constrained.cost
    expected = (constrained.cost - bound["cost"]) / constrained.cost
    assert bound["gap"] == pytest.approx(expected)


@pytest.mark.parametrize("tariff", [{"buy": -0.1, "sell": -0.2}, {"sell": (0.1, 0.1, -0.1, 0.1)}])
def test_nothing_is_proven_with_negative_prices(tariff: dict[str, Any]) -> None:
    community = case(**tariff)
    copper = Market(community, BASELINES).solve(EVERYONE)
    bound = lower_bound(copper, coupled(copper), community, BASELINES)
    assert bound["cost"] is None
    assert bound["gap"] is None
    assert bound["method"].startswith("nothing is proven")


@pytest.mark.parametrize("verdict", ["infeasible", "unresolved"])
def test_nothing_is_verified_unless_feasible(verdict: Verdict) -> None:
    community = case()
    copper, last = with_losses(community, 2.0)
    entry = costs(copper, None, coupled(last, verdict))
    assert entry["verified"] is None
    assert entry["by_participant"]["verified"] is None
    assert entry["by_participant"]["last"] == pytest.approx(last.costs["total"].to_dict())
    assert lower_bound(copper, coupled(last, verdict), community, BASELINES)["gap"] is None
    feasible = costs(copper, copper, coupled(last))
    assert feasible["by_participant"]["verified"] == feasible["by_participant"]["last"]


def test_the_method_that_was_settled_is_named() -> None:
    settings = Bargaining(settle_with="nash")
    table = pd.DataFrame({"method": ["shapley", "nucleolus"], "settled": [True, False]})
    assert settled_with(settings, table) == "shapley"
    assert settled_with(settings, None) == "nash"
