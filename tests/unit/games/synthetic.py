"""Games with a known answer at any number of players, each with an exact oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.games import Game


def bankruptcy(claims: Mapping[Any, float], estate: float) -> Game:
    """v(S) is what the others' claims leave of the estate.

    Where something is left, v(S) - x(S) is the estate less what outsiders claim above their
    share, less all shares; else it is -x(S). The better of the two maximisers is the answer.
    """

    def value(coalition: frozenset[Any]) -> float:
        return max(0.0, estate - sum(c for p, c in claims.items() if p not in coalition))

    def worst(
        x: Mapping[Any, float], inside: frozenset[Any], outside: frozenset[Any]
    ) -> frozenset[Any]:
        free = [p for p in claims if p not in inside and p not in outside]
        small = inside | {p for p in free if x[p] < 0}
        large = inside | {p for p in free if x[p] < claims[p]}
        return max((small, large), key=lambda s: value(s) - sum(x[p] for p in s))

    return Game(claims, value, worst=worst)


def talmud(claims: Mapping[Any, float], estate: float) -> dict[Any, float]:
    """Nucleolus of the bankruptcy game: half claims equalised from below, then from above."""
    half = sum(claims.values()) / 2
    if estate <= half:
        return equal_awards({p: c / 2 for p, c in claims.items()}, estate)
    loss = equal_awards({p: c / 2 for p, c in claims.items()}, 2 * half - estate)
    return {p: claims[p] - loss[p] for p in claims}


def equal_awards(caps: Mapping[Any, float], amount: float) -> dict[Any, float]:
    """Constrained equal awards: everybody gets the same, but at most its cap."""
    awards: dict[Any, float] = {}
    waiting = sorted(caps, key=lambda p: caps[p])
    for k, player in enumerate(waiting):
        awards[player] = min(caps[player], amount / (len(waiting) - k))
        amount -= awards[player]
    return awards


def airport(costs: Mapping[Any, float]) -> Game:
    """v(S) is minus the cost of the longest runway that S needs."""

    def value(coalition: frozenset[Any]) -> float:
        return -max(costs[p] for p in coalition)

    def worst(
        x: Mapping[Any, float], inside: frozenset[Any], outside: frozenset[Any]
    ) -> frozenset[Any]:
        need = max((costs[p] for p in inside), default=0.0)
        best, top = (0.0 if not inside else float("-inf")), inside
        for length in sorted({c for c in costs.values() if c >= need} | {need}):
            helpful = {p for p in costs if p not in outside and costs[p] <= length and x[p] < 0}
            coalition = inside | helpful
            if coalition:
                excess = value(coalition) - sum(x[p] for p in coalition)
                if excess > best:
                    best, top = excess, coalition
        return top

    return Game(costs, value, worst=worst)


def airport_shapley(costs: Mapping[Any, float]) -> dict[Any, float]:
    """Littlechild and Owen: each stretch of runway is paid equally by all who need it."""
    order = sorted(costs, key=lambda p: costs[p])
    paid, built, shares = 0.0, 0.0, {}
    for k, player in enumerate(order):
        paid += (costs[player] - built) / (len(order) - k)
        built = costs[player]
        shares[player] = -paid
    return shares


def airport_nucleolus(costs: Mapping[Any, float]) -> dict[Any, float]:
    """Littlechild (1974): the k smallest players whose c_k / (k + 1) is least pay that each.

    Then the runway is shortened by what they paid, and the rest is treated the same way; the
    longest user pays what is left.
    """
    order = sorted(costs, key=lambda p: costs[p])
    shares: dict[Any, float] = {}
    paid = 0.0
    while len(order) > 1:
        rates = [(costs[p] - paid) / (k + 2) for k, p in enumerate(order[:-1])]
        rate = min(rates)
        count = max(k for k, r in enumerate(rates) if r <= rate + 1e-12) + 1
        shares |= dict.fromkeys(order[:count], -rate)
        paid += rate * count
        order = order[count:]
    return shares | {order[0]: paid - costs[order[0]]}


def gloves(left: int, right: int) -> Game:
    """v(S) is the number of pairs; players are ("l", i) and ("r", i)."""
    players = [("l", i) for i in range(left)] + [("r", i) for i in range(right)]

    def value(coalition: frozenset[Any]) -> float:
        of_left = sum(side == "l" for side, _ in coalition)
        return float(min(of_left, len(coalition) - of_left))

    def worst(
        x: Mapping[Any, float], inside: frozenset[Any], outside: frozenset[Any]
    ) -> frozenset[Any]:
        orders = []
        for side in "lr":
            free = [p for p in players if p[0] == side and p not in inside and p not in outside]
            orders.append(sorted(free, key=lambda p: x[p]))
        best, top = float("-inf"), inside
        fixed = [sum(p[0] == side for p in inside) for side in "lr"]
        costs = [[0.0], [0.0]]
        for k in (0, 1):
            for p in orders[k]:
                costs[k].append(costs[k][-1] + x[p])
        for a, cost_a in enumerate(costs[0]):
            for b, cost_b in enumerate(costs[1]):
                excess = min(fixed[0] + a, fixed[1] + b) - cost_a - cost_b
                if excess > best:
                    best, top = excess, inside | {*orders[0][:a], *orders[1][:b]}
        return top

    return Game(players, value, worst=worst)


def majority(players: int, quota: int) -> Game:
    """v(S) is 1 where S has at least quota members."""

    def value(coalition: frozenset[Any]) -> float:
        return float(len(coalition) >= quota)

    def worst(
        x: Mapping[Any, float], inside: frozenset[Any], outside: frozenset[Any]
    ) -> frozenset[Any]:
        free = sorted((p for p in range(players) if p not in inside | outside), key=lambda p: x[p])
        picks = [inside | frozenset(free[:k]) for k in range(len(free) + 1)]
        return max(picks, key=lambda s: value(s) - sum(x[p] for p in s))

    return Game(range(players), value, worst=worst)
