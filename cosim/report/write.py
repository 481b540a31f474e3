"""From a finished run folder to `report.html` and `figures/*.svg`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd

from cosim.report import style, text
from cosim.report.data import Run, open_run
from cosim.report.design import design_banner, design_facts, design_sections, design_tiles
from cosim.report.page import Cell, Picture, Section
from cosim.report.sections import sections
from cosim.report.verdict import banner, tiles

REPORT_FILE = "report.html"
FIGURES = "figures"
CSS_PX_PER_INCH = 96.0


def write_report(run_folder: Path) -> Path:
    """Draw the report of a finished run; nothing but the run folder is read.

    Args:
        run_folder: written by `cosim.results.write_run`.

    Returns:
        `report.html` in that folder; its figures are also in `figures/` as SVG.

    Raises:
        ResultsError: if the folder is not a finished run.
    """
    run = open_run(run_folder)
    designs = "design" in run.summary
    with style.look():
        found = design_sections(run) if designs else sections(run)
    page = _render(run, found, designs)
    _write_figures(run_folder, found)
    path = run_folder / REPORT_FILE
    partial = path.with_name(f".{REPORT_FILE}.{os.getpid()}")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)
    return path


def _render(run: Run, found: Sequence[Section], designs: bool) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("template")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(
        title=run.summary["name"],
        description=run.summary["description"],
        facts=design_facts(run) if designs else _facts(run),
        banner=design_banner(run) if designs else banner(run),
        tiles=design_tiles(run) if designs else tiles(run),
        sections=found,
        participants=[
            (text.spoken(name), role) for name, role in run.summary["participants"].items()
        ],
        cell=_cell,
        pixels=lambda inch: round(inch * CSS_PX_PER_INCH),
    )


def _cell(value: Cell | str) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def _facts(run: Run) -> list[str]:
    """Return what the run covers, for the line below the title."""
    times = pd.DatetimeIndex(run.tables.schedule["time"].drop_duplicates().sort_values())
    found = []
    if len(times):
        end = times[-1] + pd.Timedelta(hours=run.step_h)
        minutes = f"{run.step_h * 60:g} min"
        found.append(
            f"{times[0]:%d %B %Y %H:%M} to {end:%d %B %Y %H:%M}, {len(times)} steps of {minutes}"
        )
    found.append(text.listed([text.GRID_TITLES.get(k, k) for k in run.kinds.values()], 9).lower())
    number = len(run.participants)
    found.append(f"{number} participant{'s' if number != 1 else ''}")
    return [fact for fact in found if fact]


def _write_figures(run_folder: Path, found: Sequence[Section]) -> None:
    """Replace the folder of figures as a whole."""
    target, partial = run_folder / FIGURES, run_folder / f".{FIGURES}.{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for section in found:
        for block in section.blocks:
            if isinstance(block, Picture):
                (partial / f"{block.name}.svg").write_text(block.svg, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
