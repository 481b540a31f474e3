"""All coalitions of a market, against building and solving each by itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from time import process_time

import numpy as np
import pytest

from cosim.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario
from tests.support.community import town

pytestmark = pytest.mark.benchmark


def coalitions(case: Scenario) -> list[frozenset[str]]:
    """Return every coalition that has somebody to share with."""
    names = sorted(case.config.participants)
    return [
        frozenset(group) for size in range(2, len(names) + 1) for group in combinations(names, size)
    ]


def only(case: Scenario, members: frozenset[str]) -> Scenario:
    """Return a scenario of some participants alone, networks with their terminals only."""
    people = {n: p for n, p in case.config.participants.items() if n in members}
    config = case.config.model_copy(update={"participants": people})
    networks = {
        name: replace(
            inputs,
            terminals=tuple(
                t for t in inputs.terminals if t.name in members or t.name.startswith("pump:")
            ),
        )
        for name, inputs in case.networks.items()
    }
    return replace(case, config=config, networks=networks)


def best(
    found: dict[frozenset[str], Schedule], members: frozenset[str], alone: Schedule
) -> Schedule:
    """Return the cheapest schedule of a part of a coalition, as settlement does."""
    parts = [schedule for known, schedule in found.items() if known < members]
    return min(parts, key=lambda schedule: schedule.cost, default=alone)


@pytest.mark.parametrize("count", [5, pytest.param(10, marks=pytest.mark.slow)])
def test_coalitions_on_one_market_against_each_from_scratch(count: int) -> None:
    """CPU time of all 2^n coalitions, both ways with the same arrays, solver, gap and starts.

    From scratch means: Pyomo model of the members only, compiled to arrays, handed over, solved.
    Whole costs agree: what the members pay in their own market is what they pay in the common one.
    """
    case = town(count, 24, solver={"mip_gap": 1e-4})
    listed = coalitions(case)
    rng = np.random.default_rng(0)
    sample = listed if count == 5 else [listed[k] for k in rng.choice(len(listed), 120, False)]
    began = process_time()
    market = Market(case, {})
    alone = market.solve(frozenset())
    found: dict[frozenset[str], Schedule] = {}
    for members in sample:
        frozen = {name: alone for name in case.config.participants if name not in members}
        found[members] = market.solve(members, frozen=frozen, start=best(found, members, alone))
    ours = process_time() - began
    began = process_time()
    apart = {}
    for members in sample:
        own = Market(only(case, members), {})
        apart[members] = own.solve(members)
    scratch = process_time() - began
    for members, schedule in found.items():
        inside = schedule.costs["total"].reindex(sorted(members)).sum()
        whole = apart[members].costs["total"].reindex(sorted(members)).sum()
        assert inside == pytest.approx(whole, rel=5e-4, abs=0.05)
    ratio = ours / scratch
    print(f"{len(sample)} coalitions of {count} players: {ratio:.2f} of the CPU time from scratch")
    assert ratio <= 0.6
