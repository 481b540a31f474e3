"""What the market of a designed day knows of losses before its first round."""

from __future__ import annotations

import numpy as np

from cosim.api.session import Physics
from cosim.records import GridStates, LossLine, read_only


def warm_lines(physics: Physics, grid: str) -> tuple[LossLine, ...]:
    """Return losses and pump electricity of a network that nobody uses, as a first guess.

    Args:
        physics: the networks, evaluated without participants.
        grid: the network of the laid pipes.
    """
    states = physics.alone.states[grid]
    if states.failures:
        return ()
    return tuple(
        _constant(states, kind, values)
        for kind, values in (("loss", states.loss_kw), ("auxiliary", states.auxiliary_kw))
    )


def _constant(states: GridStates, kind: str, values: np.ndarray) -> LossLine:
    entry = states.injections
    nothing = read_only(np.zeros(entry.p_kw.shape))
    return LossLine(
        grid=states.grid,
        kind="loss" if kind == "loss" else "auxiliary",
        iteration=0,
        steps=entry.steps,
        terminals=entry.terminals,
        constant_kw=values,
        coef_p=nothing,
        coef_q=nothing,
        exact=True,
    )
