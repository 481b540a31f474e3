"""Linear followers: the game as one mixed-integer program, solved to a proven gap."""

from __future__ import annotations

from functools import partial

import numpy as np

from cosim.errors import SolveError
from cosim.market.highs import Clock, Handle, Status
from cosim.market.leader.conditions import Canonical, canonical
from cosim.market.leader.kkt import SingleLevel, single_level
from cosim.market.leader.outcome import Record, conclude, relative_gap
from cosim.market.leader.problem import LeaderOutcome, LeaderProblem, LeaderSettings
from cosim.market.leader.proof.derived import derived_ranges
from cosim.market.leader.proof.narrow import KEPT, Narrowed, Proof, narrowed
from cosim.market.leader.reduce import reduced
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best, Climber, first_prices
from cosim.market.leader.start import point_at_prices, price_guesses, row_duals
from cosim.market.leader.support import welfare_bound
from cosim.records.time import FloatArray, IntArray

CAP_FACTOR = 3.0
"""Assumed bound of a multiplier over the largest seen at sampled prices."""
NEAR_CAP = 0.9
"""Share of an assumed bound at which a multiplier makes it suspect."""
WORTH_OFFERING = 0.1
"""Gap to the first bound above which a start keeps the solver's own searches in a poor place."""
DERIVE_SHARE = 0.3
"""Share of the time left for limits of multipliers that rest on no assumption."""
CAP_ROUNDS = 3
"""Times the assumed bounds are enlarged before the result is called unproven."""


