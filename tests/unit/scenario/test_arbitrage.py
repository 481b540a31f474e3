"""Feed-in prices above purchase prices are refused where nothing would end the trade."""

from __future__ import annotations

from typing import Any

import pytest

from cosim.market import Market
from cosim.scenario.arbitrage import arbitrage_problems
from tests.support.community import scenario

BUY = (0.30, 0.05, 0.04, 0.30)
HOME = {"connections": {"electricity": {}}, "demand": {"electricity": 5.0}}
SUN = {**HOME, "devices": {"roof": {"type": "pv", "profile": (0.0, 9.0, 9.0, 0.0)}}}


def case(people: int = 2, *, sell: float = 0.08, buy: Any = BUY, **sections: Any) -> Any:
    participants = {f"home{k}": SUN for k in range(people)}
    tariffs = {"electricity": {"buy": buy, "sell": sell, "co2_kg_per_kwh": 0.4}}
    return scenario(participants, tariffs, **sections)


def found(one: Any) -> list[str]:
    return [str(p) for p in arbitrage_problems(one.config, one.profiles, len(one.time))]


def test_the_message_names_carrier_count_first_time_and_what_to_do() -> None:
    assert found(case()) == [
        "tariffs.electricity.sell: above the purchase price with CO2 tax and the fees of sharing "
        "at 2 steps, first 0.08 against 0.05 at 2024-01-15 01:00: one participant would buy what "
        "another one sells; expected a feed-in price that is at most as high; lower it, raise buy "
        "or the fees, or set sharing.electricity.form: none"
    ]


@pytest.mark.parametrize(
    "sections",
    [
        {"sharing": {"electricity": {"form": "none"}}},
        {"sharing": {"electricity": {"fee_per_kwh": 0.02}}},
        {"sharing": {"electricity": {"grid_fee_per_kwh": 0.04}}},
        {"carbon": {"tax_per_t": 100.0}},
        {"sell": 0.04},
        {"people": 1},
    ],
)
def test_fees_tax_or_nobody_to_share_with_make_it_harmless(sections: dict[str, Any]) -> None:
    assert found(case(**sections)) == []


def test_fees_to_an_operator_who_plays_stay_in_the_community() -> None:
    fees = {"sharing": {"electricity": {"fee_per_kwh": 0.02}}}
    one = case(**fees, system_operator={"player": True, "cost_per_kwh": 0.001})
    assert "first 0.08 against 0.051" in found(one)[0]


def test_the_losses_of_a_network_are_a_party_to_share_with() -> None:
    assert "at 2 steps" in found(case(1, networks={"grid": {"kind": "electric"}}))[0]


def test_a_connection_without_limits_is_refused_even_alone() -> None:
    free = {"connections": {"electricity": {"import_max_kw": float("inf")}}}
    free["connections"]["electricity"]["export_max_kw"] = float("inf")
    one = scenario({"home": free}, {"electricity": {"buy": 0.1, "sell": 0.2}})
    assert (
        "at 4 steps, first 0.2 against 0.1 at 2024-01-15 00:00: no limit ends it" in found(one)[0]
    )


def test_tariffs_of_their_own_are_compared_between_participants() -> None:
    """One buys by the hour, the other has a feed-in tariff of its own."""
    cheap = {"connections": {"electricity": {"tariff": {"buy": BUY}}}}
    sunny = {**SUN, "connections": {"electricity": {"tariff": {"buy": 0.3, "sell": 0.045}}}}
    tariffs = {"electricity": {"buy": 0.3}}
    one = scenario({"cheap": cheap, "sunny": sunny}, tariffs)
    (message,) = found(one)
    assert message.startswith("participants.sunny.connections.electricity.tariff.sell: above the")
    assert "at 1 step, first 0.045 against 0.04 at 2024-01-15 02:00" in message
    alone = {**SUN, "connections": {"electricity": {"tariff": {"buy": BUY, "sell": 0.045}}}}
    assert found(scenario({"home": HOME, "alone": alone}, tariffs)) == []


def test_a_quota_that_pays_for_trading_in_a_circle_is_refused() -> None:
    """0.1 kg too much at 50 per t are 0.005 per kWh, or 0.01 with a reward that doubles."""
    quota = {"kg_per_kwh_bought": {"electricity": 0.5}}
    ladder = {"price_per_t": 50.0, "quota": quota, "intervals": 1, "reward_growth": 1.0}
    flat = {"carbon": {"trading": {**ladder, "reward_growth": 0.0}}}
    assert found(case(buy=0.1, sell=0.094, **flat)) == []
    assert found(case(buy=0.1, sell=0.094, carbon={"trading": ladder})) == [
        "carbon.trading.quota.kg_per_kwh_bought.electricity: 0.5 kg for a kWh that emits 0.4 kg: "
        "buying electricity to sell it again would pay; expected at most 0.4, or a feed-in price "
        "further below the purchase price; lower it, or lower tariffs.electricity.sell"
    ]
    enough = {"trading": {**ladder, "quota": {"kg_per_kwh_bought": {"electricity": 0.4}}}}
    assert found(case(buy=0.1, sell=0.1, carbon=enough)) == []


def test_unknown_profiles_are_left_to_the_rules_about_series() -> None:
    assert found(case(buy="nowhere")) == []


def test_one_participant_alone_sells_what_it_makes_and_does_not_trade_in_a_circle() -> None:
    """At the cheap steps 9 kW are made: 5 are used, 4 are sold, nothing is bought."""
    one = case(1)
    schedule = Market(one, {}).solve(frozenset())
    table = schedule.table.set_index(["quantity", "time"])["value"]
    assert (table["buy_kw"] * table["sell_kw"] == 0.0).all()
    # 5 kW at 0.30 twice; 4 kW left over at 0.08 twice
    assert schedule.cost == pytest.approx(2 * 1.5 - 2 * 0.32)


@pytest.mark.parametrize("sell", [None, 0.08, -0.2])
def test_negative_prices_do_not_let_the_network_account_earn_without_limit(sell: Any) -> None:
    tariff = {"buy": (0.3, -0.1, -0.1, 0.3)} | ({} if sell is None else {"sell": sell})
    people = dict.fromkeys(("a", "b"), HOME)
    sharing = {"electricity": {"form": "none"}}
    one = scenario(
        people, {"electricity": tariff}, networks={"grid": {"kind": "electric"}}, sharing=sharing
    )
    schedule = Market(one, {}).solve(frozenset(people))
    assert schedule.cost == pytest.approx(2 * 5.0 * (0.3 - 0.1 - 0.1 + 0.3))
    mine = schedule.table[schedule.table["participant"] == "network"]
    assert mine.loc[mine["quantity"].isin(["buy_kw", "sell_kw"]), "value"].abs().max() < 1e-6
