"""Where terminals meet a network: one row per point, as arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cosim.errors import GridError
from cosim.records import NetworkInputs, Terminal, read_only
from cosim.records.time import FloatArray, IntArray

LISTED = 5


@dataclass(frozen=True, slots=True)
class TerminalPoints:
    """All points of all terminals, terminal by terminal.

    Attributes:
        names: of the terminals, length n.
        terminal: which terminal each point belongs to, shape (k,).
        id: network element it is connected to (bus or junction), shape (k,).
        share: fraction of the terminal's power that flows there, shape (k,).
    """

    names: tuple[str, ...]
    terminal: IntArray
    id: IntArray
    share: FloatArray

    @property
    def labels(self) -> list[str]:
        """Name of the terminal of every point."""
        return [self.names[k] for k in self.terminal]

    def spread(self, values: FloatArray) -> FloatArray:
        """Return the power at every point, shape (T, k), from terminals' powers of (T, n)."""
        return np.asarray(values[:, self.terminal] * self.share[None, :])

    def at_nodes(self, node: IntArray, count: int) -> sp.csr_matrix:
        """Return the share of each terminal at each node, shape (count, n).

        Args:
            node: node of every point, shape (k,).
            count: number of nodes.
        """
        place = (self.share, (node, self.terminal))
        return sp.csr_matrix(place, shape=(count, len(self.names)))

    def of(self, terminal: int) -> IntArray:
        """Return the points of one terminal."""
        return np.flatnonzero(self.terminal == terminal)


def terminal_points(terminals: Sequence[Terminal]) -> TerminalPoints:
    """Lay out the points of terminals."""
    rows = [(k, p.id, p.share) for k, terminal in enumerate(terminals) for p in terminal.points]
    return TerminalPoints(
        names=tuple(terminal.name for terminal in terminals),
        terminal=read_only([row[0] for row in rows], np.int64),
        id=read_only([row[1] for row in rows], np.int64),
        share=read_only([row[2] for row in rows]),
    )


def check_points(inputs: NetworkInputs, known: Collection[int], element: str) -> None:
    """Check that every point of every terminal is in the network.

    Raises:
        GridError: naming the elements that are missing.
    """
    missing = sorted({p.id for t in inputs.terminals for p in t.points} - set(known))
    if missing:
        raise GridError(f"{inputs.file.name}: no {element} {some(missing)}", inputs.name)


def some(ids: Sequence[int]) -> str:
    """Return at most five ids and then the count."""
    listed = ", ".join(str(i) for i in ids[:LISTED])
    return listed if len(ids) <= LISTED else f"{listed} and {len(ids) - LISTED} more"
