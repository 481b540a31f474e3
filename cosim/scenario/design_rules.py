"""Checks of the `design` section against the rest of the scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from cosim.errors import Problem
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.design import Design
from cosim.scenario.design_catalogue import KINDS
from cosim.scenario.problems import some

HOURS = 8760
DESIGN_CARRIERS = ("electricity", "gas")
DEMANDS = ("electricity", "heat", "cooling")


def design_problems(config: ScenarioConfig) -> list[Problem]:
    """Return what design mode cannot work with; nothing where the file has no `design`."""
    design = config.design
    if design is None:
        return []
    return list(
        chain(
            _time(config),
            _names(config, design),
            _routes(config, design),
            _participants(config),
            _supply(config, design),
            _unsupported(config),
            _sharing(config, design),
        )
    )


def _time(config: ScenarioConfig) -> Iterator[Problem]:
    time = config.time
    if time.steps != HOURS or time.step_minutes != 60:
        yield Problem(
            "time",
            f"{time.steps} steps of {time.step_minutes} minutes",
            f"a year by the hour in design mode: steps: {HOURS}, step_minutes: 60",
            "typical days are made from it",
        )
    if config.horizon is not None:
        yield Problem(
            "horizon", "windows in design mode", "no horizon section", "remove it; days are short"
        )


def _names(config: ScenarioConfig, design: Design) -> Iterator[Problem]:
    buildings = list(config.participants)
    known = {*KINDS, *(one.name for one in design.catalogue.chp)}
    for name, listed in design.candidates.items():
        yield from _building(f"design.candidates.{name}", name, buildings)
        unknown = [one for one in listed if one not in known]
        if unknown:
            yield Problem(
                f"design.candidates.{name}",
                f"{some(unknown)}, which is in no catalogue",
                f"kinds or CHP types: {', '.join(sorted(known))}",
                "check the spelling",
            )
    for name in design.sites:
        yield from _building(f"design.sites.{name}", name, buildings)
    if design.sites:
        for name in buildings:
            if name not in design.sites:
                yield Problem(
                    f"design.sites.{name}", "missing", "a place for every building", "add x_m, y_m"
                )
    for kind, offer in design.catalogue.sized().items():
        for field in ("max_kw", "max_kwh"):
            by_site = getattr(offer, field, None)
            if isinstance(by_site, Mapping):
                for name in by_site:
                    where = f"design.catalogue.{kind}.{field}.{name}"
                    yield from _building(where, name, buildings)


def _building(where: str, name: str, buildings: list[str]) -> Iterator[Problem]:
    if name not in buildings:
        yield Problem(
            where, f"unknown building {name!r}", f"a participant ({some(buildings)})", "rename it"
        )


def _routes(config: ScenarioConfig, design: Design) -> Iterator[Problem]:
    buildings = list(config.participants)
    for k, route in enumerate(design.pipes.routes):
        where = f"design.pipes.routes.{k}.between"
        for name in dict.fromkeys(route.between):
            yield from _building(where, name, buildings)
        if route.between[0] == route.between[1]:
            yield Problem(where, f"{route.between[0]} twice", "two buildings", "name the other end")


def _participants(config: ScenarioConfig) -> Iterator[Problem]:
    for name, participant in config.participants.items():
        where = f"participants.{name}"
        if participant.devices:
            yield Problem(
                f"{where}.devices",
                f"{some(list(participant.devices))} in design mode",
                "no devices: what a building has is chosen from design.catalogue",
                "remove them, or put them into the catalogue with a price of 0",
            )
        for carrier in participant.connections:
            if carrier not in DESIGN_CARRIERS:
                yield Problem(
                    f"{where}.connections.{carrier}",
                    "a connection in design mode",
                    "electricity and gas only; heat comes over design.pipes, cooling is made in "
                    "the building",
                    "remove it",
                )
        for carrier in participant.demand:
            if carrier not in DEMANDS:
                yield Problem(
                    f"{where}.demand.{carrier}",
                    "a demand in design mode",
                    f"demand for {', '.join(DEMANDS)}",
                    "remove it",
                )
        for carrier, connection in participant.connections.items():
            if connection.tariff is not None and connection.tariff.peak is not None:
                yield _peak(f"{where}.connections.{carrier}.tariff.peak")
    for carrier, tariff in config.tariffs.items():
        if tariff.peak is not None and carrier in DESIGN_CARRIERS:
            yield _peak(f"tariffs.{carrier}.peak")


def _peak(where: str) -> Problem:
    return Problem(
        where,
        "a capacity charge in design mode",
        "prices per kWh and standing charges",
        "remove it; typical days do not hold the peak of every month",
    )


def _supply(config: ScenarioConfig, design: Design) -> Iterator[Problem]:
    """Every demand can be met by something that is for sale or connected.

    Heat too, wherever pipes may lead: each building is designed by itself as well, for what it
    would cost without the others.
    """
    makers = {"heat": ("chp", "boiler", "heat_pump"), "cooling": ("chiller", "absorption_chiller")}
    joined = {name for route in design.pipes.routes for name in route.between}
    for name, participant in config.participants.items():
        for carrier, kinds in makers.items():
            if carrier not in participant.demand:
                continue
            if not any(_for_sale(design, name, kind) for kind in kinds):
                yield Problem(
                    f"participants.{name}.demand.{carrier}",
                    f"nothing that makes {carrier} may be bought there",
                    f"one of {', '.join(kinds)} in design.catalogue and design.candidates.{name}",
                    "add one",
                )
        reason = "there is a demand for electricity" if "electricity" in participant.demand else ""
        reason = reason or ("pumps of heat pipes need electricity" if name in joined else "")
        if reason and "electricity" not in participant.connections:
            yield Problem(
                f"participants.{name}.connections.electricity",
                "missing",
                f"a connection, because {reason}",
                "add it",
            )


def _for_sale(design: Design, building: str, kind: str) -> bool:
    if kind == "chp":
        return any(design.allows(building, kind, one.name) for one in design.catalogue.chp)
    return kind in design.catalogue.sized() and design.allows(building, kind, kind)


def _unsupported(config: ScenarioConfig) -> Iterator[Problem]:
    for name, network in config.networks.items():
        if network.kind in ("heat", "cooling"):
            yield Problem(
                f"networks.{name}",
                f"a {network.kind} network in design mode",
                "electric and gas networks; the heat network is what design lays",
                "remove it and give design.pipes",
            )
    if config.carbon.trading is not None:
        yield Problem(
            "carbon.trading",
            "traded allowances in design mode",
            "a tax",
            "use carbon.tax_per_t",
        )
    if config.system_operator.player:
        yield Problem(
            "system_operator.player",
            "true in design mode",
            "false: the players are the buildings",
            "remove it",
        )


def _sharing(config: ScenarioConfig, design: Design) -> Iterator[Problem]:
    electric, heat = config.sharing.get("electricity"), config.sharing.get("heat")
    if electric is not None and electric.form == "bilateral":
        yield Problem(
            "sharing.electricity.form",
            "bilateral in design mode",
            "pool or none",
            "use pool; contracts are settled by the allocation",
        )
    if heat is not None and heat.form != "pool" and design.pipes.routes:
        yield Problem(
            "sharing.heat.form",
            f"{heat.form}, but design.pipes has routes",
            "pool: heat is shared over the pipes that are laid",
            "remove the routes or use pool",
        )
    if heat is not None and (heat.fee_per_kwh or heat.grid_fee_per_kwh):
        yield Problem(
            "sharing.heat",
            "fees on shared heat in design mode",
            "no fees: pipes, losses and pumps are paid for as they are",
            "set fee_per_kwh and grid_fee_per_kwh to 0",
        )
