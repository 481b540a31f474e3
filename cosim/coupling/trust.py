"""Trust region: keep a network's injections of one step where they are.

At a step where the dispatch jumps between two schedules of nearly the same cost, each with losses
that make the other one cheaper, no constant suits both. The injections are then kept in a narrow
band around the last verified ones; whatever balances the network stays free.
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
            for side, sign in enumerate((1.0, -1.0)):
                coefficients = np.zeros(len(names))
                coefficients[k] = sign
                key = CutKey(grid.inputs.name, TRUST_REGION, "terminal", 2 * k + side, step, number)
                rhs = sign * float(injections.p_kw[row, k]) + RADIUS_KW
                zeros = read_only(np.zeros(len(names)))
                cuts.append(Cut(key, names, read_only(coefficients), zeros, rhs, outer=False))
    return cuts
