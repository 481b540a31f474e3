"""A typical day of designed buildings as an ordinary scenario: files that `cosim run` can read.

Every building is a participant. Those who cooperate share electricity as the scenario says, and
heat over the pipes they laid; others keep their stand-alone design and trade with utilities only.
Heat that a building needs and does not get may be left unserved at a price far above any other,
so that a design that is too small is an answer with hour and amount and not an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from cosim.grids.heat.laid import Circuit, keep_warm_kg_per_s, write_laid_network
from cosim.records.design import TypicalDay, Unit
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.design import Design as DesignSection
from cosim.scenario.series import Series
from cosim.scenario.typical_days import on_day

HOURS = 24
SAMPLE = {"sample_steps": 0, "worst_per_limit": 0, "odd_steps": 0, "near_limit": 0.0}
"""Re-runs in every round where the scenario says nothing: none, since the days of the design that
stands are all re-run at every step, and the others are not reported as passed."""
HEAT_TYPES = ("chp", "boiler", "heat_pump", "heat_storage")
"""Devices that supply heat."""
UNSERVED = "unserved"
"""Devices `unserved_<carrier>` stand for demand that is not met."""
UNSERVED_SHARE = 0.1
"""Price of unserved demand, as a share of the price of missing a network limit: far above every
energy price, and below what a limit is worth."""
WARM_MARGIN_K = 1.0
"""Stations without draw are kept this much above the lowest supply temperature."""
FILE = "scenario.yaml"
Role = Literal["draws", "feeds"]
"""What a station does on a day."""


@dataclass(frozen=True, slots=True)
class DayCase:
    """One day to be verified.

    Attributes:
        day: its profiles.
        together: buildings that cooperate.
        units: what every building has.
        circuit: laid pipes that are simulated; None where heat stays in the buildings.
        roles: what stations do that day; a station draws where nothing is said. The host's
            building only delivers. Only stations that draw have a bypass.
        fixed_heat_kw: building -> heat that it gives to other pipes than these, shape (24,).
        fixed_pump_kw: building -> electricity of their pumps, shape (24,).
    """

    day: TypicalDay
    together: frozenset[str]
    units: tuple[Unit, ...]
    circuit: Circuit | None
    roles: Mapping[str, Role] = field(default_factory=dict)
    fixed_heat_kw: Mapping[str, FloatArray] = field(default_factory=dict)
    fixed_pump_kw: Mapping[str, FloatArray] = field(default_factory=dict)


def write_day(base: Scenario, case: DayCase, folder: Path) -> Path:
    """Write the scenario of a day with its profiles and its heat network; return its file.

    Args:
        base: the scenario in design mode.
        case: what runs that day.
        folder: to write to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = base.time.index[HOURS * case.day.position : HOURS * (case.day.position + 1)]
    profiles = pd.DataFrame(dict(case.day.profiles), index=index.rename("time"))
    content = _content(base, case, folder, index[0].isoformat())
    if len(profiles.columns):
        profiles.to_csv(folder / "profiles.csv")
        content["profiles"] = ["profiles.csv"]
    design = base.config.design
    assert design is not None
    if case.circuit is not None:
        positions = {name: (site.x_m, site.y_m) for name, site in design.sites.items()}
        write_laid_network(case.circuit, positions, folder / "heat.json")
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder / FILE


def _content(base: Scenario, case: DayCase, folder: Path, start: str) -> dict[str, Any]:
    """Return the scenario's sections with those of the day in their place."""
    design = base.config.design
    assert design is not None
    content: dict[str, Any] = base.config.model_dump(mode="json", exclude_unset=True)
    content = _of_day(content, case.day.position, len(base.time))
    for section in ("design", "horizon", "profiles"):
        content.pop(section, None)
    content["name"] = f"{base.config.name}-{case.day.name}"
    content["description"] = _description(case)
    content["time"] = {
        "start": start,
        "steps": HOURS,
        "step_minutes": 60,
        "timezone": base.config.time.timezone,
    }
    content.setdefault("verification", dict(SAMPLE))
    _move_files(content, base.folder, folder)
    sharing = {"electricity": {}, **content.get("sharing", {})}
    content["sharing"] = {**sharing, "heat": {"form": "pool"}}
    if case.circuit is not None:
        content["networks"] = {**content.get("networks", {}), "heat": heat_section(design, case)}
        content["tariffs"] = {**content["tariffs"], "heat": {"buy": 0.0}}
    for name, participant in content["participants"].items():
        _equip(name, participant, base, design, case)
    return content


def _of_day(value: Any, position: int, steps: int) -> Any:
    """Return sections in which lists with a value per step of the year are those of the day."""
    if isinstance(value, dict):
        return {key: _of_day(item, position, steps) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) == steps:
            return value[HOURS * position : HOURS * (position + 1)]
        return [_of_day(item, position, steps) for item in value]
    return value


def _description(case: DayCase) -> str:
    day = case.day
    stands = "a design day" if day.is_design_day else f"stands for {day.weight_days:g} days"
    return f"{', '.join(sorted(case.together)) or 'nobody'} together on {day.name}, {stands}"


def _move_files(content: dict[str, Any], old: Path, new: Path) -> None:
    """Let relative paths start at the new folder."""

    def moved(path: str) -> str:
        return os.path.relpath((old / path).resolve(), new.resolve())

    for network in content.get("networks", {}).values():
        if network.get("file"):
            network["file"] = moved(network["file"])
        background = network.get("background") or {}
        if background.get("table"):
            background["table"] = moved(background["table"])
    weather = content.get("weather") or {}
    if weather.get("file"):
        weather["file"] = moved(weather["file"])


