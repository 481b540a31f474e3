"""Checks of the `leader` section across fields; each rule yields problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import numpy as np

from cosim.errors import Problem, ScenarioError
from cosim.records.time import FloatArray
from cosim.scenario.carriers import Carrier
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.horizon import windows_of
from cosim.scenario.leader import Leader, LeaderPrices, Side
from cosim.scenario.networks import has_utility
from cosim.scenario.problems import some
from cosim.scenario.scenario import resolve_series
from cosim.scenario.series import Series
from cosim.units import KG_PER_T

SIDES: tuple[Side, ...] = ("buy", "sell")
_EPS = 1e-9


def leader_problems(
    config: ScenarioConfig, profiles: Mapping[str, FloatArray], steps: int
) -> Iterator[Problem]:
    """Yield what does not fit together in the leader's section."""
    leader = config.leader
    if leader is None:
        return
    if leader.participant not in config.participants:
        known = some(list(config.participants))
        yield Problem("leader.participant", repr(leader.participant), f"a participant ({known})")
        return
    if len(config.participants) < 2:
        yield Problem("leader", "nobody else", "a participant who follows", "add one")
    for carrier, terms in leader.prices.items():
        yield from _carrier(config, leader, carrier)
        yield from _method(leader, carrier, terms)
        yield from _prices(config, leader, carrier, profiles, steps)
        yield from _resale(config, leader, carrier, profiles, steps)
    yield from _sharing(config, leader)
    yield from _players(config, leader)
    yield from _investment(config, leader)
    yield from _windows(config)
    if config.design is not None:
        yield Problem(
            "leader",
            "given beside design",
            "one of the two, because a design is of buildings that share, without prices",
            "remove leader or design",
        )


def _carrier(config: ScenarioConfig, leader: Leader, carrier: Carrier) -> Iterator[Problem]:
    """Whoever trades a carrier is connected for it."""
    where = f"leader.prices.{carrier}"
    if carrier not in config.participants[leader.participant].connections:
        yield Problem(
            where,
            f"a price, but {leader.participant} has no connection for {carrier}",
            f"a connection of the leader for {carrier}",
            f"add participants.{leader.participant}.connections.{carrier} or remove the price",
        )
    followers = [
        name
        for name, one in config.participants.items()
        if name != leader.participant and carrier in one.connections
    ]
    if not followers:
        yield Problem(
            where,
            f"a price, but no other participant has a connection for {carrier}",
            "at least one follower who can trade it",
            f"add connections.{carrier} to a follower or remove the price",
        )


def _method(leader: Leader, carrier: Carrier, terms: LeaderPrices) -> Iterator[Problem]:
    """Fixed prices are given where they are asked for."""
    if leader.method != "fixed":
        return
    for side in SIDES:
        if terms.has(side) and terms.fixed_of(side) is None:
            yield Problem(
                f"leader.prices.{carrier}.fixed_{side}",
                "missing, with method: fixed",
                "a price, because the leader trades on this side",
                f"add it, remove {side}, or choose another method",
            )


def _prices(
    config: ScenarioConfig,
    leader: Leader,
    carrier: Carrier,
    profiles: Mapping[str, FloatArray],
    steps: int,
) -> Iterator[Problem]:
    """Ranges are not empty, and the leader never has to pay more than it may take."""
    terms, where = leader.prices[carrier], f"leader.prices.{carrier}"
    try:
        ends = {side: _ends(leader, terms, side, profiles, steps) for side in SIDES}
    except ScenarioError:
        return  # said by the rules about series
    for side, (low, high) in ends.items():
        if (low > high + _EPS).any():
            found = _first(config, low > high + _EPS, low, high, "min {} above max {}")
            yield Problem(f"{where}.{side}", found, "min at most max", "swap or widen them")
            return
    if not (terms.has("buy") and terms.has("sell")):
        return
    pays, takes = ends["buy"][0], ends["sell"][1] + 2.0 * terms.service_fee_per_kwh
    crossed = pays > takes + _EPS
    if crossed.any():
        names = ("fixed_buy", "fixed_sell") if leader.method == "fixed" else ("buy.min", "sell.max")
        yield Problem(
            f"{where}.{names[0]}",
            _first(config, crossed, pays, takes, "{} above " + names[1] + " with both fees, {}")
            + ": a follower would buy from the leader to sell to it",
            f"at most {where}.{names[1]} and twice service_fee_per_kwh",
            f"lower it or raise {names[1]}",
        )


