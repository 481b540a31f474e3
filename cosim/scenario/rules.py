"""Checks across fields of a scenario; each rule returns problems, none raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from cosim.errors import Problem
from cosim.records.names import OPERATOR
from cosim.records.time import FloatArray
from cosim.scenario.arbitrage import arbitrage_problems
from cosim.scenario.config import BARGAINING_METHODS, CARRIER_OF_KIND, ScenarioConfig
from cosim.scenario.design_rules import design_problems
from cosim.scenario.horizon import horizon_problems
from cosim.scenario.leader_rules import leader_problems
from cosim.scenario.market_rules import market_problems
from cosim.scenario.networks import GasNetwork, HeatNetwork
from cosim.scenario.participants import Connection
from cosim.scenario.problems import some
from cosim.scenario.resolve import HYDROGEN, network_of
from cosim.scenario.series import ProfileRef

_EPS = 1e-9
RESERVED_NAMES = ("network", OPERATOR)


def check_rules(
    config: ScenarioConfig, profiles: Mapping[str, FloatArray], steps: int
) -> list[Problem]:
    """Return everything that is inconsistent across the scenario's sections."""
    return [
        *_names(config),
        *_tariffs(config),
        *_networks(config),
        *_compressor_buses(config),
        *_demand_response(config),
        *_suppliers(config),
        *_players(config),
        *_bargaining(config),
        *_series(config, profiles, steps),
        *horizon_problems(config),
        *arbitrage_problems(config, profiles, steps),
        *market_problems(config),
        *leader_problems(config, profiles, steps),
        *design_problems(config),
    ]


def _names(config: ScenarioConfig) -> Iterator[Problem]:
    for name in config.participants:
        if name in RESERVED_NAMES or ":" in name:
            yield Problem(
                f"participants.{name}",
                "a reserved name",
                f"any name but {', '.join(RESERVED_NAMES)} and without a colon",
                "rename the participant",
            )


def _tariffs(config: ScenarioConfig) -> Iterator[Problem]:
    needed: dict[str, list[str]] = {}
    for name, participant in config.participants.items():
        for carrier in participant.connections:
            needed.setdefault(str(carrier), []).append(name)
    for needed_carrier, names in needed.items():
        if needed_carrier not in set(config.tariffs):
            yield Problem(
                f"tariffs.{needed_carrier}",
                "missing",
                f"a tariff, because {some(names)} is connected to {needed_carrier}",
                "add the tariff or remove the connection",
            )


def _networks(config: ScenarioConfig) -> Iterator[Problem]:
    for name, participant in config.participants.items():
        for carrier, connection in participant.connections.items():
            network = network_of(config, carrier, connection)
            where = f"participants.{name}.connections.{carrier}"
            if network is None or carrier != "electricity":
                yield from _apparent_power(connection, where)
            if network is None:
                if connection.at is not None:
                    yield Problem(
                        f"{where}.at",
                        repr(connection.at),
                        f"no location, because the scenario has no {carrier} network",
                        "set networks.<name>.hydrogen of the gas network, or remove at"
                        if carrier == HYDROGEN
                        else "remove at or add the network",
                    )
            elif network not in config.networks:
                yield Problem(
                    f"{where}.network", repr(network), f"one of {some(list(config.networks))}"
                )
            elif carrier == HYDROGEN and config.networks[network].kind == "gas":
                yield from _hydrogen_feed(config, name, network)
            elif CARRIER_OF_KIND[config.networks[network].kind] != carrier:
                yield Problem(f"{where}.network", repr(network), f"a network for {carrier}")


def _hydrogen_feed(config: ScenarioConfig, participant: str, network: str) -> Iterator[Problem]:
    """Hydrogen goes into gas networks that take it, and is sold there."""
    settings = config.networks[network]
    connection = config.participants[participant].connections[HYDROGEN]
    where = f"participants.{participant}.connections.{HYDROGEN}"
    if isinstance(settings, GasNetwork) and settings.hydrogen is None:
        yield Problem(
            f"{where}.network",
            repr(network),
            "a gas network that takes hydrogen in",
            f"set networks.{network}.hydrogen.max_fraction or remove the connection's place",
        )
    tariff = connection.tariff or config.tariffs.get(HYDROGEN)
    if tariff is not None and tariff.sell is None:
        yield Problem(
            f"tariffs.{HYDROGEN}.sell",
            "missing",
            f"a price, because {participant} feeds hydrogen into {network}",
            "add it; 0 is a price",
        )


def _compressor_buses(config: ScenarioConfig) -> Iterator[Problem]:
    """Electricity of compressors comes from an electric network."""
    electric = any(network.kind == "electric" for network in config.networks.values())
    for name, network in config.networks.items():
        if isinstance(network, GasNetwork) and network.pump_bus is not None and not electric:
            yield Problem(
                f"networks.{name}.pump_bus",
                repr(network.pump_bus),
                "nothing, because the scenario has no electric network",
                "remove it or add the network",
            )


def _apparent_power(connection: Connection, where: str) -> Iterator[Problem]:
    """Reactive power exists in electric networks only."""
    for field in ("inverter_power_factor_min", "inverter_max_kva", "apparent_max_kva"):
        value = getattr(connection, field)
        if value is not None:
            yield Problem(
                f"{where}.{field}",
                f"{value:g}",
                "nothing: only electric networks have reactive power",
                "remove it, or add an electric network",
            )