def heat_section(design: DesignSection, case: DayCase) -> dict[str, Any]:
    """Return the section of the network of the laid pipes."""
    circuit, pipes = case.circuit, design.pipes
    assert circuit is not None
    coldest_c = pipes.limits.supply_temperature_min_c + WARM_MARGIN_K
    least = keep_warm_kg_per_s(circuit, coldest_c, pipes.ground_c)
    section: dict[str, Any] = {
        "kind": "heat",
        "file": "heat.json",
        "utility": False,
        "supply_temperature_c": pipes.supply_c,
        "return_temperature_c": pipes.return_c,
        "ground_temperature_c": pipes.ground_c,
        "pump_lift_bar": circuit.lift_bar,
        "pump_efficiency": pipes.pump_efficiency,
        "limits": pipes.limits.model_dump(mode="json", exclude_unset=True),
    }
    drawing = [name for name in circuit.buildings if name != circuit.host]
    drawing = [name for name in drawing if case.roles.get(name, "draws") == "draws"]
    if least > 0.0 and drawing:
        section["bypass"] = {"at": drawing, "least_kg_per_s": round(least, 5)}
    return section


def _equip(
    name: str, participant: dict[str, Any], base: Scenario, design: DesignSection, case: DayCase
) -> None:
    """Give a building its units, its place in the heat network, and what other pipes take."""
    devices = {}
    for unit in case.units:
        if unit.building == name:
            devices.update(_of_day(devices_of(unit, design), case.day.position, len(base.time)))
    demand = participant.setdefault("demand", {})
    for carrier, given in (("heat", case.fixed_heat_kw), ("electricity", case.fixed_pump_kw)):
        if name in given:
            needs: Mapping[Any, Series] = base.config.participants[name].demand
            values = on_day(base, case.day, needs.get(carrier, 0.0)) + given[name]
            demand[carrier] = [round(float(value), 6) for value in values]
    circuit = case.circuit
    if circuit is not None and name in circuit.buildings:
        participant["connections"]["heat"] = _connection(name, circuit, case.roles)
    elif name in case.fixed_heat_kw and not any(d["type"] in HEAT_TYPES for d in devices.values()):
        demand.pop("heat", None)  # other pipes bring all of it
    participant["devices"] = devices | _unserved(demand, base)


def _unserved(demand: Mapping[str, Any], base: Scenario) -> dict[str, dict[str, Any]]:
    """Return devices that leave demand unserved at a price."""
    price = UNSERVED_SHARE * base.config.coupling.unmet_price_per_kwh
    return {
        f"{UNSERVED}_{carrier}": {
            "type": "curtailable_demand",
            "carrier": carrier,
            "share": 1.0,
            "cost_per_kwh": price,
        }
        for carrier in ("heat", "cooling")
        if carrier in demand and not _below_zero(demand[carrier])
    }


def _below_zero(value: Any) -> bool:
    """Return whether a series brings more than is needed at some hour (a store takes it)."""
    return isinstance(value, list) and min(value) < 0.0


def _connection(name: str, circuit: Circuit, roles: Mapping[str, Role]) -> dict[str, Any]:
    """Return the heat connection of a building, closed in the direction that it does not use."""
    if name == circuit.host:
        return {"at_slack": True, "import_max_kw": 0.0}
    role = roles.get(name, "draws")
    closed = "export_max_kw" if role == "draws" else "import_max_kw"
    return {"at": name, closed: 0.0}


def devices_of(unit: Unit, design: DesignSection) -> dict[str, dict[str, Any]]:
    """Return the devices of a scenario that a bought unit is, by name."""
    if unit.kind == "chp":
        offer = next(one for one in design.catalogue.chp if one.name == unit.device)
        spec: dict[str, Any] = {
            "type": "chp",
            "power_max_kw": unit.size,
            "load_min": offer.load_min,
            "eta_el_full": offer.eta_el,
            "part_load": offer.part_load,
            "loss_share": offer.loss_share,
            "heat_recovered_share": offer.heat_recovered_share,
            "heat_dump_allowed": offer.heat_dump_allowed,
            "maintenance_per_kwh": offer.maintenance_per_kwh,
        }
        if offer.eta_el_part is not None:
            spec["eta_el_part"] = offer.eta_el_part
        if unit.count == 1:
            return {unit.device: spec}
        return {f"{unit.device}_{k + 1}": spec for k in range(unit.count)}
    return {unit.device: _sized_device(unit, design)}


def _sized_device(unit: Unit, design: DesignSection) -> dict[str, Any]:
    """Return the device of a unit of free size."""
    offer = design.catalogue.sized()[unit.kind]
    given = offer.model_dump(mode="json")
    size = float(unit.size)

    def taken(*names: str) -> dict[str, Any]:
        return {name: given[name] for name in names}

    if unit.kind == "pv":
        return {"type": "pv", "rated_kw": size, **taken("profile", "maintenance_per_kwh")}
    if unit.kind in ("battery", "heat_storage"):
        content = taken(
            "charge_max_per_h",
            "discharge_max_per_h",
            "eta_charge",
            "eta_discharge",
            "self_discharge_per_h",
        )
        kwh = {"capacity_kwh": size, "degradation_per_kwh": offer.maintenance_per_kwh}
        return {"type": unit.kind, **kwh, **content}
    kept = {
        "boiler": ("boiler", "heat_max_kw", ("eta",)),
        "heat_pump": ("heat_pump", "heat_max_kw", ("cop",)),
        "chiller": ("compression_chiller", "cooling_max_kw", ("eer",)),
        "absorption_chiller": (
            "absorption_chiller",
            "cooling_max_kw",
            ("cop", "electricity_share"),
        ),
    }
    kind, rating, fields = kept[unit.kind]
    money = taken("maintenance_per_kwh")
    return {"type": kind, rating: size, **money, **taken(*fields)}
