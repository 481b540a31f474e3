"""The limits that gas states are held against."""

from __future__ import annotations

import numpy as np

from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.model import GasModel
from cosim.records import Limit, read_only
from cosim.records.time import IntArray


def gas_limits(model: GasModel, batch: GasBatch | None) -> tuple[Limit, ...]:
    """Return pressure band, velocity and feed-in limits.

    Pressure is checked at every junction in service that an external grid reaches (at every
    junction in service where no batch exists), not only where customers are: a main below its
    pressure has no customer to say so. Velocity is checked in every pipe in service, at the
    actual pressure of its low-pressure end.
    """
    chosen = model.settings.limits
    bands = [_pressure(model, batch, "min", chosen.pressure_min_bar)]
    bands.append(_pressure(model, batch, "max", chosen.pressure_max_bar))
    more = (*(band for band in bands if band is not None), _velocity(model), _feed_in(model))
    return more if model.settings.hydrogen is None else (*more, _hydrogen(model, batch))


def _pressure(
    model: GasModel, batch: GasBatch | None, side: str, bound: float | None
) -> Limit | None:
    """Return one side of the pressure band.

    Squared pressure falls with more than the first power of the flow. In a tree whose gas flows
    from the external grid outwards, pressure is therefore concave in what is drawn, and tangents
    of the lower limit keep every feasible point (`outer`). In two cases not strictly so: feed-in
    that turns a pipe around makes the fall of pressure in it a rise, which bends the other way, and
    in loops flows are not linear in the injections. A tangent made there may cut off a little of
    what is feasible. Turned pipes carry what little is left of the flow, so the limit is kept as
    outer all the same. The upper limit is reached beside feed-in, on the other side of the curve,
    and is linearised again.
    """
    if bound is None:
        return None
    ids = _supplied(model, batch)
    return Limit(
        name=f"pressure_{side}",
        element="junction",
        quantity="p_bar",
        sense="min" if side == "min" else "max",
        ids=ids,
        bound=read_only(np.full(ids.size, bound)),
        tolerance=model.settings.limits.pressure_tolerance_bar,
        unit="bar",
        source=f"scenario: networks.{model.inputs.name}.limits.pressure_{side}_bar (gauge)",
        outer=side == "min",
    )


def _supplied(model: GasModel, batch: GasBatch | None) -> IntArray:
    """Return junctions in service that an external grid reaches, as far as that is known."""
    junction = model.net.junction
    alive = junction["in_service"].to_numpy(dtype=bool)
    if batch is not None:
        alive = batch.supplied[: len(junction)]
    return read_only(junction.index[alive], np.int64)


def _hydrogen(model: GasModel, batch: GasBatch | None) -> Limit:
    """Return the limit on hydrogen by volume at every junction that gas flows through.

    The fraction is a quotient of what was fed in upstream and everything that passes. Its tangents
    are conservative in some directions and are linearised again.
    """
    chosen = model.settings.hydrogen
    assert chosen is not None
    ids = _supplied(model, batch)
    return Limit(
        name="hydrogen_fraction_max",
        element="junction",
        quantity="hydrogen_fraction",
        sense="max",
        ids=ids,
        bound=read_only(np.full(ids.size, chosen.max_fraction)),
        tolerance=chosen.fraction_tolerance,
        unit="by volume",
        source=f"scenario: networks.{model.inputs.name}.hydrogen.max_fraction",
        outer=False,
    )


def _velocity(model: GasModel) -> Limit:
    """Return the limit on the speed at the low-pressure end.

    In a tree without feed-in, speed rises ever faster when everybody draws more (the flow is
    linear, and one over a concave pressure is convex), so tangents keep what is feasible. With
    feed-in the amount of a flow has a kink where it turns around; a tangent made on one side is
    weaker than the limit on the other. It may cut off feasible points only where drawing more in
    one place and less in another trades flow against pressure.
    """
    chosen = model.settings.limits
    ids = _in_service(model, "pipe")
    return Limit(
        name="velocity_max",
        element="pipe",
        quantity="v_max_m_per_s",
        sense="max",
        ids=ids,
        bound=read_only(np.full(ids.size, chosen.velocity_max_m_per_s)),
        tolerance=chosen.velocity_tolerance_m_per_s,
        unit="m/s",
        source="DVGW G 472 practice, at the actual pressure of the pipe's low-pressure end",
    )


def _feed_in(model: GasModel) -> Limit:
    """Return the limit that no external grid takes gas back.

    Exactly linear in the injections, and so outer, with one external grid; with several at
    different pressures the shares follow from the loops and its tangents are only first order.
    """
    ids = _in_service(model, "ext_grid")
    return Limit(
        name="feed_in_max",
        element="ext_grid",
        quantity="mdot_kg_per_s",
        sense="max",
        ids=ids,
        bound=read_only(np.zeros(ids.size)),
        tolerance=model.settings.limits.feed_in_tolerance_kw * model.kg_per_s_per_kw,
        unit="kg/s",
        source="a pressure regulating station lets gas pass in one direction only",
    )


def _in_service(model: GasModel, table: str) -> IntArray:
    rows = model.net[table]
    return read_only(rows.index[rows["in_service"].astype(bool)], np.int64)
