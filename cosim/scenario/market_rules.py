"""Checks of sharing, allowances and CO2 devices across fields; each rule yields problems."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cosim.errors import Problem
from cosim.scenario.carriers import Carrier
from cosim.scenario.config import Link, ScenarioConfig, Sharing
from cosim.scenario.participants import Participant
from cosim.scenario.problems import some


def market_problems(config: ScenarioConfig) -> Iterator[Problem]:
    """Yield what does not fit together in sharing, carbon and the devices that handle CO2."""
    for carrier, sharing in config.sharing.items():
        yield from _sharing(config, carrier, sharing)
    yield from _allowances(config)
    for name, participant in config.participants.items():
        yield from _capture(f"participants.{name}.devices", participant)


def _sharing(config: ScenarioConfig, carrier: Carrier, sharing: Sharing) -> Iterator[Problem]:
    where = f"sharing.{carrier}"
    if carrier == "gas" and sharing.form != "none":
        yield Problem(f"{where}.form", sharing.form, "none, because gas is not shared", "remove it")
        return
    if sharing.form != "bilateral":
        given = [f for f in ("link_max_kw", "links") if getattr(sharing, f) is not None]
        if given:
            yield Problem(
                where,
                f"{' and '.join(given)} with form: {sharing.form}",
                "form: bilateral, since only contracts have links",
                f"set {where}.form: bilateral or remove {' and '.join(given)}",
            )
        return
    pairs: dict[frozenset[str], int] = {}
    for k, link in enumerate(sharing.links or ()):
        yield from _link(config, carrier, f"{where}.links[{k}]", link)
        first = pairs.setdefault(frozenset(link.between), k)
        if first != k:
            yield Problem(
                f"{where}.links[{k}]",
                f"{link.between[0]} and {link.between[1]} again, as in links[{first}]",
                "one link per pair, since a link goes both ways",
                "remove one of the two",
            )


def _link(config: ScenarioConfig, carrier: Carrier, where: str, link: Link) -> Iterator[Problem]:
    if link.between[0] == link.between[1]:
        yield Problem(f"{where}.between", f"{link.between[0]} twice", "two participants")
        return
    for name in link.between:
        if name not in config.participants:
            known = some(list(config.participants))
            yield Problem(f"{where}.between", repr(name), f"a participant ({known})")
        elif carrier not in config.participants[name].connections:
            yield Problem(
                f"{where}.between",
                f"{name}, who has no connection for {carrier}",
                f"a participant who can exchange {carrier}",
                f"add participants.{name}.connections.{carrier} or remove the link",
            )


def _allowances(config: ScenarioConfig) -> Iterator[Problem]:
    trading = config.carbon.trading
    for name, participant in config.participants.items():
        where = f"participants.{name}"
        if trading is None and participant.carbon_quota is not None:
            yield Problem(
                f"{where}.carbon_quota",
                "a quota without a market for allowances",
                "a quota only where carbon.trading is given",
                "add carbon.trading or remove the quota",
            )
        if trading is None or not trading.rewards:
            continue
        if trading.growth == trading.reward_growth == 0.0:
            continue
        for carrier, connection in participant.connections.items():
            own = connection.tariff or config.tariffs.get(carrier)
            emits = own is not None and own.co2_kg_per_kwh > 0.0
            if emits and math.isinf(connection.import_max_kw):
                yield Problem(
                    f"{where}.connections.{carrier}.import_max_kw",
                    "no limit",
                    "a number, because a CO2 price that grows needs bounded emissions",
                    "give the contracted power",
                )


def _capture(where: str, participant: Participant) -> Iterator[Problem]:
    devices = participant.devices
    burners = [name for name, spec in devices.items() if _burns_gas(spec)]
    washers = {name: spec for name, spec in devices.items() if spec.type == "carbon_capture"}
    taken: dict[str, str] = {}
    for name, spec in washers.items():
        for unit in spec.units:
            if unit not in burners:
                found = "which burns no gas" if unit in devices else "no device of this participant"
                yield Problem(
                    f"{where}.{name}.units",
                    f"{unit!r}, {found}",
                    f"devices that burn gas ({some(burners) or 'none here'})",
                )
            elif unit in taken:
                yield Problem(
                    f"{where}.{name}.units",
                    f"{unit!r}, whose flue gas {taken[unit]} takes already",
                    "each unit once",
                    "remove it from one of them",
                )
            else:
                taken[unit] = name
    for name, spec in devices.items():
        if spec.type == "methanation" and not washers:
            yield Problem(
                f"{where}.{name}",
                "no CO2 to make methane from",
                "a device of type carbon_capture at the same participant",
                "add it or remove the methanation",
            )


def _burns_gas(spec: Any) -> bool:
    """True for devices with flue gas: they have a factor for its CO2."""
    return hasattr(spec, "flue_co2_kg_per_kwh")
