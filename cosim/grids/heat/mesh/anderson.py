"""Anderson's method for fixed points (doi:10.1145/321296.321305)."""

from __future__ import annotations

import numpy as np

from cosim.grids.heat.forest import jit
from cosim.records.time import FloatArray

WINDOW = 6
"""Iterations that are looked back."""
REGULAR = 1.0e-13
"""Added to the normal equations, relative to their largest entry."""


@jit
def mix(past_u: FloatArray, past_g: FloatArray, count: int, step: FloatArray) -> bool:
    """Replace `step` by Anderson's: the combination of past iterates with the least residual.

    Args:
        past_u: iterates, newest at `(count - 1) % rows`, shape (WINDOW + 1, c).
        past_g: their residuals.
        count: how many there have been.
        step: its residual; overwritten.
    """
    depth = min(count - 1, WINDOW)
    if depth < 1:
        return False
    rows, size = past_u.shape
    newest = (count - 1) % rows
    normal, right = np.zeros((depth, depth)), np.zeros(depth)
    for a in range(depth):
        one = (newest - 1 - a) % rows
        for i in range(size):
            d = past_g[newest, i] - past_g[one, i]
            right[a] += d * past_g[newest, i]
            for b in range(a, depth):
                two = (newest - 1 - b) % rows
                normal[a, b] += d * (past_g[newest, i] - past_g[two, i])
    scale = 0.0
    for a in range(depth):
        scale = max(scale, normal[a, a])
        for b in range(a):
            normal[a, b] = normal[b, a]
    if not scale > 0.0:
        return False
    for a in range(depth):
        normal[a, a] += REGULAR * scale
    gamma = np.linalg.solve(normal, right)
    for a in range(depth):
        one = (newest - 1 - a) % rows
        for i in range(size):
            d_u = past_u[newest, i] - past_u[one, i]
            step[i] -= gamma[a] * (d_u + past_g[newest, i] - past_g[one, i])
    return True
