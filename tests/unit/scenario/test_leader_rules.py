"""A leader that does not fit is named: place, value found, what is expected, what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cosim.errors import ScenarioError
from cosim.scenario.leader_rules import leader_problems
from cosim.scenario.rules import check_rules
from cosim.studies import evaluate
from tests.support.community import scenario

LIMITS = {"import_max_kw": 50.0, "export_max_kw": 50.0}
TARIFFS = {
    "electricity": {"buy": [0.3, 0.4], "sell": 0.05, "co2_kg_per_kwh": 0.5},
    "heat": {"buy": 0.1},
}
PRICES = {"electricity": {"buy": {"min": 0.0, "max": 0.2}, "sell": {"min": 0.1, "max": 0.5}}}


def people() -> dict[str, Any]:
    return {
        "home": {"connections": {"electricity": LIMITS}},
        "shop": {"connections": {"electricity": LIMITS, "heat": LIMITS}},
        "store": {
            "connections": {"electricity": LIMITS},
            "devices": {"battery": {"type": "battery", "capacity_kwh": 10.0}},
        },
    }


def problems(
    changed: dict[str, Any] | None = None, sections: dict[str, Any] | None = None, **leader: Any
) -> list[str]:
    section = {"participant": "store", "prices": PRICES, **leader}
    case = scenario(changed or people(), TARIFFS, steps=2, leader=section, **(sections or {}))
    return [str(one) for one in leader_problems(case.config, case.profiles, 2)]


def test_what_fits_is_left_alone() -> None:
    assert problems() == []
    assert problems(investment={"battery": {"cost": 100.0, "life_years": 10}}) == []
    assert problems(followers="independent", sections={"sharing": {}}) == []
    fixed = {"electricity": {"fixed_buy": 0.1, "fixed_sell": [0.2, 0.3]}}
    assert problems(method="fixed", prices=fixed) == []


def test_the_leader_is_a_participant() -> None:
    (text,) = problems(participant="bank")
    assert text == "leader.participant: 'bank'; expected a participant (home, shop, store)"


def test_priced_carriers_need_connections_on_both_sides() -> None:
    heat = {"heat": {"sell": {"min": 0.0, "max": 0.1}}}
    (text,) = problems(prices=heat)
    assert text.startswith("leader.prices.heat: a price, but store has no connection for heat")
    assert "add participants.store.connections.heat or remove the price" in text
    alone = people()
    alone["store"]["connections"]["heat"] = LIMITS
    del alone["shop"]["connections"]["heat"]
    (text,) = problems(alone, prices=heat)
    assert text.startswith("leader.prices.heat: a price, but no other participant has a connection")


def test_fixed_prices_are_given_where_they_are_asked_for() -> None:
    found = problems(method="fixed")
    assert [text.split(":")[0] for text in found] == [
        "leader.prices.electricity.fixed_buy",
        "leader.prices.electricity.fixed_sell",
    ]
    assert "add it, remove buy, or choose another method" in found[0]


def test_ranges_are_not_empty() -> None:
    prices = {"electricity": {"sell": {"min": [0.1, 0.4], "max": 0.3}}}
    (text,) = problems(prices=prices)
    assert text == (
        "leader.prices.electricity.sell: min 0.4 above max 0.3 at 2024-01-15 01:00 (1 step); "
        "expected min at most max; swap or widen them"
    )


def test_the_leader_never_pays_more_than_it_may_take() -> None:
    prices = {
        "electricity": {
            "fixed_buy": 0.25,
            "fixed_sell": [0.2, 0.3],
            "service_fee_per_kwh": 0.01,
        }
    }
    (text,) = problems(method="fixed", prices=prices)
    assert text.startswith(
        "leader.prices.electricity.fixed_buy: 0.25 above fixed_sell with both fees, 0.22 at "
        "2024-01-15 00:00 (1 step): a follower would buy from the leader to sell to it"
    )


def test_nobody_buys_from_the_utility_to_sell_to_the_leader() -> None:
    prices = {"electricity": {"buy": {"min": 0.0, "max": 0.35}, "service_fee_per_kwh": 0.01}}
    (text,) = problems(prices=prices)
    assert text.startswith(
        "leader.prices.electricity.buy.max: 0.34 less fee, above 0.3 that home pays its utility, "
        "CO2 tax included, at 2024-01-15 00:00 (1 step): it would buy there to sell to the leader"
    )
    assert problems(prices=prices, sections={"carbon": {"tax_per_t": 100.0}}) == []


def test_independent_followers_share_nothing() -> None:
    (text,) = problems(followers="independent")
    assert text.startswith("leader.followers: independent, but electricity, heat is shared")
    assert "sharing: {}" in text


def test_the_leader_neither_shares_nor_bargains() -> None:
    sharing = {"electricity": {"form": "bilateral", "links": [{"between": ["home", "store"]}]}}
    (text,) = problems(sections={"sharing": sharing})
    assert text.startswith("sharing.electricity.links[0].between: store, who leads")
    players = {"all": ["home", "shop", "store"]}
    (text,) = problems(sections={"bargaining": {"players": players}})
    assert text.startswith("bargaining.players.all: store, who leads; expected followers only")


def test_players_are_complete_without_the_leader() -> None:
    section = {"participant": "store", "prices": PRICES}
    players = {"one": ["home"], "two": ["shop"]}
    case = scenario(people(), TARIFFS, steps=2, leader=section, bargaining={"players": players})
    assert check_rules(case.config, case.profiles, 2) == []


def test_investment_names_devices_of_the_leader() -> None:
    (text,) = problems(investment={"tank": {"cost": 1.0, "life_years": 10}})
    assert text.startswith("leader.investment.tank: no device of store; expected one of its")


def test_prices_are_for_a_horizon_at_once() -> None:
    (text,) = problems(sections={"horizon": {"window_hours": 1.0, "look_ahead_hours": 0.0}})
    assert text.startswith("horizon: 2 windows with a leader; expected one market")


def test_unknown_profiles_are_said_once_and_by_name() -> None:
    prices = {"electricity": {"sell": {"min": 0.1, "max": "dear"}}}
    section = {"participant": "store", "prices": prices}
    case = scenario(people(), TARIFFS, steps=2, leader=section)
    (problem,) = check_rules(case.config, case.profiles, 2)
    assert problem.where == "leader.prices.electricity.sell.max"
    assert problem.found == "unknown profile 'dear'"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"prices": {"electricity": {"service_fee_per_kwh": 0.1}}}, "neither a buy nor a sell"),
        ({"prices": {}}, "at least 1 item"),
        ({"gap": 1.0}, "less than 1"),
        ({"method": "guess"}, "'exact', 'evolutionary'"),
        ({"investment": {"battery": {"cost": 1.0, "life_years": 0}}}, "greater than 0"),
    ],
)
def test_fields_out_of_range_are_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        problems(**change)


def test_a_dispatch_study_needs_no_leader() -> None:
    section = {"participant": "store", "prices": PRICES}
    case = scenario(people(), TARIFFS, steps=2, leader=section)
    with pytest.raises(ScenarioError, match="a leader, in a study with action: dispatch"):
        evaluate._dispatched(case)
