"""Darcy friction factors as pandapipes uses them for gas, with their slopes.

All three laws depend on the Reynolds number and on roughness over diameter only. The slope is
the elasticity d ln(lambda) / d ln(Re), which is what a derivative with respect to the mass flow
needs, because Re is proportional to |mdot|.
"""

from __future__ import annotations

import numpy as np
from scipy.special import wrightomega

from cosim.records.time import FloatArray

LAMINAR = 64.0
"""Hagen-Poiseuille: lambda = 64 / Re."""
ZERO_REYNOLDS = 1e-8
"""Below this a pipe counts as standing still (pandapipes: numpy.isclose(re, 0))."""
SWAMEE_JAIN = "swamee-jain"
MONOTONE = "swamee-jain, linear at rest"
"""Swamee-Jain above `MONOTONE_REYNOLDS`, a drop proportional to the flow below."""
MONOTONE_REYNOLDS = 30.0
"""lambda Re^2 of the Swamee-Jain formula grows with Re only above about 19."""
HALF_LOG = 2.0 / np.log(10.0)
"""2 log10(y) = HALF_LOG ln(y)."""
TURBULENT_REYNOLDS = 2000.0
"""From here on three Newton steps solve the Colebrook equation to the last digits."""
NEWTON_STEPS = 3
TINY = 1e-300
SMALLEST_LOG = 1e-12
"""Guard of the pole of the Swamee-Jain formula at Re of about 7."""


def friction(
    model: str, reynolds: FloatArray, roughness: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the friction factor and its elasticity in the Reynolds number.

    Args:
        model: `nikuradse`, `colebrook` or `swamee-jain`.
        reynolds: Reynolds number, shape (n, T).
        roughness: wall roughness over inner diameter, shape (n, 1).

    Returns:
        lambda and d ln(lambda) / d ln(Re), both of shape (n, T).

    Raises:
        ValueError: for any other model; pandapipes would silently take Nikuradse.
    """
    moving = reynolds > ZERO_REYNOLDS
    re = np.where(moving, reynolds, 1.0)
    if model == "nikuradse":
        factor, slope = _nikuradse(re, roughness, moving)
    elif model == "colebrook":
        factor, slope = _colebrook(re, roughness, moving)
    elif model == SWAMEE_JAIN:
        factor, slope = _swamee_jain(re, roughness, moving)
    elif model == MONOTONE:
        slow = np.minimum(re / MONOTONE_REYNOLDS, 1.0)
        factor, slope = _swamee_jain(np.maximum(re, MONOTONE_REYNOLDS), roughness, moving)
        factor, slope = factor / slow, np.where(slow < 1.0, -1.0, slope)
    else:
        raise ValueError(f"unknown friction model {model!r}; nikuradse, colebrook or swamee-jain")
    return factor, np.where(moving, slope, 0.0)


def rough_factor(roughness: FloatArray) -> FloatArray:
    """Return Nikuradse's fully rough friction factor 1 / (2 log10(d/k) + 1.14)^2."""
    return np.asarray((2.0 * np.log10(1.0 / roughness) + 1.14) ** -2.0, dtype=np.float64)


def _nikuradse(
    re: FloatArray, roughness: FloatArray, moving: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Return the sum of the laminar and the fully rough factor, as pandapipes defines it."""
    laminar = np.where(moving, LAMINAR / re, 0.0)
    factor = laminar + rough_factor(roughness)
    return factor, -laminar / factor


def _swamee_jain(
    re: FloatArray, roughness: FloatArray, moving: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Return 0.25 / log10(k/3.7d + 5.74/Re^0.9)^2 (Swamee and Jain 1976)."""
    smooth = 5.74 * re**-0.9
    argument = roughness / 3.7 + smooth
    log = np.log10(argument)
    log = np.where(np.abs(log) < SMALLEST_LOG, -SMALLEST_LOG, log)
    slope = 1.8 * smooth / (argument * log * np.log(10.0))
    return np.where(moving, 0.25 / log**2, 0.0), slope


def _colebrook(
    re: FloatArray, roughness: FloatArray, moving: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Return the solution of 1/sqrt(l) = -2 log10(2.51/(Re sqrt(l)) + k/3.71d).

    With x = 1/sqrt(lambda) and y = 2.51 x/Re + k/3.71d it reads x = -2 log10 y. In turbulent flow
    Newton's method starts from the Swamee-Jain formula, a few percent away, and squares its error
    three times. In laminar flow: ln y + c y = c k/3.71d with c = ln(10) Re / 5.02, so that c y is
    the Wright omega function of its right side plus ln c.
    """
    rough = np.broadcast_to(roughness / 3.71, re.shape)
    smooth = 2.51 / re
    x = -HALF_LOG * np.log(rough + 5.74 * re**-0.9)
    for _ in range(NEWTON_STEPS):
        y = np.maximum(smooth * x + rough, TINY)
        x = x - (x + HALF_LOG * np.log(y)) / (1.0 + HALF_LOG * smooth / y)
    slow = re < TURBULENT_REYNOLDS
    if slow.any():
        c = np.log(10.0) * re[slow] / 5.02
        x[slow] = -HALF_LOG * np.log(np.real(wrightomega(c * rough[slow] + np.log(c))) / c)
    y = smooth * x + rough
    share = 5.02 / (re * np.log(10.0))
    factor = np.where(moving, x**-2.0, rough_factor(roughness))
    return factor, -2.0 * share / (y + share)
