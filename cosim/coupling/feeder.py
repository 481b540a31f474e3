"""Give the market what the networks say: cuts, loss lines, and what is known to be hopeless."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from cosim.coupling.constants import Constants
from cosim.coupling.diluted import diluted
from cosim.coupling.feedback import Feedback, Flat, choose_targets, feed_back
from cosim.coupling.handle import MarketHandle
from cosim.coupling.networks import Networks, Verification, take_rows
from cosim.coupling.recover import anchor_injections, failing_injections, step_back
from cosim.coupling.trust import TRUST_REGION, trust_cuts
from cosim.grids.base import Grid
from cosim.records import Cut, CutKey, GridStates, Injections, LossLine, Target
from cosim.records.time import FloatArray
from cosim.scenario.config import CARRIER_OF_KIND, CouplingSection
from cosim.scenario.networks import charged_kinds

CONSTANTS_TRIED = 3
"""Constants tried at a step before its dispatch is kept where it is."""
LINE_SHARE = 0.5
"""Share of the balance tolerance up to which an old loss line is good enough."""


class Feeder:
    """Feedback of one loop.

    Args:
        market: keeps cuts and loss lines.
        networks: the adapters.
        alone: the networks without participants, a first solvable point.
        settings: margins and tolerances.

    Attributes:
        lines: every loss line given so far.
    """

    def __init__(
        self,
        market: MarketHandle,
        networks: Networks,
        alone: Verification,
        settings: CouplingSection,
    ) -> None:
        self.lines: list[LossLine] = []
        self._market = market
        self._networks = networks
        self._settings = settings
        self._number = self._last_number()
        self._immovable: set[tuple[str, Target]] = set()
        self._spread: dict[str, set[tuple[str, int]]] = {name: set() for name in networks.grids}
        self._constants = {
            (name, kind): Constants() for name in networks.grids for kind in ("loss", "auxiliary")
        }
        self._solvable: dict[str, Injections] = {
            name: states.injections for name, states in alone.states.items() if not states.failures
        }

    def cuts(self) -> dict[CutKey, Cut]:
        """Return the cuts in the market by key."""
        return {cut.key: cut for cut in self._market.cuts}

    def restore(self, cuts: Iterable[Cut], lines: Iterable[LossLine]) -> None:
        """Give an earlier loop's feedback to the market."""
        self.lines = list(lines)
        self._market.add_cuts(tuple(cuts))
        self._market.set_loss_lines(tuple(self.lines))
        self._number = self._last_number()

    def drop(self, keys: Iterable[CutKey]) -> None:
        """Take cuts out of the market."""
        self._market.drop_cuts(tuple(keys))

    def feed(self, verification: Verification, mismatch: Mapping[str, FloatArray]) -> None:
        """Give the market cuts for every violation, and new loss lines.

        Args:
            verification: where to linearise.
            mismatch: of losses per carrier, shape (T,); slopes that caused one are given up.
        """
        for name, grid in self._networks.grids.items():
            states = verification.states[name]
            found = [v for v in verification.violations if v.grid == name]
            self._flatten(grid, mismatch)
            steps = _solved_steps(states)
            targets = choose_targets(found, grid.limits, steps, self._spread[name])
            thinner = diluted(grid, states, found)
            if thinner is not None:
                self._linearise(grid, *thinner, frozenset())
                targets = tuple(target for target in targets if target not in set(thinner[1]))
            misled = self._misled(grid, mismatch)
            self._stay(grid, states, misled, {v.step for v in found})
            self._linearise(grid, states, targets, misled)
            failing = failing_injections(grid, verification)
            if failing is None:
                if not found:
                    self._solvable[name] = states.injections
                continue
            recovered = step_back(grid, failing, anchor_injections(grid, failing, self._solvable))
            if recovered is not None:
                self._linearise(grid, *recovered, None)

    def refresh(self, verification: Verification, keys: Iterable[CutKey]) -> None:
        """Linearise the limits behind some cuts again at another point."""
        for name, grid in self._networks.grids.items():
            quantity = {limit.name: limit.quantity for limit in grid.limits}
            places = sorted(
                {
                    (k.limit, k.element, k.id, k.step)
                    for k in keys
                    if k.grid == name and k.limit != TRUST_REGION
                }
            )
            targets = tuple(
                Target(limit, element, quantity[limit], id_, step)
                for limit, element, id_, step in places
            )
            if targets:
                self._linearise(grid, verification.states[name], targets, frozenset())

    def hopeless(self, verification: Verification) -> bool:
        """Return whether violations remain and no participant can influence any of them."""
        if verification.failures or not verification.violations:
            return False
        places = {(g, t.limit, t.id, t.step) for g, t in self._immovable}
        return all((v.grid, v.limit, v.id, v.step) in places for v in verification.violations)

    def _flatten(self, grid: Grid, mismatch: Mapping[str, FloatArray]) -> None:
        """Give up the slopes of pipe networks at steps where an earlier line misled the market."""
        name, kind = grid.inputs.name, grid.inputs.kind
        if not _pumps(grid) or not any(line.grid == name for line in self.lines):
            return
        tolerance = self._settings.balance_tolerance
        for line, carrier in (("loss", CARRIER_OF_KIND[kind]), ("auxiliary", "electricity")):
            if carrier in mismatch:
                self._constants[name, line].open(np.flatnonzero(mismatch[carrier] > tolerance))

    def _stay(
        self, grid: Grid, states: GridStates, misled: frozenset[int] | None, missed: set[int]
    ) -> None:
        """Keep the dispatch where constants do not settle; give it free where a limit is missed."""
        name = grid.inputs.name
        kept = {
            c.key for c in self._market.cuts if (c.key.grid, c.key.limit) == (name, TRUST_REGION)
        }
        self.drop(key for key in kept if key.step in missed)
        worn = self._constants[name, "loss"].worn(CONSTANTS_TRIED) & (misled or frozenset())
        fresh = worn - missed - {key.step for key in kept}
        if fresh:
            cuts = trust_cuts(grid, states.injections, fresh, self._number)
            self._market.add_cuts(tuple(cuts))

    def _flat(self, states: GridStates) -> Flat:
        """Return the constants to use at the flat steps of some states."""
        name = states.grid
        return Flat(
            self._constants[name, "loss"].next(states.injections.steps, states.loss_kw),
            self._constants[name, "auxiliary"].next(states.injections.steps, states.auxiliary_kw),
        )

    def _misled(self, grid: Grid, mismatch: Mapping[str, FloatArray]) -> frozenset[int] | None:
        """Return the steps that need new loss lines; None for all of them."""
        name, kind = grid.inputs.name, grid.inputs.kind
        if not any(line.grid == name for line in self.lines):
            return None
        carriers = {CARRIER_OF_KIND[kind]} | ({"electricity"} if _pumps(grid) else set())
        limit = self._settings.balance_tolerance * LINE_SHARE
        return frozenset(
            int(k) for c in carriers & set(mismatch) for k in np.flatnonzero(mismatch[c] > limit)
        )

    def _linearise(
        self,
        grid: Grid,
        states: GridStates,
        targets: tuple[Target, ...],
        line_steps: frozenset[int] | None,
    ) -> None:
        """Linearise targets, and losses at `line_steps` (None: everywhere), under a new number."""
        name = grid.inputs.name
        if line_steps is not None:
            wanted = line_steps | {target.step for target in targets}
            rows = np.flatnonzero(np.isin(states.injections.steps, list(wanted)))
            states = take_rows(states, rows)
        if not len(states.injections.steps):
            return
        self._number += 1
        margin, flat = self._settings.margin, self._flat(states)
        self._keep(name, feed_back(grid, states, targets, self._number, margin, flat))

    def _last_number(self) -> int:
        """Return the highest number that a cut or line in the market carries."""
        cuts = (cut.key.iteration for cut in self._market.cuts)
        lines = (line.iteration for line in self._market.loss_lines)
        return max((*cuts, *lines), default=0)

    def _keep(self, grid: str, feedback: Feedback) -> None:
        self._market.add_cuts(feedback.cuts)
        self._market.set_loss_lines(feedback.lines)
        self.lines.extend(feedback.lines)
        self._immovable.update((grid, target) for target in feedback.immovable)


def _pumps(grid: Grid) -> bool:
    """Return whether a network charges the electricity of pumps or compressors."""
    return "auxiliary" in charged_kinds(grid.inputs.kind, grid.inputs.settings)


def _solved_steps(states: GridStates) -> list[int]:
    failed = {failure.step for failure in states.failures}
    return [int(step) for step in states.injections.steps if int(step) not in failed]
