"""Small design problems, put together by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cosim.market.design import DesignProblem
from cosim.market.design.pipes import PipeCapability
from cosim.market.design.problem import Building, Candidate, Choice, Pool, Utility
from cosim.records.design import TypicalDay
from cosim.records.time import FloatArray
from cosim.scenario.design import Design, Route
from cosim.scenario.design_catalogue import PipeType

HOURS = 24


def flat(value: float, days: int) -> FloatArray:
    return np.full(HOURS * days, value)


def days_of(weights: Sequence[float]) -> tuple[TypicalDay, ...]:
    return tuple(
        TypicalDay(f"day_{k}" if weight else f"design_{k}", k, weight, {})
        for k, weight in enumerate(weights, start=1)
    )


def spec(catalogue: Mapping[str, Any], **sections: Any) -> Design:
    solver = {"gap": 1e-6, "time_limit_s": 60.0}
    return Design.model_validate({"catalogue": catalogue, "solver": solver, **sections})


def building(
    name: str,
    design: Design,
    demand: Mapping[str, FloatArray],
    buy: FloatArray,
    sell: FloatArray | None,
    gas: float,
    series: Mapping[str, FloatArray] | None = None,
    limits: Mapping[str, tuple[float, float | None]] | None = None,
) -> Building:
    """Return a building with everything of the catalogue for sale."""
    offers = dict(design.catalogue.sized())
    return Building(
        name=name,
        demand=demand,
        utilities={
            "electricity": Utility(buy, sell, 0.0, 1e5, 1e5, 0.0),
            "gas": Utility(np.full(len(buy), gas), None, 0.0, 1e5, 0.0, 0.0),
        },
        chp=design.catalogue.chp,
        offers=offers,
        limits={kind: (limits or {}).get(kind, (0.0, None)) for kind in offers},
        series=series or {},
    )


def route(
    name: str, a: str, b: str, sizes: Sequence[tuple[int, float, float, float, float]]
) -> Candidate:
    """Return a route; sizes are (dn, heat_max_kw, loss_kw, pump_share, cost per year)."""
    return Candidate(
        Route(name=name, between=(a, b), length_m=100.0),
        tuple(
            Choice(
                PipeType(dn=dn, inner_diameter_m=dn / 1000.0, cost_per_m=1.0, loss_w_per_m_k=0.2),
                PipeCapability(heat_max_kw, loss_kw, pump_share),
                cost,
            )
            for dn, heat_max_kw, loss_kw, pump_share, cost in sizes
        ),
    )


def problem(
    design: Design,
    weights: Sequence[float],
    buildings: Sequence[Building],
    candidates: Sequence[Candidate] = (),
    pool: Pool | None = None,
) -> DesignProblem:
    return DesignProblem(
        spec=design,
        days=days_of(weights),
        buildings={one.name: one for one in buildings},
        candidates=tuple(candidates),
        pool=pool,
        threads=1,
    )
