"""The market: built once, then solved for any members, cuts and loss lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from cosim.errors import SolveError, TimeLimit
from cosim.market.agents import Split, split_by_party
from cosim.market.clean import cleaned
from cosim.market.compile import Compiled, compile_model
from cosim.market.diagnose import explain
from cosim.market.duals import network_duals
from cosim.market.exclusive import failing_pairs
from cosim.market.extras import Extra, LineKey, cut_extra, line_extra, places
from cosim.market.groups import GroupSolver, linked_groups
from cosim.market.highs import Outcome, Status
from cosim.market.keep import carried_states, kept_schedule
from cosim.market.model import MarketModel, build_model
from cosim.market.optimise import Effort, Optimiser
from cosim.market.participation import bounds_for
from cosim.market.program import Bounds
from cosim.market.schedule import (
    co2_table,
    contract_table,
    cost_table,
    injections,
    long_table,
    network_demand,
)
from cosim.records import (
    Baseline,
    Carried,
    CostTable,
    Cut,
    CutKey,
    LossLine,
    NetworkDuals,
    Past,
    Schedule,
    read_only,
)
from cosim.records.time import FloatArray, IntArray
from cosim.scenario import Scenario

UNMET_KW = 1e-4
"""A cut's slack below this counts as met."""
SOLVERS = ("_optimiser", "_groups", "model")
"""What does not travel to another process."""
MAX_PAIR_ROUNDS = 10
"""Rounds of adding binaries to pairs that turn out to be simultaneous."""