def _resale(
    config: ScenarioConfig,
    leader: Leader,
    carrier: Carrier,
    profiles: Mapping[str, FloatArray],
    steps: int,
) -> Iterator[Problem]:
    """No follower buys from its utility to sell to the leader, which would have to take it all."""
    terms = leader.prices[carrier]
    if not terms.has("buy") or not has_utility(config.networks, carrier):
        return
    name = "fixed_buy" if leader.method == "fixed" or terms.buy is None else "buy.max"
    for follower, one in config.participants.items():
        if follower == leader.participant or carrier not in one.connections:
            continue
        tariff = one.connections[carrier].tariff or config.tariffs.get(carrier)
        if tariff is None:
            continue  # said by the rules about tariffs
        try:
            high = _ends(leader, terms, "buy", profiles, steps)[1]
            paid = resolve_series(tariff.buy, profiles, steps)
        except ScenarioError:
            return  # said by the rules about series
        paid = paid + config.carbon.tax_per_t / KG_PER_T * tariff.co2_kg_per_kwh
        net = high - terms.service_fee_per_kwh
        where = net > paid + _EPS
        if where.any():
            yield Problem(
                f"leader.prices.{carrier}.{name}",
                _first(
                    config,
                    where,
                    net,
                    paid,
                    "{} less fee, above {} that " + follower + " pays "
                    "its utility, CO2 tax included,",
                )
                + ": it would buy there to sell to the leader",
                "at most what followers pay their utility, and the fee",
                "lower it at these steps",
            )
            return


def _ends(
    leader: Leader,
    terms: LeaderPrices,
    side: Side,
    profiles: Mapping[str, FloatArray],
    steps: int,
) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest price of a side; nothing that could cross where it has none."""
    between, fixed = terms.range_of(side), terms.fixed_of(side)
    if fixed is not None and (between is None or leader.method == "fixed"):
        between_: tuple[Series, Series] = (fixed, fixed)
    elif between is not None:
        between_ = (between.min, between.max)
    else:
        return np.zeros(steps), np.zeros(steps)
    low, high = (resolve_series(value, profiles, steps) for value in between_)
    return low, high


def _first(
    config: ScenarioConfig, where: np.ndarray, one: FloatArray, other: FloatArray, text: str
) -> str:
    """Return a text with the two values at the first step of many, and their number."""
    steps = np.flatnonzero(where)
    first = int(steps[0])
    start = config.time.start + timedelta(minutes=config.time.step_minutes * first)
    count = f"{len(steps)} step{'s' if len(steps) > 1 else ''}"
    values = text.format(f"{one[first]:g}", f"{other[first]:g}")
    return f"{values} at {start:%Y-%m-%d %H:%M} ({count})"


def _sharing(config: ScenarioConfig, leader: Leader) -> Iterator[Problem]:
    """Independent followers share nothing; the leader never does."""
    shared = [c for c, section in config.sharing.items() if section.form != "none"]
    if leader.followers == "independent" and shared:
        yield Problem(
            "leader.followers",
            f"independent, but {some(shared)} is shared",
            "no sharing among followers that answer alone",
            "give sharing: {} (electricity and heat are shared without it) or followers: "
            "cooperating",
        )
    for carrier, section in config.sharing.items():
        for k, link in enumerate(section.links or ()):
            if leader.participant in link.between:
                yield Problem(
                    f"sharing.{carrier}.links[{k}].between",
                    f"{leader.participant}, who leads and does not share",
                    "two followers",
                    "remove the link; what the leader trades has prices in leader.prices",
                )


def _players(config: ScenarioConfig, leader: Leader) -> Iterator[Problem]:
    """The leader's income is its profit; it is no player of the bargaining."""
    for player, members in config.bargaining.players.items():
        if leader.participant in members:
            yield Problem(
                f"bargaining.players.{player}",
                f"{leader.participant}, who leads",
                "followers only, because the leader earns by its prices",
                f"remove {leader.participant}",
            )


def _investment(config: ScenarioConfig, leader: Leader) -> Iterator[Problem]:
    devices: Sequence[str] = list(config.participants[leader.participant].devices)
    for name in leader.investment:
        if name not in devices:
            yield Problem(
                f"leader.investment.{name}",
                f"no device of {leader.participant}",
                f"one of its devices ({some(list(devices)) or 'it has none'})",
                "check the spelling or remove it",
            )


def _windows(config: ScenarioConfig) -> Iterator[Problem]:
    """Prices are found for a horizon at once."""
    try:
        windows = windows_of(config)
    except ValueError:
        return  # said by the rules about the horizon
    if len(windows) > 1:
        yield Problem(
            "horizon",
            f"{len(windows)} windows with a leader",
            "one market over the whole horizon, because a leader sets its prices for all of it",
            "remove horizon or shorten time.steps",
        )


__all__ = ["leader_problems"]
