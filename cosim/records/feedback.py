"""What the coupling carries from the networks back to the market: cuts and loss lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cosim.records.network import Injections
from cosim.records.time import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Target:
    """A quantity of one element at one step whose sensitivity is wanted."""

    limit: str
    element: str
    quantity: str
    id: int
    step: int


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """First-order behaviour of a network around verified states.

    Attributes:
        grid: network name.
        terminals: order of the last axis, length n.
        injections: the point of linearisation (with its steps, length T).
        targets: length m.
        value: verified value per target, shape (m,).
        d_dp_per_kw: change of the value per kW injected, shape (m, n).
        d_dq_per_kvar: change per kvar injected, shape (m, n).
        d_loss_dp: change of losses per kW injected, shape (T, n), kW/kW.
        d_loss_dq: shape (T, n), kW/kvar.
        d_auxiliary_dp: change of pump and compressor power, shape (T, n), kW/kW.
        loss_kw: shape (T,).
        auxiliary_kw: shape (T,).
    """

    grid: str
    terminals: tuple[str, ...]
    injections: Injections
    targets: tuple[Target, ...]
    value: FloatArray
    d_dp_per_kw: FloatArray
    d_dq_per_kvar: FloatArray
    d_loss_dp: FloatArray
    d_loss_dq: FloatArray
    d_auxiliary_dp: FloatArray
    loss_kw: FloatArray
    auxiliary_kw: FloatArray


@dataclass(frozen=True, slots=True)
class CutKey:
    """Where a cut comes from; the market indexes its constraint by this key."""

    grid: str
    limit: str
    element: str
    id: int
    step: int
    iteration: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A linear inequality on one step's injections: coef_p @ p_kw + coef_q @ q_kvar <= rhs.

    Attributes:
        key: element, limit, step and iteration of origin.
        terminals: order of the coefficients.
        coef_p: shape (n,), unit of the limit per kW (sign chosen so that the row is <=).
        coef_q: shape (n,), per kvar.
        rhs: right side, unit of the limit.
        outer: true if the cut may be kept for good, false if it is conservative.
    """

    key: CutKey
    terminals: tuple[str, ...]
    coef_p: FloatArray
    coef_q: FloatArray
    rhs: float
    outer: bool


@dataclass(frozen=True, slots=True)
class LossLine:
    """Network losses or pump electricity of a grid, linear in the injections, for every step.

    `value_kw[t] = constant_kw[t] + coef_p[t] @ p_kw[t] + coef_q[t] @ q_kvar[t]`. Losses of one
    grid and kind are the largest of the lines that are kept (tangents of a convex function) or,
    with `exact`, equal to the newest line.

    Attributes:
        constant_kw: shape (T,).
        coef_p: shape (T, n), kW per kW.
        coef_q: shape (T, n), kW per kvar.
    """

    grid: str
    kind: Literal["loss", "auxiliary"]
    iteration: int
    steps: IntArray
    terminals: tuple[str, ...]
    constant_kw: FloatArray
    coef_p: FloatArray
    coef_q: FloatArray
    exact: bool
