"""Sharing, allowances and CO2 devices that do not fit together are named, with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cosim.scenario.config import PeakCharge
from cosim.scenario.market_rules import market_problems
from tests.support.community import scenario

TARIFFS = {
    "electricity": {"buy": 0.3, "co2_kg_per_kwh": 0.4},
    "gas": {"buy": 0.1, "co2_kg_per_kwh": 0.2},
    "heat": {"buy": 0.1},
}
BOILER = {"type": "boiler", "heat_max_kw": 10.0}
WASH = {"type": "carbon_capture", "units": ["kettle"]}


def people() -> dict[str, Any]:
    return {
        "home": {"connections": {"electricity": {}}},
        "shop": {"connections": {"electricity": {}, "gas": {}}, "devices": {"kettle": BOILER}},
    }


def problems(changed: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    case = scenario(changed or people(), TARIFFS, **sections)
    return [str(problem) for problem in market_problems(case.config)]


def links(*found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"electricity": {"form": "bilateral", "links": list(found), **more}}


def test_what_fits_is_left_alone() -> None:
    good = links({"between": ["home", "shop"], "max_kw": 5.0}, link_max_kw=1.0)
    changed = people()
    changed["shop"]["devices"] |= {
        "wash": WASH,
        "reactor": {"type": "methanation", "methane_max_kw": 5.0},
    }
    changed["home"]["carbon_quota"] = {"kg": 5.0}
    carbon = {"trading": {"price_per_t": 50.0, "growth": 0.1}}
    assert problems(changed, sharing=good, carbon=carbon) == []
    assert problems(sharing={"gas": {"form": "none"}}) == []


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (
            {"gas": {"form": "pool"}},
            "sharing.gas.form: pool; expected none, because gas is not shared; remove it",
        ),
        (
            {"electricity": {"link_max_kw": 5.0, "links": []}},
            "sharing.electricity: link_max_kw and links with form: pool; expected form: bilateral, "
            "since only contracts have links; set sharing.electricity.form: bilateral or remove "
            "link_max_kw and links",
        ),
        (
            links({"between": ["home", "castle"]}),
            "sharing.electricity.links[0].between: 'castle'; expected a participant (home, shop)",
        ),
        (
            links({"between": ["home", "home"]}),
            "sharing.electricity.links[0].between: home twice; expected two participants",
        ),
        (
            links({"between": ["home", "shop"]}, {"between": ["shop", "home"]}),
            "sharing.electricity.links[1]: shop and home again, as in links[0]; expected one link "
            "per pair, since a link goes both ways; remove one of the two",
        ),
        (
            {"heat": {"form": "bilateral", "links": [{"between": ["home", "shop"]}]}},
            "sharing.heat.links[0].between: home, who has no connection for heat; expected a "
            "participant who can exchange heat; add participants.home.connections.heat or remove "
            "the link",
        ),
    ],
)
def test_links_that_cannot_be(sharing: dict[str, Any], expected: str) -> None:
    assert expected in problems(sharing=sharing)


def test_a_quota_needs_a_market() -> None:
    changed = people()
    changed["home"]["carbon_quota"] = {"kg": 5.0}
    assert problems(changed) == [
        "participants.home.carbon_quota: a quota without a market for allowances; expected a quota "
        "only where carbon.trading is given; add carbon.trading or remove the quota"
    ]


def test_a_price_that_grows_needs_a_limit() -> None:
    changed = people()
    changed["home"]["connections"]["electricity"] = {"import_max_kw": float("inf")}
    flat = {"trading": {"price_per_t": 50.0}}
    assert problems(changed, carbon=flat) == []
    assert problems(changed, carbon={"trading": {"price_per_t": 50.0, "growth": 0.1}}) == [
        "participants.home.connections.electricity.import_max_kw: no limit; expected a number, "
        "because a CO2 price that grows needs bounded emissions; give the contracted power"
    ]


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (
            {"wash": {**WASH, "units": ["kettle", "oven"]}},
            "participants.shop.devices.wash.units: 'oven', no device of this participant; expected "
            "devices that burn gas (kettle)",
        ),
        (
            {"wash": {**WASH, "units": ["roof"]}, "roof": {"type": "pv", "profile": 1.0}},
            "participants.shop.devices.wash.units: 'roof', which burns no gas; expected devices "
            "that burn gas (kettle)",
        ),
        (
            {"wash": WASH, "rinse": WASH},
            "participants.shop.devices.rinse.units: 'kettle', whose flue gas wash takes already; "
            "expected each unit once; remove it from one of them",
        ),
        (
            {"reactor": {"type": "methanation", "methane_max_kw": 5.0}},
            "participants.shop.devices.reactor: no CO2 to make methane from; expected a device of "
            "type carbon_capture at the same participant; add it or remove the methanation",
        ),
    ],
)
def test_co2_devices_that_miss_something(devices: dict[str, Any], expected: str) -> None:
    changed = people()
    changed["shop"]["devices"] |= devices
    assert problems(changed) == [expected]


def test_hours_of_a_peak_are_in_order() -> None:
    with pytest.raises(ValidationError, match=r"hours \[22, 6\] end before they begin; give"):
        PeakCharge(price_per_kw=1.0, hours=((22.0, 6.0),))