class Exact:
    """Primal and dual feasibility, complementarity by binaries, payments by strong duality."""

    def solve(self, problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
        """Solve the game with linear followers.

        Raises:
            SolveError: if a follower has integers, or nothing can be delivered at any price.
        """
        if not problem.linear:
            raise SolveError(
                "a follower has on/off decisions; use method decomposition", "integer follower"
            )
        clock = Clock(settings.time_limit_s)
        record = Record("exact", clock)
        small = reduced(problem)
        responses = Responses(small, settings.tolerance, settings.threads)
        followers = tuple(canonical(one) for one in small.followers)
        caps = sampled_caps(responses, followers, settings.seed)
        ceiling = welfare_bound(responses)
        best, bound, sure = Best(), ceiling, False
        for _ in range(CAP_ROUNDS):
            single = single_level(small, followers, caps)
            climber = Climber(single, followers, responses, best, clock)
            told = partial(_tell, record, best, ceiling, True, ceiling)
            first_prices(single, climber, responses, best, clock, settings, told)
            single = _without_assumptions(small, followers, caps, single, best, clock, settings)
            assumed = any(capped.any() for capped in single.capped)
            tell = partial(_tell, record, best, ceiling, assumed)
            proof = Proof(responses, climber, best, clock, settings, caps, tell)
            narrow = narrowed(small, followers, single, proof)
            found = _prove(narrow, proof)
            near = found is None or suspect(single, best.point, caps)
            sure = not (near and assumed)
            # What was proven holds only inside bounds that no multiplier has come near to.
            bound = min(ceiling, found) if sure and found is not None else ceiling
            record.add(best.profit, bound)
            if sure or clock.left <= 0.0:
                break
            caps = [4.0 * cap for cap in caps]
            best.point = None
        if best.prices is None:
            raise SolveError("no prices were found at which the plant can deliver", "no incumbent")
        notes = capped_notes(single, sure)
        full = Responses(problem, settings.tolerance, settings.threads)
        return conclude(full, best.prices, bound, record, settings, notes)


def sampled_caps(
    responses: Responses, followers: tuple[Canonical, ...], seed: int
) -> list[FloatArray]:
    """Return assumed bounds of row multipliers: some times the largest seen at sampled prices.

    Rows that look alike (as many entries, the same largest one) share a bound, as those of the
    steps of a day do; none is below the largest price.
    """
    game = responses.game
    seen = [np.zeros(one.m) for one in followers]
    for prices in [game.price_lb, game.price_ub, *price_guesses(game, seed, 12)]:
        for k, outcome in enumerate(responses.solve(prices)):
            duals = responses.duals_of(k, prices, outcome)
            if duals is not None:
                seen[k] = np.maximum(seen[k], np.abs(row_duals(followers[k], duals)))
    least = max(float(np.abs([game.price_lb, game.price_ub]).max(initial=0.0)), 1e-6)
    caps = []
    for one, top in zip(followers, seen, strict=True):
        kind = _kinds(one)
        most = np.zeros(kind.max(initial=0) + 1)
        np.maximum.at(most, kind, top)
        caps.append(np.maximum(CAP_FACTOR * most[kind], least))
    return caps


def _kinds(one: Canonical) -> IntArray:
    size = np.diff(one.matrix.indptr)
    largest = np.asarray(abs(one.matrix).max(axis=1).todense()).ravel()
    marks = np.column_stack([one.equal, size, np.round(largest, 6)])
    return np.asarray(np.unique(marks, axis=0, return_inverse=True)[1]).ravel()


def _without_assumptions(
    game: LeaderProblem,
    followers: tuple[Canonical, ...],
    caps: list[FloatArray],
    single: SingleLevel,
    best: Best,
    clock: Clock,
    settings: LeaderSettings,
) -> SingleLevel:
    """Return the program with limits of multipliers that follow from the best profit, if known."""
    if not np.isfinite(best.profit) or not any(capped.any() for capped in single.capped):
        return single
    least = best.profit - KEPT * settings.gap * abs(best.profit)
    ranges = derived_ranges(game, single, followers, least, DERIVE_SHARE * clock.left)
    return single if ranges is None else single_level(game, followers, caps, ranges=ranges)


def _tell(record: Record, best: Best, ceiling: float, assumed: bool, bound: float) -> None:
    record.add(best.profit, ceiling if assumed else min(ceiling, bound))


def _prove(narrow: Narrowed, proof: Proof) -> float | None:
    """Return the proven bound; None if the program is infeasible, as too tight bounds make it."""
    best, settings, clock = proof.best, proof.settings, proof.clock
    # The best known point lies inside of all ranges: without one, the last bound is what is left.
    before = narrow.bound if np.isfinite(narrow.bound) else None
    if narrow.empty:
        return before
    if proof.closed(narrow.bound):
        return max(best.profit, narrow.bound)
    single = narrow.single
    handle = Handle(
        single.program,
        integer=True,
        threads=settings.threads,
        mip_gap=0.5 * settings.gap,
        restarts=True,
    )
    if best.prices is not None and relative_gap(best.profit, narrow.bound) < WORTH_OFFERING:
        start = point_at_prices(single, narrow.followers, best.prices)
        if start is not None:
            handle.offer(start, spare=False)
    outcome = handle.search(clock.left)
    if outcome is None or outcome.status is Status.INFEASIBLE:
        return before
    if outcome.x is not None:
        best.offer(proof.responses, outcome.x[single.prices], outcome.x)
    return max(best.profit, min(narrow.bound, -outcome.bound))


def suspect(single: SingleLevel, point: FloatArray | None, caps: list[FloatArray]) -> bool:
    """Return True if a multiplier comes near its assumed bound."""
    if point is None:
        return False
    for at, capped, cap in zip(single.followers, single.capped, caps, strict=True):
        if (np.abs(point[at.row_dual])[capped] > NEAR_CAP * cap[capped]).any():
            return True
    return False


def capped_notes(single: SingleLevel, sure: bool) -> list[str]:
    """Return a note about assumed bounds, if there are any."""
    assumed = sum(int(capped.sum()) for capped in single.capped)
    rows = sum(len(capped) for capped in single.capped)
    if not assumed:
        return []
    state = "none is reached" if sure else "they may be too tight"
    return [f"bounds of {assumed} of {rows} multipliers were assumed; {state}"]
