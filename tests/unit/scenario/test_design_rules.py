"""A design section that does not fit is named: place, value found, what is expected, what to do."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from cosim.scenario.config import ScenarioConfig
from cosim.scenario.design import Design
from cosim.scenario.design_catalogue import Catalogue, ChpType, PvOffer, of_site
from cosim.scenario.design_rules import design_problems

ENGINE = {"name": "engine", "power_kw": 100, "cost": 1000, "life_years": 10, "eta_el": 0.35}
BASE: dict[str, Any] = {
    "name": "case",
    "time": {"start": "2023-01-01T00:00:00+00:00", "steps": 8760, "step_minutes": 60},
    "tariffs": {"electricity": {"buy": 0.3}, "gas": {"buy": 0.05}},
    "participants": {
        name: {"connections": {"electricity": {}, "gas": {}}, "demand": {"heat": 10.0}}
        for name in ("hotel", "office")
    },
    "design": {
        "catalogue": {"chp": [ENGINE], "boiler": {"cost_per_kw": 50, "life_years": 15}},
        "sites": {"hotel": {"x_m": 0, "y_m": 0}, "office": {"x_m": 1, "y_m": 0}},
        "pipes": {
            "routes": [{"name": "r", "between": ["hotel", "office"], "length_m": 100}],
            "catalogue": [
                {"dn": 80, "inner_diameter_m": 0.08, "cost_per_m": 300, "loss_w_per_m_k": 0.2}
            ],
        },
    },
}


def problems(path: str = "", value: Any = None) -> list[str]:
    """Return what is said of the base with one field changed."""
    raw = deepcopy(BASE)
    if path:
        *above, last = path.split(".")
        here = raw
        for key in above:
            here = here.setdefault(key, {})
        here[last] = value
    config = ScenarioConfig.model_validate(raw, context={"design": True})
    return [str(problem) for problem in design_problems(config)]


def test_base_is_fine() -> None:
    assert problems() == []


def test_without_a_design_section_nothing_is_said() -> None:
    raw = {k: v for k, v in BASE.items() if k != "design"}
    config = ScenarioConfig.model_validate(raw, context={"design": True})
    assert design_problems(config) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "time.steps",
            24,
            "time: 24 steps of 60 minutes; expected a year by the hour in design mode: steps: "
            "8760, step_minutes: 60; typical days are made from it",
        ),
        (
            "design.candidates",
            {"hotel": ["boiler", "engin"]},
            "design.candidates.hotel: engin, which is in no catalogue; expected kinds or CHP "
            "types: absorption_chiller, battery, boiler, chiller, chp, engine, heat_pump, "
            "heat_storage, pv; check the spelling",
        ),
        (
            "design.candidates",
            {"castle": ["boiler"]},
            "design.candidates.castle: unknown building 'castle'; expected a participant (hotel, "
            "office); rename it",
        ),
        (
            "design.sites",
            {"hotel": {"x_m": 0, "y_m": 0}},
            "design.sites.office: missing; expected a place for every building; add x_m, y_m",
        ),
        (
            "design.catalogue.boiler.max_kw",
            {"castle": 3},
            "design.catalogue.boiler.max_kw.castle: unknown building 'castle'; expected a "
            "participant (hotel, office); rename it",
        ),
        (
            "participants.hotel.connections.heat",
            {},
            "participants.hotel.connections.heat: a connection in design mode; expected "
            "electricity and gas only; heat comes over design.pipes, cooling is made in the "
            "building; remove it",
        ),
        (
            "participants.hotel.demand.cooling",
            5.0,
            "participants.hotel.demand.cooling: nothing that makes cooling may be bought there; "
            "expected one of chiller, absorption_chiller in design.catalogue and "
            "design.candidates.hotel; add one",
        ),
        (
            "participants.hotel.connections",
            {"gas": {}},
            "participants.hotel.connections.electricity: missing; expected a connection, because "
            "pumps of heat pipes need electricity; add it",
        ),
        (
            "tariffs.electricity.peak",
            {"price_per_kw": 50},
            "tariffs.electricity.peak: a capacity charge in design mode; expected prices per kWh "
            "and standing charges; remove it; typical days do not hold the peak of every month",
        ),
        (
            "networks.heat",
            {"kind": "heat", "file": "heat.json"},
            "networks.heat: a heat network in design mode; expected electric and gas networks; "
            "the heat network is what design lays; remove it and give design.pipes",
        ),
        (
            "carbon.trading",
            {"price_per_t": 50},
            "carbon.trading: traded allowances in design mode; expected a tax; use "
            "carbon.tax_per_t",
        ),
        (
            "sharing",
            {"electricity": {"form": "bilateral"}},
            "sharing.electricity.form: bilateral in design mode; expected pool or none; use pool; "
            "contracts are settled by the allocation",
        ),
        (
            "sharing",
            {"heat": {"form": "none"}},
            "sharing.heat.form: none, but design.pipes has routes; expected pool: heat is shared "
            "over the pipes that are laid; remove the routes or use pool",
        ),
        (
            "sharing",
            {"heat": {"fee_per_kwh": 0.01}},
            "sharing.heat: fees on shared heat in design mode; expected no fees: pipes, losses and "
            "pumps are paid for as they are; set fee_per_kwh and grid_fee_per_kwh to 0",
        ),
    ],
)
def test_what_is_said(path: str, value: Any, said: str) -> None:
    assert said in problems(path, value)


def test_devices_are_chosen_not_given() -> None:
    raw = deepcopy(BASE)
    raw["participants"]["hotel"]["devices"] = {"old": {"type": "boiler", "heat_max_kw": 5}}
    from cosim.market.devices import DEVICE_TYPES

    config = ScenarioConfig.model_validate(
        raw, context={"design": True, "device_types": DEVICE_TYPES}
    )
    assert [str(problem) for problem in design_problems(config)] == [
        "participants.hotel.devices: old in design mode; expected no devices: what a building has "
        "is chosen from design.catalogue; remove them, or put them into the catalogue with a "
        "price of 0"
    ]


def test_route_to_itself() -> None:
    route = [{"name": "r", "between": ["hotel", "hotel"], "length_m": 1}]
    assert problems("design.pipes.routes", route) == [
        "design.pipes.routes.0.between: hotel twice; expected two buildings; name the other end"
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"supply_c": 50.0, "return_c": 55.0}, "supply_c 50 is not above return_c 55"),
        ({"catalogue": ()}, "routes without a catalogue of pipe sizes"),
        ({"routes": BASE["design"]["pipes"]["routes"] * 2}, "r twice in routes"),
    ],
)
def test_pipes_by_themselves(changed: dict[str, Any], said: str) -> None:
    raw = deepcopy(BASE["design"])
    raw["pipes"] |= changed
    with pytest.raises(ValidationError, match=said):
        Design.model_validate(raw)


def test_engines_are_plausible() -> None:
    with pytest.raises(ValidationError, match=r"give an eta_el_part above 0\.175"):
        ChpType.model_validate({**ENGINE, "eta_el_part": 0.17})
    with pytest.raises(
        ValidationError,
        match=r"at 50% load 50 kW of electricity is more than the 48\.4694 kW of fuel left",
    ):
        ChpType.model_validate({**ENGINE, "eta_el": 0.98})
    with pytest.raises(ValidationError, match="the CHP name engine is used twice"):
        Catalogue.model_validate({"chp": [ENGINE, ENGINE]})


def test_room_on_the_roof_by_building() -> None:
    offer = PvOffer.model_validate(
        {"cost_per_kw": 1, "life_years": 20, "profile": 0.5, "max_kw": {"hotel": 5}}
    )
    assert [of_site(offer.max_kw, name) for name in ("hotel", "office")] == [5.0, 0.0]
    assert of_site(7.0, "office") == 7.0
    assert of_site(None, "office") is None
