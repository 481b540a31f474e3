"""The solver handle: every ending is named, extras come and go, nothing sticks between solves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import sparse

from cosim.errors import SolveError
from cosim.market.extras import Extra
from cosim.market.highs import REMEDIES, Handle, Status
from cosim.market.program import Bounds, Program
from cosim.records import read_only


def program(
    upper: Sequence[float] = (4.0, 4.0), integer: bool = False, cost: tuple[float, float] = (-1, -2)
) -> Program:
    """min cost @ x with x0 + 2 x1 <= 7 and 0 <= x <= upper."""
    return Program(
        matrix=sparse.csr_array(np.array([[1.0, 2.0]])),
        bounds=Bounds(
            read_only([0.0, 0.0]), read_only(upper), read_only([-np.inf]), read_only([7.0])
        ),
        cost=read_only(cost),
        offset=0.0,
        integer=np.array([integer, integer]),
    )


def handle(case: Program, integer: bool = False) -> Handle:
    return Handle(case, integer=integer, threads=1, mip_gap=1e-9)


def row(key: str, columns: list[int], values: list[float], upper: float) -> Extra:
    return Extra(
        key, read_only([0, len(columns)], np.int64), read_only(columns, np.int64),
        read_only(values), read_only([-np.inf]), read_only([upper]),
    )  # fmt: skip


def elastic(key: str, column: int, upper: float, price: float) -> Extra:
    return Extra(
        key, read_only([0, 2], np.int64), read_only([column, 2], np.int64), read_only([1.0, -1.0]),
        read_only([-np.inf]), read_only([upper]), read_only([np.inf]), read_only([price]),
    )  # fmt: skip


def test_an_optimum_comes_with_bound_and_duals() -> None:
    found = handle(program(cost=(-1.0, -1.0))).run(10.0)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(-5.5)
    assert found.gap == 0.0
    np.testing.assert_allclose(found.x, [4.0, 1.5])
    np.testing.assert_allclose(found.row_dual, [-0.5])


def test_integers_are_integral_and_proved() -> None:
    found = handle(program(upper=(3.5, 4.0), integer=True, cost=(-1.0, -3.0)), integer=True).run(
        10.0
    )
    np.testing.assert_allclose(found.x, [1.0, 3.0])
    assert found.bound == pytest.approx(-10.0)


@pytest.mark.parametrize("integer", [False, True])
def test_infeasible_and_unbounded_are_told_apart(integer: bool) -> None:
    case = handle(program(integer=integer), integer)
    case.set_extras([row("never", [0], [1.0], -1.0)])
    found = case.run(10.0)
    assert found.status is Status.INFEASIBLE
    assert found.x is None
    endless = program(upper=(np.inf, np.inf), integer=integer, cost=(-1.0, 3.0))
    free = Bounds(
        endless.bounds.col_lb, endless.bounds.col_ub, endless.bounds.row_lb, read_only([np.inf])
    )
    case = handle(endless, integer)
    case.set_bounds(free)
    assert case.run(10.0).status is Status.UNBOUNDED


def test_extras_come_and_go_in_any_order() -> None:
    first, second = row("first", [0], [1.0], 1.0), row("second", [1], [1.0], 2.0)
    slack = elastic("slack", 1, 0.5, 0.25)
    case = handle(program())
    expected = {(): -7.0, (first,): -7.0, (first, second): -5.0, (second,): -7.0}
    for extras in [(), (first,), (first, second), (second,), (slack, second), (first,), ()]:
        case.set_extras(extras)
        fresh = handle(program())
        fresh.set_extras(extras)
        assert case.run(10.0).objective == pytest.approx(fresh.run(10.0).objective)
        if extras in expected:
            assert case.run(10.0).objective == pytest.approx(expected[extras])


def test_new_columns_follow_the_extras_they_belong_to() -> None:
    case = handle(program(upper=(0.0, 4.0)))
    case.set_extras([elastic("a", 1, 3.0, 0.5), elastic("b", 1, 1.0, 0.25)])
    found = case.run(10.0)
    np.testing.assert_allclose(found.x, [0.0, 3.5, 0.5, 2.5])


def test_a_solve_that_does_not_settle_is_repeated_from_scratch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = handle(program())
    real, calls = case._attempt, []

    def once(seconds: float) -> Status:
        calls.append(seconds)
        return Status.UNKNOWN if len(calls) == 1 else real(seconds)

    monkeypatch.setattr(case, "_attempt", once)
    assert case.run(10.0).objective == pytest.approx(-7.0)
    assert len(calls) == 2


@pytest.mark.parametrize("failures", range(1, len(REMEDIES) + 1))
def test_every_remedy_is_tried_and_taken_back(
    failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = handle(program())
    real, told = case._attempt, []

    def late(seconds: float) -> Status:
        told.append({option: case._highs.getOptionValue(option)[1] for option in before})
        return Status.UNKNOWN if len(told) <= failures else real(seconds)

    before = {
        option: case._highs.getOptionValue(option)[1] for _, usual in REMEDIES for option in usual
    }
    monkeypatch.setattr(case, "_attempt", late)
    assert case.run(10.0).objective == pytest.approx(-7.0)
    assert told[0] == before
    assert told[1:] == [before | dict(remedy) for remedy, _ in REMEDIES[:failures]]
    assert {option: case._highs.getOptionValue(option)[1] for option in before} == before


def test_solves_without_a_verdict_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    case = handle(program())
    monkeypatch.setattr(case, "_attempt", lambda seconds: Status.UNKNOWN)
    with pytest.raises(SolveError, match="without a verdict"):
        case.run(10.0)


def test_a_refused_option_is_an_error() -> None:
    with pytest.raises(SolveError, match="HiGHS refused option threads = -3"):
        Handle(program(), integer=False, threads=-3, mip_gap=1e-4)
