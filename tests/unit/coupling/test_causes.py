"""Why a schedule does not pass: what is verified, and what the market would need."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from cosim.coupling import Networks
from cosim.coupling.causes import find_causes, sentence, strongest
from cosim.coupling.outcome import Cause
from cosim.market import Market
from cosim.market.extras import cut_scale
from cosim.records import Cut, CutKey, Injections, read_only
from tests.support.community import scenario
from tests.unit.coupling.toy import NAMES, STEPS, ToyGrid, time_axis

KEY = CutKey("electric", "line_loading_max", "line", 7, 0, 1)


def cut(
    coef_p: list[float], coef_q: list[float], names: tuple[str, ...] = NAMES, key: CutKey = KEY
) -> Cut:
    return Cut(key, names, read_only(coef_p), read_only(coef_q), rhs=0.0, outer=True)


def causes_of(unmet: Mapping[CutKey, float], kept: Cut, drawn_kw: float = 60.0) -> Cause:
    """The cause found where each step draws `drawn_kw` on the toy line of 50 kW."""
    networks = Networks({"electric": ToyGrid()})
    p_kw = np.full((STEPS, 2), -drawn_kw / 2.0)
    steps = read_only(np.arange(STEPS), np.int64)
    entry = Injections("electric", steps, NAMES, read_only(p_kw), read_only(0.0 * p_kw))
    verification = networks.verify({"electric": entry})
    alone = networks.without_participants()
    (cause,) = find_causes(networks, unmet, verification, alone, {kept.key: kept}, margin=0.005)
    said = sentence([cause], verification, time_axis())
    known = "the least relaxation that would do is" in said
    assert known is (cause.least_relaxation is not None)
    assert ("the market does not say" in said) is not known
    return cause


def test_the_relaxation_is_the_slack_in_the_limits_unit_less_the_margin() -> None:
    cause = causes_of({KEY: 12.0}, cut([-4.0, -4.0], [0.0, 0.0]))
    assert cause.amount == pytest.approx(44.0)  # 100 * (60 / 50)^2 - 100
    assert cause.least_relaxation == pytest.approx(12.0 * 4.0 - 0.5)


def test_reactive_power_counts_for_the_scale_where_the_market_decides_it() -> None:
    cause = causes_of({KEY: 12.0}, cut([-4.0, -4.0], [-6.0, 0.0]))
    assert cause.least_relaxation == pytest.approx(12.0 * 6.0 - 0.5)


@pytest.mark.parametrize("unmet", [{}, {KEY: 0.1}], ids=["no-slack", "within-the-margin"])
def test_without_slack_there_is_no_relaxation_only_the_amount(unmet: dict[CutKey, float]) -> None:
    cause = causes_of(unmet, cut([-4.0, -4.0], [0.0, 0.0]))
    assert cause.least_relaxation is None
    assert cause.amount == pytest.approx(44.0)


def market() -> Market:
    """A home and a plant with electricity and heat, and the pump of the heat network."""
    connections = {"connections": {"electricity": {}, "heat": {}}, "demand": {"heat": 5.0}}
    people = {"home": connections, "plant": connections}
    tariffs = {"electricity": {"buy": 0.3}, "heat": {"buy": 0.1}}
    networks = {"grid": {"kind": "electric"}, "dh": {"kind": "heat"}}
    return Market(scenario(people, tariffs, networks=networks), {})


@pytest.mark.parametrize(
    ("grid", "kind", "names", "coef_q", "expected"),
    [
        ("grid", "electric", ("home", "plant", "pump:dh"), [3.0, 0.0, 0.0], 3.0),
        ("grid", "electric", ("home", "plant", "pump:dh"), [0.0, 0.0, 9.0], 2.0),
        ("dh", "heat", ("home", "plant"), [9.0, 9.0], 2.0),
    ],
    ids=["participant", "pump", "pipes"],
)
def test_the_scale_is_that_of_the_markets_row(
    grid: str, kind: str, names: tuple[str, ...], coef_q: list[float], expected: float
) -> None:
    row = cut([1.0, -2.0, 0.5][: len(names)], coef_q, names, CutKey(grid, "limit", "line", 7, 0, 1))
    assert strongest(row, kind) == expected
    assert cut_scale(row, market().compiled.layout) == expected
