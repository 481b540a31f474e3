"""States evaluated in pieces, by whoever has time, and put together again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cosim.grids.base import Engine, Grid
from cosim.records import GridStates, Injections, read_only

PIECE_STEPS = 24
"""Steps that are evaluated together in the reference engines. Fixed, since a step starts from the
one before it: how many processes work must not change the result by a rounding."""
_STEPS = re.compile(r"\b(\d+)(?= step)")

Piece = tuple[str, Injections, Engine]
"""Network, what to evaluate, with which engine."""


def evaluate(grids: Mapping[str, Grid], piece: Piece) -> GridStates:
    """Evaluate one piece; a task for any process."""
    name, injections, engine = piece
    return grids[name].verify(injections, engine)


def pieces_of(name: str, entry: Injections, engine: Engine, size: int) -> Iterator[Piece]:
    """Yield consecutive steps of a network, at most `size` in each piece."""
    for first in range(0, len(entry.steps), size):
        part = slice(first, first + size)
        steps = read_only(entry.steps[part], np.int64)
        p_kw, q_kvar = read_only(entry.p_kw[part]), read_only(entry.q_kvar[part])
        yield name, replace(entry, steps=steps, p_kw=p_kw, q_kvar=q_kvar), engine


def joined(parts: Sequence[GridStates], entry: Injections) -> GridStates:
    """Return states of consecutive pieces as one.

    Args:
        parts: at least one, all of one network and engine.
        entry: the injections that the pieces were cut from.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    fields = tuple(
        replace(column, values=read_only(np.vstack([p.fields[k].values for p in parts])))
        for k, column in enumerate(first.fields)
    )
    return replace(
        first,
        injections=entry,
        fields=fields,
        loss_kw=read_only(np.concatenate([p.loss_kw for p in parts])),
        slack_kw=read_only(np.concatenate([p.slack_kw for p in parts])),
        auxiliary_kw=read_only(np.concatenate([p.auxiliary_kw for p in parts])),
        failures=tuple(failure for p in parts for failure in p.failures),
        notes=joined_notes(p.notes for p in parts),
    )


def joined_notes(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return the notes of pieces as those of the whole: once each, numbers of steps added up."""
    sums: dict[str, int | None] = {}
    for notes in parts:
        for note in notes:
            found = _STEPS.search(note)
            if found is None:
                sums[note] = None
                continue
            key = note[: found.start()] + "\0" + note[found.end() :]
            sums[key] = (sums.get(key) or 0) + int(found.group())
    return tuple(
        key if count is None else key.replace("\0", str(count)) for key, count in sums.items()
    )
