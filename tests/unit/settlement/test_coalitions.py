"""Which coalitions are solved, and with which answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cosim.coupling import Case, Coupled, Verification
from cosim.settlement import Players, coalition_values, single_coalitions
from tests.unit.settlement.test_settlement import EXAMPLE

GROUPS = Players({"people": ("home", "shop"), "works": ("works",)}, operator_plays=False)
WITH_OPERATOR = Players(GROUPS.groups, operator_plays=True)


def coupled(saved: float) -> Coupled:
    """A verified schedule whose costs are those of the example less what is saved."""
    costs = EXAMPLE.costs.copy()
    costs.loc["home", "total"] -= saved
    schedule = replace(EXAMPLE, costs=costs)
    nothing = Verification({}, {}, (), ())
    return Coupled(
        verdict="feasible", cause="", causes=(), schedule=schedule, verification=nothing,
        first_schedule=schedule, first_verification=nothing, iterations=(), cuts=(), mismatch={},
    )  # fmt: skip


def test_bargaining_solves_groups_that_may_share_and_nothing_else() -> None:
    cases: list[Case] = []

    def run_cases(listed: Sequence[Case]) -> list[Coupled]:
        cases.extend(listed)
        return [coupled(2.0) for _ in listed]

    values = coalition_values(
        GROUPS, coupled(0.0), coupled(5.0), run_cases, listed=single_coalitions(GROUPS)
    )
    found = {"+".join(sorted(item.coalition)): item.value for item in values}
    assert found == {"people": 2.0, "works": 0.0, "people+works": 5.0}
    assert [case.members for case in cases] == [frozenset({"home", "shop"})]


def test_with_an_operator_nobody_has_a_value_alone() -> None:
    values = coalition_values(
        WITH_OPERATOR,
        coupled(0.0),
        coupled(5.0),
        lambda _: [],
        listed=single_coalitions(WITH_OPERATOR),
    )
    assert [item.value for item in values] == [0.0, 0.0, 0.0, 5.0]


def test_a_lone_player_is_the_grand_coalition() -> None:
    assert single_coalitions(Players({"all": ("home",)}, False)) == [frozenset({"all"})]
