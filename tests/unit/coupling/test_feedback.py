"""Cuts, constants and the trust region by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.coupling.constants import Constants
from cosim.coupling.feedback import choose_targets, limit_cuts, margin_of
from cosim.coupling.networks import idle
from cosim.coupling.trust import RADIUS_KW, TRUST_REGION, trust_cuts
from cosim.records import Injections, Limit, Sensitivities, Target, Violation, read_only
from tests.unit.coupling.toy import STEPS, ToyGrid

gradient = st.floats(-0.5, 0.5).filter(lambda g: abs(g) > 1e-3)
power = st.floats(-200.0, 200.0)


def limit(sense: str, bound: float) -> Limit:
    return Limit(
        "line_loading_max", "line", "loading_percent", sense,  # type: ignore[arg-type]
        read_only([7], np.int64), read_only([bound]), 0.05, "%", "test",
    )  # fmt: skip


def at_point(p: list[float], slope: list[float], value: float) -> Sensitivities:
    zeros = read_only(np.zeros((1, 2)))
    names = ("a", "b")
    injections = Injections("net", read_only([0], np.int64), names, read_only([p]), zeros)
    return Sensitivities(
        grid="net", terminals=names, injections=injections,
        targets=(Target("line_loading_max", "line", "loading_percent", 7, 0),),
        value=read_only([value]), d_dp_per_kw=read_only([slope]), d_dq_per_kvar=zeros,
        d_loss_dp=zeros, d_loss_dq=zeros, d_auxiliary_dp=zeros,
        loss_kw=read_only([0.0]), auxiliary_kw=read_only([0.0]),
    )  # fmt: skip


@given(
    p=st.lists(power, min_size=2, max_size=2),
    slope=st.lists(gradient, min_size=2, max_size=2),
    value=st.floats(0.0, 300.0),
    bound=st.floats(10.0, 150.0),
    sense=st.sampled_from(["min", "max"]),
)
def test_a_cut_is_exact_at_the_point_where_it_was_made(
    p: list[float], slope: list[float], value: float, bound: float, sense: str
) -> None:
    one = limit(sense, bound)
    (cut,), immovable = limit_cuts(at_point(p, slope, value), [one], 1, 0.005)
    excess = value - bound if sense == "max" else bound - value
    left = float(cut.coef_p @ np.array(p)) - cut.rhs
    assert left == pytest.approx(excess + margin_of(one, bound, 0.005), abs=1e-9)
    assert not immovable


@given(h=st.floats(6.0, 300.0), g=st.floats(5.0, 100.0), bound=st.floats(0.01, 0.5))
def test_shares_of_hydrogen_are_cut_where_the_bound_is_from_however_far(
    h: float, g: float, bound: float
) -> None:
    # The share h / (h + g) with g drawn by the second terminal (-g at its connection).
    share = h / (h + g)
    slope = [g / (h + g) ** 2, h / (h + g) ** 2]
    one = replace(limit("max", bound), name="line_loading_max", quantity="hydrogen_fraction")
    (cut,), _ = limit_cuts(at_point([h, -g], slope, share), [one], 1, 0.0)
    allowed = (cut.rhs + cut.coef_p[1] * g) / cut.coef_p[0]
    assert allowed == pytest.approx(bound / (1.0 - bound) * g, rel=1e-6)
    # In the limit's unit at the bound: what one kW is worth there.
    at_bound = bound / (1.0 - bound) * g
    assert cut.coef_p[0] == pytest.approx(g / (at_bound + g) ** 2, rel=1e-6)


def test_what_nobody_can_move_is_said() -> None:
    cuts, immovable = limit_cuts(
        at_point([1.0, 1.0], [1e-7, 0.0], 120.0), [limit("max", 100)], 1, 0
    )
    assert not cuts
    assert immovable[0].id == 7


def test_worst_elements_are_also_cut_where_they_still_pass() -> None:
    one = limit("max", 100.0)
    found = Violation("net", one.name, "line", "loading_percent", 7, 2, 130.0, 100.0, "max")
    spread: set[tuple[str, int]] = set()
    targets = choose_targets([found], [one], range(4), spread)
    assert sorted(target.step for target in targets) == [0, 1, 2, 3]
    again = choose_targets([found], [one], range(4), spread)
    assert [target.step for target in again] == [2]


@pytest.mark.parametrize("slope", [-0.99, -0.5, 0.25, 0.5])
def test_constants_find_where_losses_and_dispatch_agree(slope: float) -> None:
    constants, given_kw = Constants(), 3.0
    constants.open([0])
    for _ in range(6):
        found = 10.0 + slope * given_kw
        given_kw = constants.next(read_only([0], np.int64), read_only([found]))[0]
    assert given_kw == pytest.approx(10.0 / (1.0 - slope), rel=1e-6)


def test_steps_that_are_not_flat_or_have_no_state_get_no_constant() -> None:
    constants = Constants()
    constants.open([1, 2])
    chosen = constants.next(read_only([0, 1, 2], np.int64), read_only([5.0, 6.0, np.nan]))
    assert chosen == {1: 6.0}
    assert constants.worn(1) == {1}


def test_trust_region_holds_at_its_point_and_nowhere_else() -> None:
    grid = ToyGrid()
    here = idle(grid)
    cuts = trust_cuts(grid, here, {1}, number=4)
    assert len(cuts) == 4
    assert {cut.key.step for cut in cuts} == {1}
    assert all(cut.key.limit == TRUST_REGION and not cut.outer for cut in cuts)
    assert len({cut.key for cut in cuts}) == 4
    p = here.p_kw[1]
    assert all(float(cut.coef_p @ p) <= cut.rhs for cut in cuts)
    moved = p + np.array([2.0 * RADIUS_KW, 0.0])
    assert sum(float(cut.coef_p @ moved) > cut.rhs for cut in cuts) == 1
    assert STEPS > 1


@pytest.mark.parametrize(
    ("p_kw", "highest", "lowest"),
    [
        (0.0, 0.0, -RADIUS_KW),
        (0.4 * RADIUS_KW, 0.0, -RADIUS_KW),
        (-0.4 * RADIUS_KW, 0.0, -1.4 * RADIUS_KW),
        (-300.0, -300.0 + RADIUS_KW, -300.0 - RADIUS_KW),
        (2.5 * RADIUS_KW, 3.5 * RADIUS_KW, 1.5 * RADIUS_KW),
    ],
)
def test_the_band_of_a_pipe_network_keeps_to_one_side_of_zero(
    p_kw: float, highest: float, lowest: float
) -> None:
    grid = ToyGrid()
    grid.inputs = replace(grid.inputs, kind="heat")
    none = idle(grid)
    p = np.full((len(none.steps), 2), p_kw)
    here = replace(none, p_kw=read_only(p))
    upper, lower = trust_cuts(grid, here, {1}, number=1)[:2]
    assert (upper.rhs, -lower.rhs) == pytest.approx((highest, lowest))
