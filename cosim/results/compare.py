"""Finished runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.errors import ResultsError
from cosim.results.read import read_summary


def compare_runs(runs: Sequence[Path]) -> pd.DataFrame:
    """Return one column per run: verdict, costs, price of physics, smallest margin of each limit.

    Args:
        runs: run folders, at least one.

    Returns:
        Index `figure`; a figure that a run lacks is empty. Columns are the folders' names, or their
        paths where names repeat.

    Raises:
        ResultsError: if a folder is not a finished run, or none is given.
    """
    if not runs:
        raise ResultsError("compare: no run folder given; expected at least one")
    summaries = [read_summary(run) for run in runs]
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    columns = [_figures(summary) for summary in summaries]
    order = list(dict.fromkeys(key for column in columns for key in column))
    frame = pd.DataFrame(
        {k: [column.get(key, "") for key in order] for k, column in enumerate(columns)},
        index=pd.Index(order, name="figure"),
        dtype=object,
    )
    return frame.set_axis(names, axis=1)


def _figures(summary: Mapping[str, Any]) -> dict[str, Any]:
    currency = summary["currency"]
    found: dict[str, Any] = {
        "verdict": summary["verdict"],
        "rounds": summary["iterations"],
        "seconds": (summary["seconds"] or {}).get("total", ""),
    }
    sections: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
        "costs": (
            "cost",
            (
                ("individual", "everyone alone"),
                ("copper_plate", "copper plate"),
                ("verified", "verified"),
            ),
        ),
        "price_of_physics": (
            "price of physics",
            (("total", "total"), ("losses", "losses"), ("congestion", "congestion")),
        ),
    }
    for key, (title, entries) in sections.items():
        section = summary.get(key) or {}
        for name, text in entries:
            if section.get(name) is not None:
                found[f"{title}: {text} ({currency})"] = float(section[name])
    gap = (summary.get("lower_bound") or {}).get("gap")
    if gap is not None:
        found["gap to lower bound (%)"] = 100.0 * float(gap)
    return found | _margins(summary["certificate"]["networks"])


def _margins(networks: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for grid, limits in networks.items():
        found[f"{grid}: limits missed"] = sum(int(entry["violations"]) for entry in limits.values())
        for limit, entry in limits.items():
            margin = entry.get("smallest_margin")
            if margin is not None:
                unit = entry.get("unit", "")
                found[f"{grid}: margin of {limit} ({unit})"] = float(margin)
    return found