def _demand_response(config: ScenarioConfig) -> Iterator[Problem]:
    """What all devices together may take away is at most the whole demand."""
    for name, participant in config.participants.items():
        taken: dict[str, dict[str, float]] = {}
        for device, spec in participant.devices.items():
            for carrier, share in spec.relieves().items():
                taken.setdefault(carrier, {})[device] = share
        for carrier, shares in taken.items():
            if sum(shares.values()) > 1.0 + _EPS:
                listed = [f"{device} {share:g}" for device, share in shares.items()]
                yield Problem(
                    f"participants.{name}.devices",
                    f"{some(listed)} take away {sum(shares.values()):g} of the {carrier} demand",
                    "shares that add up to at most 1",
                    "lower share in one of them",
                )


def _suppliers(config: ScenarioConfig) -> Iterator[Problem]:
    """Whoever produces for background customers does so at the balancing plant."""
    for name, network in config.networks.items():
        if not isinstance(network, HeatNetwork):
            continue
        if not network.utility and not _at_plant(config, name):
            yield Problem(
                f"networks.{name}.utility",
                "false, and no participant is at the plant",
                "a participant whose site is the plant",
                f"set at_slack: true in a connection of {CARRIER_OF_KIND[network.kind]}",
            )
        if network.supplies_background is None:
            continue
        supplier, where = network.supplies_background, f"networks.{name}.supplies_background"
        if supplier not in config.participants:
            known = some(list(config.participants))
            yield Problem(where, repr(supplier), f"a participant ({known})")
            continue
        carrier = CARRIER_OF_KIND[network.kind]
        connection = config.participants[supplier].connections.get(carrier)
        place = f"participants.{supplier}.connections.{carrier}"
        if connection is None or network_of(config, carrier, connection) != name:
            found = f"{supplier!r}, who has no {carrier} connection to this network"
        elif not connection.at_slack:
            found = f"{supplier!r}, whose {carrier} connection is not at the balancing plant"
        else:
            continue
        yield Problem(
            where,
            found,
            "a participant at the balancing plant, where the heat for background customers enters",
            f"set {place}.at_slack: true or name another participant",
        )


def _at_plant(config: ScenarioConfig, name: str) -> bool:
    """Return whether a participant's site is the plant of a heat or cooling network."""
    carrier = CARRIER_OF_KIND[config.networks[name].kind]
    found = [
        p.connections[carrier] for p in config.participants.values() if carrier in p.connections
    ]
    return any(c.at_slack and network_of(config, carrier, c) == name for c in found)


def _players(config: ScenarioConfig) -> Iterator[Problem]:
    players = config.bargaining.players
    if not players:
        return
    listed = [member for members in players.values() for member in members]
    unknown = sorted(set(listed) - set(config.participants))
    if unknown:
        yield Problem(
            "bargaining.players", f"unknown participant {some(unknown)}", "names of participants"
        )
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        yield Problem(
            "bargaining.players", f"{some(twice)} in more than one player", "each participant once"
        )
    missing = [name for name in config.followers if name not in listed]
    if missing:
        yield Problem(
            "bargaining.players",
            f"{some(missing)} in no player",
            "each participant once",
            "add it to a player",
        )


def _bargaining(config: ScenarioConfig) -> Iterator[Problem]:
    settings = config.bargaining
    if not settings.coalition_values and settings.settle_with not in BARGAINING_METHODS:
        yield Problem(
            "bargaining.settle_with",
            f"{settings.settle_with} with coalition_values: false",
            f"{' or '.join(BARGAINING_METHODS)}, which need no coalition values",
            "change it or set coalition_values: true",
        )
    if settings.power != "given":
        return
    names = list(settings.players or config.followers)
    for name in names:
        if name not in settings.given_power:
            yield Problem(f"bargaining.given_power.{name}", "missing", "a positive number")
    allowed = [*names, OPERATOR] if config.system_operator.player else names
    unknown = sorted(set(settings.given_power) - set(allowed))
    if unknown:
        yield Problem(
            "bargaining.given_power", f"unknown player {some(unknown)}", f"of {some(allowed)}"
        )


def _series(
    config: ScenarioConfig, profiles: Mapping[str, FloatArray], steps: int
) -> Iterator[Problem]:
    for where, value in _series_values(config, ""):
        name = value.profile if isinstance(value, ProfileRef) else value
        if isinstance(name, str) and name not in profiles:
            known = some(sorted(profiles)) or "none"
            yield Problem(
                where, f"unknown profile {name!r}", f"a column of the profile files ({known})"
            )
        elif isinstance(value, tuple) and len(value) != steps:
            yield Problem(where, f"a list of {len(value)} values", f"one value per step, {steps}")


def _series_values(model: BaseModel, where: str) -> Iterator[tuple[str, Any]]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        path = f"{where}.{name}" if where else name
        if isinstance(value, ProfileRef) or _may_be_profile(info.annotation):
            yield from _leaves(value, path)
        elif isinstance(value, BaseModel):
            yield from _series_values(value, path)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if isinstance(item, BaseModel) and not isinstance(item, ProfileRef):
                    yield from _series_values(item, f"{path}.{key}")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{path}.{key}", item
    elif value is not None:
        yield path, value


def _may_be_profile(annotation: Any) -> bool:
    """True for Series fields and for mappings or options of them."""
    return annotation is ProfileRef or any(_may_be_profile(part) for part in get_args(annotation))
