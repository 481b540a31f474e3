"""Pre-insulated steel pipes (EN 253) and what a buried pair of them loses to the trench."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MM_PER_M = 1000.0


@dataclass(frozen=True, slots=True)
class PipeSize:
    """One size of a rigid pre-insulated bonded pipe.

    Attributes:
        dn: nominal diameter.
        outer_diameter_mm: outside of the steel pipe.
        wall_mm: thickness of the steel.
        casing_diameter_mm: outside of the polyethylene casing.
        casing_wall_mm: thickness of the casing.
    """

    dn: int
    outer_diameter_mm: float
    wall_mm: float
    casing_diameter_mm: float
    casing_wall_mm: float = 3.0

    @property
    def inner_diameter_mm(self) -> float:
        """Inside of the steel pipe."""
        return self.outer_diameter_mm - 2.0 * self.wall_mm


EN253_SERIES_1 = (
    PipeSize(20, 26.9, 2.6, 90.0),
    PipeSize(25, 33.7, 2.6, 90.0),
    PipeSize(32, 42.4, 2.6, 110.0),
    PipeSize(40, 48.3, 2.6, 110.0),
    PipeSize(50, 60.3, 2.9, 125.0),
    PipeSize(65, 76.1, 2.9, 140.0),
    PipeSize(80, 88.9, 3.2, 160.0),
    PipeSize(100, 114.3, 3.6, 200.0, 3.2),
    PipeSize(125, 139.7, 3.6, 225.0, 3.4),
    PipeSize(150, 168.3, 4.0, 250.0, 3.6),
    PipeSize(200, 219.1, 4.5, 315.0, 4.1),
    PipeSize(250, 273.0, 5.0, 400.0, 4.8),
    PipeSize(300, 323.9, 5.6, 450.0, 5.2),
    PipeSize(350, 355.6, 5.6, 500.0, 5.6),
    PipeSize(400, 406.4, 6.3, 560.0, 6.0),
)
"""Standard insulation: steel dimensions and casings of EN 253, series 1."""

_SERIES_2_CASING_MM = (
    *(110.0, 110.0, 125.0, 125.0, 140.0, 160.0, 180.0, 225.0, 250.0, 280.0, 355.0, 450.0),
    *(500.0, 560.0, 630.0),
)
EN253_SERIES_2 = tuple(
    replace(size, casing_diameter_mm=casing)
    for size, casing in zip(EN253_SERIES_1, _SERIES_2_CASING_MM, strict=True)
)
"""The same steel pipes one casing size larger, the usual choice for new networks."""


@dataclass(frozen=True, slots=True)
class Trench:
    """How a supply and a return pipe lie side by side in the trench.

    Attributes:
        cover_m: soil above the casing.
        gap_m: distance between the two casings.
        soil_w_per_mk: thermal conductivity of the soil (moist loam to sand: 1.0 to 1.6).
        insulation_w_per_mk: of the polyurethane foam (EN 253: at most 0.029 at 50 C).
        surface_m2k_per_w: transition resistance of the surface (EN 13941-1: 0.0685).
    """

    cover_m: float = 0.8
    gap_m: float = 0.15
    soil_w_per_mk: float = 1.2
    insulation_w_per_mk: float = 0.027
    surface_m2k_per_w: float = 0.0685


USUAL_TRENCH = Trench()


def heat_loss_w_per_mk(size: PipeSize, trench: Trench = USUAL_TRENCH) -> float:
    """Return the loss of one pipe of a buried pair per metre and kelvin above the trench.

    With the insulation R_i = ln(D_i/d) / (2 pi l_i), the soil R_s = ln(4 Z/D) / (2 pi l_s) and
    the other pipe R_h = ln(1 + (2 Z/C)^2) / (4 pi l_s), where Z is the depth of the axes
    enlarged by R_0 l_s and C their distance: U = 1 / (R_i + R_s + R_h). Used for both pipes,
    this U gives exactly the pair's loss U (T_supply + T_return - 2 T_ground); the share of
    each pipe is approximate.

    Args:
        size: both pipes have this size.
        trench: how they lie.

    Source: EN 13941-1:2019 annex on heat losses; P. Wallenten, Steady-state heat loss from
        insulated pipes, Lund 1991, first-order symmetrical solution.
    """
    casing_m = size.casing_diameter_mm / MM_PER_M
    foam_m = (size.casing_diameter_mm - 2.0 * size.casing_wall_mm) / MM_PER_M
    depth_m = trench.cover_m + casing_m / 2.0 + trench.surface_m2k_per_w * trench.soil_w_per_mk
    distance_m = casing_m + trench.gap_m
    insulation = math.log(foam_m * MM_PER_M / size.outer_diameter_mm) / (
        2.0 * math.pi * trench.insulation_w_per_mk
    )
    soil = math.log(4.0 * depth_m / casing_m) / (2.0 * math.pi * trench.soil_w_per_mk)
    other = math.log(1.0 + (2.0 * depth_m / distance_m) ** 2) / (
        4.0 * math.pi * trench.soil_w_per_mk
    )
    return 1.0 / (insulation + soil + other)


def pandapipes_u_w_per_m2k(loss_w_per_mk: float, outer_diameter_mm: float) -> float:
    """Return the loss coefficient in the form that pandapipes' pipe table wants.

    pandapipes 0.16 multiplies `u_w_per_m2k` by pi times `outer_diameter_mm` (times the inner
    diameter where that column is empty), see its `derivative_toolbox`.

    Args:
        loss_w_per_mk: loss per metre of pipe and kelvin.
        outer_diameter_mm: the diameter in the same row of the pipe table.
    """
    return loss_w_per_mk / (math.pi * outer_diameter_mm / MM_PER_M)
