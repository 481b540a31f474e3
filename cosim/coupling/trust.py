"""Trust region: keep a network's injections of one step where they are.

At a step where the dispatch jumps between two schedules of nearly the same cost, each with losses
that make the other one cheaper, no constant suits both. The injections are then kept in a narrow
band around the last verified ones; whatever balances the network stays free. In a pipe network the
band keeps to one side of zero: a station that draws and one that feeds in are two states, with a
jump of the losses between them where it has a bypass.
"""

from __future__ import annotations

import numpy as np

from cosim.grids.base import Grid
from cosim.records import Cut, CutKey, Injections, read_only

TRUST_REGION = "trust_region"
"""Name in the keys of these cuts; no limit has it."""
RADIUS_KW = 0.01
"""Half the width of the band."""


def trust_cuts(grid: Grid, injections: Injections, steps: set[int], number: int) -> list[Cut]:
    """Return the band around the injections of some steps, two cuts per terminal.

    Args:
        grid: terminals at its balancing plant are left free.
        injections: to stay at.
        steps: positions on the time axis.
        number: written into the keys.
    """
    free = {t.name for t in grid.inputs.terminals if t.at_slack}
    names, cuts = injections.terminals, []
    for row, step in enumerate(int(s) for s in injections.steps):
        if step not in steps:
            continue
        for k, name in enumerate(names):
            if name in free:
                continue
            band = _band(grid, float(injections.p_kw[row, k]))
            for side, sign in enumerate((1.0, -1.0)):
                coefficients = np.zeros(len(names))
                coefficients[k] = sign
                key = CutKey(grid.inputs.name, TRUST_REGION, "terminal", 2 * k + side, step, number)
                rhs = sign * band[side]
                zeros = read_only(np.zeros(len(names)))
                cuts.append(Cut(key, names, read_only(coefficients), zeros, rhs, outer=False))
    return cuts


def _band(grid: Grid, p_kw: float) -> tuple[float, float]:
    """Return the highest and the lowest injection, kW; next to zero, those that feed nothing in."""
    high, low = p_kw + RADIUS_KW, p_kw - RADIUS_KW
    if grid.inputs.kind == "electric" or min(abs(high), abs(low)) > 2.0 * RADIUS_KW:
        return high, low
    return (high, max(low, RADIUS_KW)) if p_kw > 2.0 * RADIUS_KW else (0.0, min(low, -RADIUS_KW))
