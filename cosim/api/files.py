"""Verbs about files: start from an example, export, compare and report finished runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cosim.errors import Problem, ScenarioError
from cosim.scenario.load import SCENARIO_FILE

PACKAGE = Path(__file__).resolve().parent.parent
SHARED_DATA = re.compile(r"(?:\.\./)+networks/")
"""How examples refer to the data they share."""


def data_folder() -> Path:
    """Return the folder with `examples` and `networks`: inside the package, or the checkout."""
    installed = PACKAGE / "_data"
    return installed if installed.is_dir() else PACKAGE.parent


def examples() -> list[str]:
    """Return the names of the examples that come with cosim."""
    return sorted(p.parent.name for p in (data_folder() / "examples").glob(f"*/{SCENARIO_FILE}"))


def init(example: str, to: Path | str | None = None) -> Path:
    """Copy an example into a folder of its own, with the network data it needs.

    Args:
        example: one of `examples()`.
        to: a folder that does not exist yet; the example's name if missing.

    Returns:
        The new folder.

    Raises:
        ScenarioError: for an unknown example or a folder that exists.
    """
    known = examples()
    if example not in known:
        raise ScenarioError(
            [Problem("example", f"unknown {example!r}", f"one of {', '.join(known)}")]
        )
    target = Path(to) if to is not None else Path(example)
    if target.exists():
        advice = "choose another folder with --to"
        raise ScenarioError([Problem(str(target), "exists already", "a new folder", advice)])
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(data_folder() / "examples" / example, partial)
    _bring_shared_data(partial)
    partial.rename(target)
    return target


def _bring_shared_data(folder: Path) -> None:
    """Copy the shared network files that a folder's scenarios name, and point to the copies."""
    source = data_folder() / "networks"
    for file in [*folder.glob("*.yaml"), *folder.glob("*.py")]:
        text = file.read_text(encoding="utf-8")
        for name in set(re.findall(r"(?:\.\./)+networks/([\w./-]+)", text)):
            if (source / name).is_file():
                copy = folder / "networks" / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, copy)
                readme = (source / name).parent / "README.md"
                if readme.is_file():
                    shutil.copy2(readme, copy.parent / "README.md")
        file.write_text(SHARED_DATA.sub("networks/", text), encoding="utf-8")


def export(run: Path | str, form: str, to: Path | str | None = None) -> list[Path]:
    """Write the tables of a finished run as csv, xlsx or netcdf.

    Raises:
        ResultsError: if the folder is not a finished run, or the form is unknown.
    """
    from cosim.results import export_run

    folder = Path(run)
    return export_run(folder, form, Path(to) if to is not None else folder / "export")


def compare(runs: Sequence[Path | str]) -> pd.DataFrame:
    """Return one column per run: verdict, costs, price of physics, smallest margins.

    Raises:
        ResultsError: if a folder is not a finished run.
    """
    from cosim.results import compare_runs

    return compare_runs([Path(run) for run in runs])


def report(run: Path | str) -> Path:
    """Draw the report of a finished run again and return its path.

    Raises:
        ResultsError: if the folder is not a finished run.
    """
    from cosim.report import write_report

    return write_report(Path(run))
