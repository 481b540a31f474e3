"""Several designs side by side as one: what a coalition can always do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cosim.records.design import Design


def unite(designs: Sequence[Design], order: Sequence[str]) -> Design:
    """Return separate designs of different buildings as the design of all of them.

    Args:
        designs: no building in two of them.
        order: of the buildings.
    """
    members = tuple(n for n in order if any(n in design.members for design in designs))
    return Design(
        members=members,
        units=tuple(unit for design in designs for unit in design.units),
        pipes=tuple(pipe for design in designs for pipe in design.pipes),
        costs=_rows([design.costs for design in designs]),
        operation=_rows([design.operation for design in designs]),
        flows=_rows([design.flows for design in designs]),
        bound_per_year=sum(design.bound_per_year for design in designs),
        cuts=tuple(dict.fromkeys(cut for design in designs for cut in design.cuts)),
        seconds=sum(design.seconds for design in designs),
        proven=all(design.proven for design in designs),
        solution={name: v for design in designs for name, v in design.solution.items()},
    )


def _rows(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    kept = [table for table in tables if len(table)]
    return pd.concat(kept, ignore_index=True) if kept else tables[0]
