"""A cooperative game with transferable utility: players and the value of each coalition."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cosim.errors import GameError

Player: TypeAlias = Hashable
Coalition: TypeAlias = frozenset[Any]
Oracle: TypeAlias = Callable[[Mapping[Any, float], Coalition, Coalition], Iterable[Any]]
Floats: TypeAlias = NDArray[np.float64]

MAX_TABLE_PLAYERS = 20
"""Largest game whose 2^n coalitions are enumerated; 2^20 values take 8 MB."""

_SHOWN = 5


class Game:
    """Players and a value for every coalition; each value is computed once and kept.

    The value of the empty coalition is 0 and is never asked for.

    Args:
        players: distinct hashable names, in the order results are given in.
        value: callable that takes a frozenset of players and returns a finite number.
        worst: optional exact oracle for games too large to enumerate. `worst(x, inside, outside)`
            returns the coalition S with the largest `value(S) - sum(x[i] for i in S)` among those
            that contain all of `inside` and nobody of `outside`. The empty and the grand
            coalition are allowed answers. With it, the core, the least core and the nucleolus
            are exact at any number of players.
        known: values that are known already, by coalition; they are not computed again.

    Raises:
        GameError: no players, a player twice, or a known coalition with an unknown player.

    Examples:
        >>> game = Game(["ann", "bob"], lambda coalition: float(len(coalition) ** 2))
        >>> game.total
        4.0
        >>> game.surplus
        2.0
    """

    def __init__(
        self,
        players: Iterable[Player],
        value: Callable[[Coalition], float],
        *,
        worst: Oracle | None = None,
        known: Mapping[Coalition, float] | None = None,
    ) -> None:
        self.players: tuple[Any, ...] = tuple(players)
        self.worst = worst
        self._callable = value
        self._bit = {player: 1 << i for i, player in enumerate(self.players)}
        self._cache: dict[int, float] = {0: 0.0}
        self._table: Floats | None = None
        if not self.players:
            raise GameError("players: none given; expected at least one player")
        if len(self._bit) < len(self.players):
            twice = sorted({str(p) for p in self.players if self.players.count(p) > 1})
            raise GameError(
                f"players: {_some(twice)} given more than once; expected distinct names"
            )
        for coalition, number in (known or {}).items():
            self._remember(self.mask(coalition), number)

    @classmethod
    def from_table(
        cls,
        table: Mapping[tuple[Any, ...], float],
        *,
        players: Iterable[Player] | None = None,
        default: float | None = None,
    ) -> Game:
        """A game from a table of coalition values, in the form `{(player, ...): value}`.

        Args:
            table: value by coalition; the order of the players inside a key has no meaning.
            players: order of the players; without it, the order of first appearance.
            default: value of coalitions that the table leaves out; without it they are an error.

        Raises:
            GameError: a coalition is missing, given twice with different values, has an unknown
                player, or is the empty one with a value other than 0.

        Examples:
            >>> game = Game.from_table({("a",): 0, ("b",): 1, ("a", "b"): 3})
            >>> game.value(("b", "a"))
            3.0
        """
        if players is None:
            players = dict.fromkeys(player for key in table for player in key)
        game = cls(players, _outside_table(default))
        if game.size > MAX_TABLE_PLAYERS and default is None:
            raise GameError(
                f"table: {game.size} players have 2^{game.size} coalitions; expected at most "
                f"{MAX_TABLE_PLAYERS} players without a default; give a callable to Game(...)"
            )
        for key, number in table.items():
            mask = game.mask(key)
            if mask and mask in game._cache and game._cache[mask] != number:
                raise GameError(
                    f"table: coalition {_name(key)} has the value {number} here and "
                    f"{game._cache[mask]} elsewhere; expected one value per coalition"
                )
            game._remember(mask, number)
        if default is None:
            game._require_complete()
        return game

    @property
    def size(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def total(self) -> float:
        """Value of the grand coalition."""
        return self.at(self.grand)

    @property
    def grand(self) -> int:
        """Bit mask of the grand coalition."""
        return (1 << self.size) - 1

    @property
    def alone(self) -> Floats:
        """Stand-alone values v({i}), in the order of the players."""
        return np.array([self.at(1 << i) for i in range(self.size)])

    @property
    def without(self) -> Floats:
        """Values v(N - i) of everybody but one, in the order of the players."""
        return np.array([self.at(self.grand ^ (1 << i)) for i in range(self.size)])

    @property
    def surplus(self) -> float:
        """What cooperation adds: v(N) - sum of v({i})."""
        return self.total - float(self.alone.sum())

    @property
    def scale(self) -> float:
        """Size of the numbers in this game, against which tolerances are measured."""
        return float(max(abs(self.total), np.abs(self.alone).max(), np.abs(self.without).max()))

    @property
    def known(self) -> dict[Coalition, float]:
        """Every value computed so far, by coalition; feed it to `Game(known=...)` to go on."""
        masks = range(len(self._table)) if self._table is not None else self._cache
        return {self.members(mask): self.at(mask) for mask in masks if mask}

    @property
    def complete(self) -> bool:
        """Whether the value of every coalition is known already."""
        return self._table is not None or len(self._cache) == 1 << self.size

    def value(self, coalition: Iterable[Player]) -> float:
        """Value of a coalition, from memory where it was computed before.

        Raises:
            GameError: unknown player, or the value is not a finite number.
        """
        return self.at(self.mask(coalition))

    def mask(self, coalition: Iterable[Player]) -> int:
        """Bit mask of a coalition: bit i is set where player i belongs to it."""
        mask = 0
        for player in coalition:
            if player not in self._bit:
                raise GameError(
                    f"coalition: unknown player {player!r}; expected players of "
                    f"{_some([repr(p) for p in self.players])}"
                )
            mask |= self._bit[player]
        return mask

    def members(self, mask: int) -> Coalition:
        """The coalition that a bit mask stands for."""
        return frozenset(p for i, p in enumerate(self.players) if mask >> i & 1)

    def at(self, mask: int) -> float:
        """Value of the coalition with this bit mask."""
        if self._table is not None:
            return float(self._table[mask])
        if mask not in self._cache:
            self._remember(mask, self._callable(self.members(mask)))
        return self._cache[mask]

    def table(self) -> Floats:
        """Values of all 2^n coalitions, indexed by bit mask; read-only.

        Raises:
            GameError: more than 20 players.
        """
        if self._table is None:
            if self.size > MAX_TABLE_PLAYERS:
                raise GameError(
                    f"game: {self.size} players have 2^{self.size} coalitions; expected at most "
                    f"{MAX_TABLE_PLAYERS} for an exact enumeration; sample, or give an oracle"
                )
            values = np.array([self.at(mask) for mask in range(1 << self.size)])
            values.setflags(write=False)
            self._table = values
            self._cache = {}
        return self._table

    def series(self, values: Iterable[float], name: str) -> pd.Series[float]:
        """Numbers in the order of the players as a Series indexed by player."""
        index = pd.Index(list(self.players), name="player", tupleize_cols=False)
        return pd.Series(np.fromiter(values, dtype=float, count=self.size), index=index, name=name)

    def vector(self, allocation: Mapping[Any, float] | pd.Series[float], what: str) -> Floats:
        """Numbers by player as an array in the order of the players.

        Raises:
            GameError: a player is missing or unknown, or a number is not finite.
        """
        given = dict(allocation.items())
        if set(given) != set(self.players):
            missing = [str(p) for p in self.players if p not in given]
            unknown = [str(p) for p in given if p not in self._bit]
            raise GameError(
                f"{what}: missing players {_some(missing)}, unknown players {_some(unknown)}; "
                "expected one number for every player"
            )
        numbers = np.array([float(given[player]) for player in self.players])
        if not np.isfinite(numbers).all():
            bad = [str(p) for p, x in zip(self.players, numbers, strict=True) if not np.isfinite(x)]
            raise GameError(f"{what}: not finite for {_some(bad)}; expected finite numbers")
        return numbers

    def _remember(self, mask: int, number: float) -> None:
        if not np.isfinite(number):
            raise GameError(
                f"value of {_name(self.members(mask))}: {number}; expected a finite number"
            )
        if mask == 0 and number != 0:
            raise GameError(f"value of the empty coalition: {number}; expected 0")
        self._cache[mask] = float(number)

    def _require_complete(self) -> None:
        missing = [mask for mask in range(1 << self.size) if mask not in self._cache]
        if missing:
            names = [_name(self.members(mask)) for mask in missing[:_SHOWN]]
            raise GameError(
                f"table: {len(missing)} of {(1 << self.size) - 1} coalitions missing, such as "
                f"{', '.join(names)}; expected all of them, or a default"
            )
        self.table()

    def __repr__(self) -> str:
        return f"Game({self.size} players, {len(self.known)} of {2**self.size - 1} values known)"


def simple_game(game: Game, quota: float) -> Game:
    """The game in which a coalition wins (value 1) where its value reaches a quota, else 0.

    Args:
        game: any game, such as a weighted vote in which v(S) is the sum of the weights.
        quota: value a coalition has to reach to win, in the unit of the game; above 0.

    Examples:
        >>> weights = {"a": 3.0, "b": 2.0, "c": 1.0}
        >>> vote = simple_game(Game(weights, lambda s: sum(weights[i] for i in s)), 4)
        >>> vote.value("ab"), vote.value("bc")
        (1.0, 0.0)
    """
    if not quota > 0:
        raise GameError(f"quota: {quota}; expected a number above 0")
    return Game(game.players, lambda coalition: float(game.value(coalition) >= quota))


def _outside_table(default: float | None) -> Callable[[Coalition], float]:
    def value(coalition: Coalition) -> float:
        if default is None:
            raise GameError(f"table: no value for {_name(coalition)}")
        return default

    return value


def _name(coalition: Iterable[Any]) -> str:
    return "{" + ", ".join(sorted(str(player) for player in coalition)) + "}"


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