class Market:
    """Dispatch of all participants, alone or sharing, under what the networks refuse.

    The Pyomo model is built and compiled to arrays once; members, cuts and loss lines change
    bounds and rows of the arrays. Everyone is in the model: participants who are no members go on
    trading with their utilities only. Where the system operator is a player, its running cost is
    part of the cost and the management fee cancels out; where it is not, the operator's money is
    outside the community and the fee is an outflow.

    A market can be pickled: the copy keeps arrays, cuts and loss lines and hands them to a solver
    of its own, so coalitions can be solved in several processes.

    Attributes:
        scenario: what it was built from.
        compiled: the arrays.
        model: the Pyomo model; None in a copy from another process.
        seconds: build and hand-over times.
    """

    def __init__(
        self, scenario: Scenario, baselines: Mapping[str, Baseline], past: Past | None = None
    ) -> None:
        """Build, compile and hand over.

        Args:
            scenario: validated and resolved.
            baselines: per network, what background customers cause alone; zero where missing.
            past: what the windows before left, where the scenario is one of several.

        Raises:
            ScenarioError: for devices, series or tariffs that do not fit together.
        """
        started = perf_counter()
        self.scenario = scenario
        self.model: MarketModel | None = build_model(scenario, baselines, past)
        built = perf_counter()
        self.compiled: Compiled = compile_model(self.model, scenario)
        self._make_solvers()
        self.seconds: Mapping[str, float] = {
            "build": built - started,
            "hand_over": perf_counter() - built,
        }
        self._cuts: dict[CutKey, tuple[Cut, Extra]] = {}
        self._lines: dict[LineKey, tuple[LossLine, Extra]] = {}
        self._pairs: list[Extra] = []

    def _make_solvers(self) -> None:
        settings = self.scenario.config.solver
        self._optimiser = Optimiser(self.compiled.program, settings)
        self._groups = GroupSolver(self.compiled, settings)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The cuts that are in the market, oldest first."""
        return tuple(cut for cut, _ in self._cuts.values())

    @property
    def loss_lines(self) -> tuple[LossLine, ...]:
        """The loss lines that are in the market, oldest first."""
        return tuple(line for line, _ in self._lines.values())

    def add_cuts(self, cuts: Sequence[Cut]) -> None:
        """Add limit cuts; one with a key that is there already replaces it.

        Raises:
            SolveError: for a cut on terminals, networks or steps that do not exist.
        """
        price = self.scenario.config.coupling.unmet_price_per_kwh
        n = self.compiled.program.n
        fresh = {cut.key: (cut, cut_extra(cut, self.compiled.layout, n, price)) for cut in cuts}
        self.drop_cuts(fresh)
        self._cuts.update(fresh)

    def drop_cuts(self, keys: Iterable[CutKey]) -> None:
        """Take cuts out; keys that are not there are ignored."""
        for key in list(keys):
            self._cuts.pop(key, None)

    def set_loss_lines(self, lines: Sequence[LossLine]) -> None:
        """Add losses and pump powers as functions of the injections.

        Tangents accumulate: the largest counts. A line with `exact` replaces the older ones of its
        network and kind at its steps; so does a tangent at steps where energy has a negative price,
        since waste would pay there.

        Raises:
            SolveError: for a line of a network, terminal or step that does not exist.
        """
        for line in lines:
            equal = self._holds_with_equality(line)
            extra = line_extra(line, self.compiled.layout, equal)
            for key, (old, _) in list(self._lines.items()):
                if (key.grid, key.kind) == (line.grid, line.kind):
                    same = key.iteration == line.iteration
                    self._keep_steps(key, old, line.steps if same else line.steps[equal])
            self._lines[LineKey(line.grid, line.kind, line.iteration)] = (line, extra)

    def _holds_with_equality(self, line: LossLine) -> Any:
        layout = self.compiled.layout
        carrier = next(
            (p.carrier for p in layout.charges if (p.grid, p.kind) == (line.grid, line.kind)), None
        )
        if line.exact or carrier is None:
            return np.full(len(line.steps), True)
        prices = layout.prices[carrier]
        negative = prices.paid < 0.0
        if prices.sell is not None:
            negative = negative | (prices.sell < 0.0)
        return negative[line.steps]

    def _keep_steps(self, key: LineKey, line: LossLine, gone: IntArray) -> None:
        """Take the steps `gone` out of a line that is in the market."""
        keep = ~np.isin(line.steps, gone)
        if keep.all():
            return
        del self._lines[key]
        if not keep.any():
            return
        rest = replace(
            line,
            steps=read_only(line.steps[keep], np.int64),
            constant_kw=read_only(line.constant_kw[keep]),
            coef_p=read_only(line.coef_p[keep]),
            coef_q=read_only(line.coef_q[keep]),
        )
        equal = self._holds_with_equality(rest)
        self._lines[key] = (rest, line_extra(rest, self.compiled.layout, equal))

    def solve(
        self,
        members: frozenset[str],
        *,
        operator: bool = True,
        frozen: Mapping[str, Schedule] | None = None,
        start: Schedule | None = None,
        duals: bool = False,
        effort: Effort = "proven",
    ) -> Schedule:
        """Find the cheapest dispatch.

        Args:
            members: participants who share; empty for the individual mode.
            operator: the system operator takes part; without it nobody can share.
            frozen: participants who are kept at their values in an earlier schedule.
            start: a schedule of this market to begin the search with.
            duals: also return marginal values, with binaries fixed.
            effort: how hard to search for binaries, see `cosim.market.optimise.Effort`.

        Returns:
            The schedule; `optimal` is false where the time limit ended the search.

        Raises:
            Infeasible: naming participant, carrier, step and amount.
            TimeLimit: if time ran out before there was any schedule.
            SolveError: if the problem is unbounded or the solver failed.
        """
        started = perf_counter()
        sharing = members if operator else frozenset()
        bounds = self._bounds(sharing, frozen or {})
        first = None if start is None else start.solution
        outcome = self._without_waste(bounds, first, effort)
        record = self._duals(bounds, outcome, bool(sharing)) if duals else None
        schedule = self._schedule(outcome, sharing, record)
        seconds = {**self.seconds, "solve": perf_counter() - started}
        return replace(schedule, seconds=seconds)

    def _duals(self, bounds: Bounds, outcome: Outcome, sharing: bool) -> NetworkDuals:
        assert outcome.x is not None
        limit_s = self.scenario.config.solver.time_limit_s
        fixed = self._optimiser.with_binaries(bounds, self._extras(), outcome.x, limit_s)
        return network_duals(self.compiled, fixed, self._places(), self._cuts, self._lines, sharing)

    def _schedule(
        self, outcome: Outcome, sharing: frozenset[str], duals: NetworkDuals | None
    ) -> Schedule:
        assert outcome.x is not None
        x = cleaned(self.compiled, outcome.x)
        costs = cost_table(self.compiled, x)
        cost = self._cost_of(costs)
        bound = cost - max(outcome.objective - outcome.bound, 0.0)
        return Schedule(
            time=self.scenario.time,
            members=sharing,
            table=long_table(self.compiled, self.scenario.time, x),
            injections=injections(self.compiled, x),
            costs=costs,
            cost=cost,
            bound=bound,
            gap=(cost - bound) / max(abs(cost), 1e-9),
            optimal=outcome.status is Status.OPTIMAL,
            unmet=self._unmet(outcome.x),
            network_demand_kw=network_demand(self.compiled, x),
            duals=duals,
            bilateral=contract_table(self.compiled, self.scenario.time, x),
            co2_kg=co2_table(self.compiled, x),
            solution=x,
        )

    def _cost_of(self, costs: CostTable) -> float:
        """Return what is minimised, from the cost table."""
        return float(costs["total"].sum())

    def _bounds(self, sharing: frozenset[str], frozen: Mapping[str, Schedule]) -> Bounds:
        return bounds_for(self.compiled, sharing, frozen, self.loss_lines)

    def _without_waste(self, bounds: Bounds, start: FloatArray | None, effort: Effort) -> Outcome:
        """Solve, and again with binaries for pairs that came out simultaneous."""
        for _ in range(MAX_PAIR_ROUNDS):
            outcome = self._minimise(bounds, self._extras(), start, effort)
            self._check(outcome, bounds)
            assert outcome.x is not None
            failing = failing_pairs(self.compiled, outcome.x, self._pairs)
            if not failing:
                return outcome
            self._pairs.extend(failing)
        raise SolveError("pairs stay simultaneous in spite of their binaries", reason="exclusive")

    def _minimise(
        self, bounds: Bounds, extras: list[Extra], start: FloatArray | None, effort: Effort
    ) -> Outcome:
        """Solve parties that nothing links by themselves, everyone at once otherwise."""
        groups = linked_groups(self.compiled, bounds, extras)
        if len(groups) > 1:
            return self._groups.minimise(groups, bounds, extras, start, effort)
        return self._optimiser.minimise(bounds, extras, start, effort)

    def _check(self, outcome: Outcome, bounds: Bounds) -> None:
        if outcome.status is Status.INFEASIBLE:
            raise explain(self.compiled, self.scenario, bounds, self._extras())
        if outcome.status is Status.UNBOUNDED:
            raise SolveError(
                "the market earns without limit; look for a feed-in price above a purchase price",
                reason=outcome.status.value,
            )
        if outcome.x is None:
            limit = self.scenario.config.solver.time_limit_s
            raise TimeLimit(
                f"no schedule within {limit:g} s; raise solver.time_limit_s or solver.mip_gap",
                reason=outcome.status.value,
            )

    def _extras(self) -> list[Extra]:
        lines = [extra for _, extra in self._lines.values()]
        return [*lines, *self._pairs, *(extra for _, extra in self._cuts.values())]

    def _places(self) -> dict[Any, Any]:
        return places(self._extras(), self.compiled.program.n, self.compiled.program.m)

    def _unmet(self, x: FloatArray) -> dict[CutKey, float]:
        found = self._places()
        slack = {key: float(x[found[key].columns][0]) for key in self._cuts}
        return {key: value for key, value in slack.items() if value > UNMET_KW}

    def kept(self, schedule: Schedule) -> Schedule:
        """Return a schedule of this market without its look-ahead; see `kept_schedule`."""
        window = self.scenario.window
        if window is None or window.keep == len(schedule.time):
            return schedule
        return kept_schedule(self.compiled, schedule, window.keep)

    def carried(self, schedule: Schedule) -> tuple[Carried, Carried]:
        """Return the states after the last step that is kept, and after the last step."""
        return carried_states(self.compiled, schedule)

    def under_networks(self, members: frozenset[str]) -> tuple[Bounds, list[Extra]]:
        """Return the bounds with which members share, and the cuts and loss lines."""
        lines = [extra for _, extra in self._lines.values()]
        return self._bounds(members, {}), [*lines, *(extra for _, extra in self._cuts.values())]

    def split(self, solved: Schedule) -> Split:
        """Return the problem that a schedule of this market solves, cut into what parties know."""
        return split_by_party(self.compiled, self._bounds(solved.members, {}), self._extras())

    def without_networks(self) -> Market:
        """Return a market of its own with the same arrays and neither cuts nor loss lines."""
        other = self.clone()
        other._cuts, other._lines = {}, {}
        return other

    def clone(self) -> Market:
        """Return a market of its own with the same arrays, cuts and loss lines."""
        other: Market = object.__new__(type(self))
        other.__setstate__(self.__getstate__())
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the solver and the Pyomo model."""
        state = {k: v for k, v in self.__dict__.items() if k not in SOLVERS}
        for name in ("_cuts", "_lines", "_pairs"):
            state[name] = state[name].copy()
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Hand the arrays to a solver of its own."""
        self.__dict__.update(state)
        self.model = None
        self._make_solvers()
