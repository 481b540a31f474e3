"""Heat without a utility: nobody buys or dumps it, and the community pays for all losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cosim.errors import Infeasible
from cosim.market import Market
from cosim.records import Baseline, LossLine, read_only
from tests.support.community import scenario

STEPS = 4
EVERYONE = frozenset({"plant", "home"})


def case(boiler_kw: float = 100.0) -> Any:
    plant = {
        "connections": {"heat": {"at_slack": True}, "gas": {}},
        "devices": {"boiler": {"type": "boiler", "heat_max_kw": boiler_kw, "eta": 0.8}},
    }
    home = {"connections": {"heat": {}}, "demand": {"heat": 20.0}}
    tariffs = {"heat": {"buy": 0.0}, "electricity": {"buy": 0.3}, "gas": {"buy": 0.08}}
    networks = {"dh": {"kind": "heat", "utility": False}}
    free = {"heat": {"fee_per_kwh": 0.0}}
    return scenario({"plant": plant, "home": home}, tariffs, networks=networks, sharing=free)


def nothing() -> dict[str, Baseline]:
    zeros = read_only(np.zeros(STEPS))
    return {"dh": Baseline("dh", zeros, zeros, zeros)}


def lost(kw: float) -> LossLine:
    return LossLine(
        grid="dh",
        kind="loss",
        iteration=1,
        steps=read_only(np.arange(STEPS), np.int64),
        terminals=("plant", "home"),
        constant_kw=read_only(np.full(STEPS, kw)),
        coef_p=read_only(np.zeros((STEPS, 2))),
        coef_q=read_only(np.zeros((STEPS, 2))),
        exact=True,
    )


def test_the_plant_makes_what_is_drawn_and_lost() -> None:
    market = Market(case(), nothing())
    market.set_loss_lines([lost(3.0)])
    schedule = market.solve(EVERYONE)
    entry = schedule.injections["dh"]
    np.testing.assert_allclose(entry.p_kw[:, entry.terminals.index("plant")], 23.0)
    assert schedule.cost == pytest.approx(STEPS * 23.0 / 0.8 * 0.08)


def test_nobody_can_buy_heat_however_cheap_it_is() -> None:
    with pytest.raises(Infeasible):
        Market(case(boiler_kw=10.0), nothing()).solve(EVERYONE)


def test_the_account_cannot_get_rid_of_heat() -> None:
    market = Market(case(), nothing())
    market.set_loss_lines([lost(-3.0)])  # a network that would give: nobody takes it for nothing
    schedule = market.solve(EVERYONE)
    entry = schedule.injections["dh"]
    np.testing.assert_allclose(entry.p_kw[:, entry.terminals.index("plant")], 17.0)
