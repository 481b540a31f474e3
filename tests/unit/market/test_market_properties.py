"""What holds for every community: balances, sums, pools, and that sharing never costs more."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.market import Market
from cosim.records import Baseline, Cut, CutKey, LossLine, Schedule, read_only
from cosim.scenario import Scenario
from tests.support.community import town

GAP = 1e-6
STEPS = 6
communities = st.builds(
    town,
    count=st.integers(2, 5),
    steps=st.just(STEPS),
    minutes=st.sampled_from([30, 60]),
    seed=st.integers(0, 10_000),
    system_operator=st.fixed_dictionaries({"player": st.booleans()}),
    solver=st.just({"mip_gap": GAP}),
)
few = settings(max_examples=12, deadline=None)


def everyone(case: Scenario) -> frozenset[str]:
    return frozenset(case.config.participants)


def power(schedule: Schedule, quantity: str, carrier: str) -> np.ndarray:
    """Return the sum over all parties of one trade quantity, per step."""
    table = schedule.table
    mine = table[(table["quantity"] == quantity) & (table["carrier"] == carrier)]
    return mine.groupby("time")["value"].sum().to_numpy()


def with_losses(case: Scenario, market: Market) -> None:
    """Add convex losses of the electric network and pump power of the heat network."""
    steps = read_only(np.arange(STEPS), np.int64)
    for grid, kind, size in (
        ("grid", "loss", 0.02),
        ("dh", "loss", -0.01),
        ("dh", "auxiliary", -0.005),
    ):
        names = market.compiled.layout.terminals[grid]
        coef = np.full((STEPS, len(names)), -size)
        constant = read_only(np.full(STEPS, 2.0))
        zeros = read_only(np.zeros_like(coef))
        exact = grid == "dh"
        market.set_loss_lines(
            [LossLine(grid, kind, 0, steps, names, constant, read_only(coef), zeros, exact)]
        )


@few
@given(communities)
def test_every_balance_closes_and_every_bound_holds(case: Scenario) -> None:
    market = Market(case, {})
    with_losses(case, market)
    schedule = market.solve(everyone(case))
    program, x = market.compiled.program, schedule.solution
    assert x is not None
    rows = program.matrix @ x
    assert (rows >= program.bounds.row_lb - 1e-6).all()
    assert (rows <= program.bounds.row_ub + 1e-6).all()
    binaries = x[program.integer]
    np.testing.assert_allclose(binaries, np.round(binaries), atol=1e-6)


@few
@given(communities)
def test_costs_add_up_to_the_objective_less_its_tie_break(case: Scenario) -> None:
    market = Market(case, {})
    with_losses(case, market)
    schedule = market.solve(everyone(case))
    program = market.compiled.program
    objective = float(program.cost @ schedule.solution) + program.offset
    assert schedule.cost == pytest.approx(schedule.costs["total"].sum(), abs=1e-9)
    components = schedule.costs.drop(columns="total").to_numpy().sum()
    assert components == pytest.approx(schedule.cost, abs=1e-6)
    charged = market.compiled.layout.charged.values()
    tie = sum(float(schedule.solution[columns].sum()) for columns in charged)
    assert objective - schedule.cost == pytest.approx(1e-4 * case.time.step_h * tie, abs=1e-6)
    assert schedule.bound <= schedule.cost + 1e-9
    assert schedule.gap <= GAP * 1.01


@few
@given(communities)
def test_the_pool_gives_what_it_takes_network_account_included(case: Scenario) -> None:
    market = Market(case, {})
    with_losses(case, market)
    schedule = market.solve(everyone(case))
    for carrier in ("electricity", "heat"):
        given_kw = power(schedule, "share_out_kw", carrier)
        taken_kw = power(schedule, "share_in_kw", carrier)
        np.testing.assert_allclose(given_kw, taken_kw, atol=1e-6)


@few
@given(communities)
def test_the_community_as_a_whole_uses_what_it_is_charged(case: Scenario) -> None:
    """Terminals and the account together: imports from outside cover withdrawals plus losses."""
    market = Market(case, {})
    with_losses(case, market)
    schedule = market.solve(everyone(case))
    for grid, carrier in (("grid", "electricity"), ("dh", "heat")):
        names = [k for k, name in enumerate(schedule.injections[grid].terminals) if ":" not in name]
        injected = schedule.injections[grid].p_kw[:, names].sum(axis=1)
        outside = power(schedule, "buy_kw", carrier) - power(schedule, "sell_kw", carrier)
        charged = schedule.network_demand_kw[carrier]
        np.testing.assert_allclose(outside, charged - injected, atol=1e-6)


@few
@given(communities)
def test_nobody_shares_in_both_directions_at_once(case: Scenario) -> None:
    table = Market(case, {}).solve(everyone(case)).table
    table = table.set_index(["quantity", "participant", "carrier", "time"])["value"]
    for first, second in (("share_in_kw", "share_out_kw"), ("buy_kw", "sell_kw")):
        both = np.minimum(table.loc[first], table.loc[second].reindex(table.loc[first].index))
        assert both.max() < 1e-6


@few
@given(communities)
def test_individual_mode_is_the_sum_of_participants_solved_alone(case: Scenario) -> None:
    together = Market(case, {}).solve(frozenset())
    total = 0.0
    for name in case.config.participants:
        config = case.config.model_copy(
            update={"participants": {name: case.config.participants[name]}, "networks": {}}
        )
        alone = Market(replace(case, config=config, networks={}), {}).solve(frozenset())
        assert together.costs.loc[name, "total"] == pytest.approx(
            alone.cost, abs=1e-4 + GAP * abs(alone.cost) * 2
        )
        total += alone.cost
    assert together.cost == pytest.approx(total, rel=4 * GAP, abs=1e-3)


@few
@given(communities, st.randoms(use_true_random=False))
def test_more_members_never_cost_more(case: Scenario, chance: object) -> None:
    market = Market(case, {})
    names = sorted(case.config.participants)
    chance.shuffle(names)  # type: ignore[attr-defined]
    costs = [market.solve(frozenset(names[:count])).cost for count in range(len(names) + 1)]
    for fewer, more in pairwise(costs):
        assert more <= fewer + 2 * GAP * abs(fewer) + 1e-6


@few
@given(communities)
def test_groups_solved_apart_cost_what_they_cost_together(case: Scenario) -> None:
    """A cut that never binds links everyone, so that the whole program is solved at once."""
    market = Market(case, {})
    members = frozenset(sorted(case.config.participants)[:2])
    apart = market.solve(members)
    names = market.compiled.layout.terminals["grid"]
    row = read_only(np.ones(len(names)))
    market.add_cuts(
        [Cut(CutKey("grid", "import", "grid", 0, 0, 0), names, row, row, 1e6, outer=True)]
    )
    together = market.solve(members)
    assert apart.cost == pytest.approx(together.cost, rel=3 * GAP, abs=1e-4)


@few
@given(communities)
def test_a_start_changes_nothing_but_time(case: Scenario) -> None:
    market = Market(case, {})
    cold = market.solve(everyone(case))
    warm = market.solve(everyone(case), start=cold)
    other = market.solve(frozenset())
    assert warm.cost == pytest.approx(cold.cost, rel=3 * GAP, abs=1e-4)
    from_other = market.solve(everyone(case), start=other)
    assert from_other.cost == pytest.approx(cold.cost, rel=3 * GAP, abs=1e-4)


@few
@given(communities)
def test_copies_in_other_processes_give_the_same(case: Scenario) -> None:
    zeros = read_only(np.zeros(STEPS))
    market = Market(case, {"dh": Baseline("dh", zeros, zeros, zeros)})
    with_losses(case, market)
    schedule = market.solve(everyone(case))
    for copy in (pickle.loads(pickle.dumps(market)), market.clone()):
        assert copy.solve(everyone(case)).cost == pytest.approx(
            schedule.cost, rel=3 * GAP, abs=1e-4
        )
        assert copy.cuts == market.cuts
        copy.set_loss_lines([])
    assert len(market.loss_lines) == 3
