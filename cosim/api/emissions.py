"""CO2 in the summary and in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

QUOTA = "quota"
TOTAL = "total"


def emission_frame(cases: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return emissions as written to the run folder: case, participant, source, kg.

    Args:
        cases: `Schedule.co2_kg` by name; those where nothing emits add no rows.
    """
    frames = []
    for case, table in cases.items():
        if not emits(table):
            continue
        long = table.rename_axis(index="participant").reset_index()
        long = long.melt(id_vars="participant", var_name="source", value_name="kg")
        frames.append(long.assign(case=case))
    if not frames:
        return pd.DataFrame()
    joined = pd.concat(frames, ignore_index=True)
    return joined.reindex(columns=["case", "participant", "source", "kg"])


def emission_entry(cases: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return emissions for the summary: by case the total, by participant and by source, in kg."""
    found: dict[str, Any] = {}
    for case, table in cases.items():
        if emits(table):
            sources = table.drop(columns=[TOTAL, QUOTA], errors="ignore")
            found[case] = {
                "total": float(table[TOTAL].sum()),
                "by_participant": {str(k): float(v) for k, v in table[TOTAL].items()},
                "by_source": {str(k): float(v) for k, v in sources.sum().items()},
            }
    return found


def emits(table: pd.DataFrame) -> bool:
    """Return whether any source is in a table of emissions."""
    return not table.drop(columns=[TOTAL, QUOTA], errors="ignore").empty
