"""Kernels are never trusted alone: a corrupted one is caught, and its network handed over."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cosim.coupling import Case, Loop
from cosim.coupling.certified import CertifiedNetworks
from cosim.coupling.confirm import confirm
from cosim.coupling.sampling import choose, compare, propose
from cosim.grids.limits import check
from cosim.records import GridStates, Injections, StateField, StepFailure, read_only
from cosim.scenario.config import CouplingSection
from cosim.scenario.verification import VerificationSection
from tests.unit.coupling.toy import NAMES, ToyGrid, ToyMarket

Damage = Callable[[GridStates], GridStates]
NOTHING = VerificationSection(sample_steps=0, near_limit=0.0, worst_per_limit=0, odd_steps=0)


class Kernel(ToyGrid):
    """The toy network with a kernel beside it, honest or damaged; counts what each evaluates."""

    def __init__(self, damage: Damage = lambda states: states, **options: float) -> None:
        super().__init__(**options)
        self.damage = damage
        self.seen: dict[str, list[int]] = {"fast": [], "reference": []}

    def verify(self, injections: Injections, engine: str = "fast") -> GridStates:
        self.seen[engine] += injections.steps.tolist()
        states = super().verify(injections, engine)
        if engine == "reference":
            return replace(states, engine="toy reference")
        return self.damage(replace(states, engine="cosim batch"))


def draw(kw: np.ndarray) -> dict[str, Injections]:
    """Return injections with which `kw` is drawn at each step."""
    p_kw = np.column_stack([-kw, np.zeros(len(kw))])
    steps = read_only(np.arange(len(kw)), np.int64)
    entry = Injections("electric", steps, NAMES, read_only(p_kw), read_only(0.0 * p_kw))
    return {"electric": entry}


def shift(at: Callable[[np.ndarray], np.ndarray], by: float, quantity: str = "vm_pu") -> Damage:
    """Return a kernel fault: one quantity is off at the steps where `at(steps)` is true."""

    def damage(states: GridStates) -> GridStates:
        wrong = at(states.injections.steps)

        def change(column: StateField) -> StateField:
            if column.quantity != quantity:
                return column
            return replace(column, values=read_only(column.values + by * wrong[:, None]))

        return replace(states, fields=tuple(change(column) for column in states.fields))

    return damage


def choice(grid: ToyGrid, states: GridStates, settings: VerificationSection) -> dict[int, str]:
    proposals = propose(grid, states, check(states, grid.limits), settings)
    rng = np.random.default_rng(1)
    return dict(choose(proposals, states.injections.steps, settings, rng))


LEVEL = np.full(40, 30.0)


class TestCaught:
    def test_an_honest_kernel_stays_and_its_re_runs_are_counted(self) -> None:
        grid = Kernel()
        networks = CertifiedNetworks({"electric": grid}, VerificationSection(sample_steps=3))
        found = networks.verify(draw(LEVEL))
        assert found.states["electric"].engine == "cosim batch"
        assert len(grid.seen["reference"]) == 3
        assert networks.records["electric"].steps == {"random": 3}
        assert networks.records["electric"].worst == {"vm_pu": 0.0}
        assert networks.notes == ()

    def test_a_kernel_that_is_off_everywhere_is_handed_over_for_good(self) -> None:
        grid = Kernel(shift(lambda steps: steps >= 0, 2e-7))
        networks = CertifiedNetworks({"electric": grid}, VerificationSection())
        found = networks.verify(draw(LEVEL))
        assert found.states["electric"].engine == "toy reference"
        assert found.states["electric"].get("bus", "vm_pu").values[:, 0] == pytest.approx(0.97)
        (note,) = networks.notes
        assert note.startswith("electric: vm_pu of the batch kernel is 2e-07 off its reference at")
        assert note.endswith("from then on the reference engine computed this network")
        before = len(grid.seen["fast"])
        networks.verify(draw(LEVEL + 1.0))
        assert len(grid.seen["fast"]) == before

    def test_half_a_gate_is_no_reason(self) -> None:
        grid = Kernel(shift(lambda steps: steps >= 0, 5e-8))
        networks = CertifiedNetworks({"electric": grid}, VerificationSection())
        assert networks.verify(draw(LEVEL)).states["electric"].engine == "cosim batch"

    def test_a_fault_at_the_steps_near_a_limit_is_caught_without_any_random_step(self) -> None:
        load = LEVEL.copy()
        load[[7, 23]] = 50.0 * np.sqrt(0.999)
        grid = Kernel(shift(lambda steps: np.isin(steps, [23]), 1e-3))
        settings = NOTHING.model_copy(update={"near_limit": 0.002})
        networks = CertifiedNetworks({"electric": grid}, settings)
        assert networks.verify(draw(load)).states["electric"].engine == "toy reference"
        assert grid.seen["reference"][:2] == [7, 23]
        assert networks.records["electric"].steps == {"near_limit": 2}

    def test_a_verdict_that_only_the_kernel_comes_to_is_caught(self) -> None:
        damage = shift(lambda steps: steps == 5, -1.0, "loading_percent")
        load = LEVEL.copy()
        load[5] = 50.0 * np.sqrt(1.0055)
        networks = CertifiedNetworks({"electric": Kernel(damage)}, VerificationSection())
        found = networks.verify(draw(load))
        assert found.count("electric") == 1
        assert "disagree on line_loading_max at step 5" in networks.notes[0]

    def test_a_kernel_that_fails_where_there_is_a_state_is_caught(self) -> None:
        def damage(states: GridStates) -> GridStates:
            return replace(states, failures=(StepFailure(3, "lost", False),))

        networks = CertifiedNetworks({"electric": Kernel(damage)}, VerificationSection())
        found = networks.verify(draw(LEVEL))
        assert not found.failures
        assert "the reference alone finds a state at step 3" in networks.notes[0]

    def test_a_value_that_the_kernel_leaves_out_is_caught(self) -> None:
        damage = shift(lambda steps: steps >= 0, np.nan)
        networks = CertifiedNetworks({"electric": Kernel(damage)}, VerificationSection())
        assert networks.verify(draw(LEVEL)).states["electric"].engine == "toy reference"


class TestChoice:
    def chosen(self, load: np.ndarray, **settings: float) -> dict[int, str]:
        grid = Kernel()
        states = grid.verify(draw(load)["electric"])
        chosen = NOTHING.model_copy(update=settings)
        return choice(grid, states, chosen)

    def test_nothing_is_asked_for(self) -> None:
        assert self.chosen(LEVEL) == {}

    def test_near_means_on_either_side(self) -> None:
        load = 50.0 * np.sqrt(np.array([0.5, 0.995, 1.005, 1.5]))
        assert self.chosen(load, near_limit=0.01) == {1: "near_limit", 2: "near_limit"}

    def test_the_worst_step_counts_only_where_the_limit_may_bind(self) -> None:
        load = 50.0 * np.sqrt(np.array([0.5, 0.97, 0.96, 0.9]))
        assert self.chosen(load, worst_per_limit=1) == {1: "worst"}
        assert self.chosen(load * 0.9, worst_per_limit=1) == {}

    def test_low_load_and_failed_steps(self) -> None:
        load = np.array([40.0, 1.0, 30.0, 130.0])
        assert self.chosen(load, odd_steps=1) == {3: "failed", 1: "low_load"}

    def test_a_balance_that_does_not_close(self) -> None:
        grid = Kernel()
        states = grid.verify(draw(LEVEL)["electric"])
        slack = np.array(states.slack_kw)
        slack[11] += 0.01
        states = replace(states, slack_kw=read_only(slack))
        settings = NOTHING.model_copy(update={"odd_steps": 1})
        assert choice(grid, states, settings) == {11: "residual"}

    def test_the_sample_follows_the_seed_and_changes_from_round_to_round(self) -> None:
        def steps(seed: int) -> list[int]:
            grid = Kernel()
            networks = CertifiedNetworks(
                {"electric": grid}, NOTHING.model_copy(update={"sample_steps": 5, "seed": seed})
            )
            networks.verify(draw(LEVEL))
            networks.verify(draw(LEVEL + 1.0))
            return grid.seen["reference"]

        assert steps(1) == steps(1)
        assert steps(1) != steps(2)
        assert steps(1)[:5] != steps(1)[5:]

    def test_a_point_that_was_re_run_is_not_re_run_again(self) -> None:
        load = LEVEL.copy()
        load[7] = 50.0 * np.sqrt(0.999)
        grid = Kernel()
        networks = CertifiedNetworks(
            {"electric": grid}, NOTHING.model_copy(update={"near_limit": 0.01})
        )
        for change in (0.0, 1e-3, 0.1):
            networks.verify(draw(load + change))
        assert grid.seen["reference"] == [7, 7]


def test_gates_hold_for_the_largest_difference() -> None:
    grid = Kernel(shift(lambda steps: steps == 2, 1.5e-7))
    entry = draw(LEVEL)["electric"]
    comparison = compare(grid, grid.verify(entry), grid.verify(entry, "reference"))
    assert comparison.worst["vm_pu"] == pytest.approx(1.5e-7, rel=1e-6)
    assert comparison.reasons == (
        "vm_pu of the batch kernel is 1.5e-07 off its reference at bus 0, step 2",
    )


class TestConfirm:
    def run(self, grid: Kernel, settings: VerificationSection):  # type: ignore[no-untyped-def]
        networks = CertifiedNetworks({"electric": grid}, settings)
        alone = networks.without_participants()
        market = ToyMarket()

        def make_loop(engine: str) -> Loop:
            return Loop(market, networks, alone, CouplingSection(), engine)

        case = Case(frozenset(NAMES))
        coupled = make_loop("fast").run(case)
        return confirm(networks, coupled, case, make_loop, settings), networks

    def test_all_steps_of_the_final_dispatch_come_from_the_reference(self) -> None:
        confirmed, _ = self.run(Kernel(), NOTHING)
        assert confirmed.coupled.verdict == "feasible"
        assert confirmed.coupled.verification.states["electric"].engine == "toy reference"
        entry = confirmed.reruns["electric"]
        assert (entry["steps"], entry["rerun"], entry["rule"]) == (3, 3, "all")
        assert confirmed.notes == ()

    def test_a_fault_that_no_sample_saw_is_caught_at_the_end_and_the_loop_goes_on(self) -> None:
        damage = shift(lambda steps: steps == 1, -2.0, "loading_percent")
        confirmed, networks = self.run(Kernel(damage), NOTHING)
        assert networks.records["electric"].handed_over
        assert confirmed.notes[-1] == "the loop went on with the reference engines"
        assert confirmed.coupled.verdict == "feasible"
        drawn = -confirmed.coupled.schedule.injections["electric"].p_kw.sum(axis=1)
        assert (drawn <= 50.0).all()
        assert drawn == pytest.approx(50.0 * np.sqrt(0.995), rel=2e-3)
        numbers = [entry.number for entry in confirmed.coupled.iterations]
        assert numbers == list(range(len(numbers)))

    def test_a_sample_is_an_explicit_choice_and_the_certificate_says_how_many(self) -> None:
        settings = VerificationSection(final="sample", sample_steps=1, near_limit=0.0)
        confirmed, _ = self.run(Kernel(), settings)
        assert confirmed.coupled.verification.states["electric"].engine == "cosim batch"
        entry = confirmed.reruns["electric"]
        assert entry["rule"] == "sample"
        assert 1 <= entry["rerun"] <= 3

    def test_without_a_number_the_final_sample_has_fifty_steps(self) -> None:
        assert VerificationSection(final="sample").final_sample_steps == 50
        assert VerificationSection(sample_steps=7).final_sample_steps == 7


def test_loops_beside_the_main_one_share_its_records() -> None:
    grid = Kernel(shift(lambda steps: steps >= 0, 1e-3))
    networks = CertifiedNetworks({"electric": grid}, VerificationSection())
    networks.lightly().verify(draw(LEVEL))
    assert networks.records["electric"].handed_over
    assert networks.verify(draw(LEVEL)).states["electric"].engine == "toy reference"


def test_networks_travel_to_other_processes_without_workers() -> None:
    networks = CertifiedNetworks({"electric": ToyGrid()}, VerificationSection())
    there = pickle.loads(pickle.dumps(networks))
    assert there.verify(draw(LEVEL)).passed
