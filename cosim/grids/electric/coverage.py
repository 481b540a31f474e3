"""What the batch equations do not cover, and what no balanced power flow may be asked."""

from __future__ import annotations

from typing import Any

from cosim.errors import GridError

CONTROLLED_TABLES = ("svc", "ssc", "tcsc", "vsc", "b2b_vsc", "bi_vsc", "line_dc", "source_dc")
"""FACTS and DC grids: unknowns of their own beside the bus voltages."""
UNBALANCED_TABLES = ("asymmetric_load", "asymmetric_sgen")


def unsupported(net: Any) -> tuple[str, ...]:
    """Return what is in a network that the batch equations do not cover, as `table: count`."""
    return tuple(f"{table}: {n}" for table in CONTROLLED_TABLES if (n := _active(net, table)))


def refuse_unbalanced(net: Any, file: str, grid: str) -> None:
    """Refuse unsymmetrical customers: a balanced power flow would spread them over the phases.

    Raises:
        GridError: if some are in service.
    """
    found = [f"{table}: {n}" for table in UNBALANCED_TABLES if (n := _active(net, table))]
    if found:
        raise GridError(
            f"{file}: {', '.join(found)} in service, but the power flow is balanced and would "
            "overlook the worst phase; switch them off (background.unlisted: off) or replace "
            "them by loads",
            grid,
        )


def has_machines(net: Any) -> bool:
    """Tell whether something other than an external grid holds a voltage."""
    return any(_active(net, table) for table in ("gen", "dcline", "xward"))


def may_recycle(net: Any) -> bool:
    """Tell whether pandapower can keep its equations between steps and is right then.

    It adds what FACTS do to the admittance matrix again and again, and loses the ends of DC lines.
    """
    return not unsupported(net) and not _active(net, "dcline")


def _active(net: Any, table: str) -> int:
    if table not in net or not len(net[table]):
        return 0
    frame = net[table]
    return int(frame["in_service"].sum()) if "in_service" in frame else len(frame)
