"""A study on one page: what was asked, one figure, the table; as Markdown and as HTML."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cosim.report.style import BLUE, GREY, ORANGE, look
from cosim.studies.spec import StudySpec

MOST_ROWS = 200
"""Rows shown; the Parquet file has all of them."""
STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2530}"
    "table{border-collapse:collapse;font-size:13px}td,th{padding:.25rem .6rem;text-align:right;"
    "border-bottom:1px solid #e6e9ed}th{text-align:right;color:#5a6672}img{max-width:100%}"
)


def write_page(folder: Path, spec: StudySpec, table: pd.DataFrame) -> Path:
    """Write `study.md`, `study.html` and `figures/study.svg`; return the HTML page."""
    figure = folder / "figures" / "study.svg"
    figure.parent.mkdir(exist_ok=True)
    picture = _picture(spec, table)
    figure.write_bytes(picture)
    shown = _shown(table)
    lines = [f"# {spec.name}", "", *([spec.description, ""] if spec.description else [])]
    lines += [*_sentences(table), "", "![Results](figures/study.svg)", "", *_markdown(shown)]
    (folder / "study.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    page = folder / "study.html"
    page.write_text(_html(spec, table, shown, picture), encoding="utf-8")
    return page


def _sentences(table: pd.DataFrame) -> list[str]:
    verdicts = table["verdict"].value_counts()
    counts = ", ".join(f"{number} {name}" for name, number in verdicts.items())
    lines = [f"{len(table)} tasks: {counts}."]
    if "hosting_capacity" in table:
        found = table["hosting_capacity"].dropna()
        if len(found):
            lines.append(f"Hosting capacity: {_range(found)}.")
    elif "cost_verified" in table and table["cost_verified"].notna().any():
        lines.append(f"Verified cost: {_range(table['cost_verified'].dropna())}.")
    elif "cost_copper_plate" in table and table["cost_copper_plate"].notna().any():
        lines.append(f"Cost without networks: {_range(table['cost_copper_plate'].dropna())}.")
    return lines


def _range(values: pd.Series) -> str:
    if len(values) == 1:
        return f"{values.iloc[0]:,.2f}"
    return (
        f"{values.min():,.2f} to {values.max():,.2f}, mean {values.mean():,.2f}, "
        f"median {values.median():,.2f}"
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows and columns for people: no margins, nothing that is empty everywhere."""
    columns = [
        name
        for name in table.columns
        if not str(name).startswith("margin_")
        and (table[name].notna() & (table[name].astype(str) != "")).any()
    ]
    return table[columns].head(MOST_ROWS)


def _cell(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _markdown(shown: pd.DataFrame) -> list[str]:
    rows = [[_cell(value).replace("|", "\\|") for value in row] for row in shown.to_numpy(object)]
    head = [str(name) for name in shown.columns]
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _html(spec: StudySpec, table: pd.DataFrame, shown: pd.DataFrame, picture: bytes) -> str:
    name, text = html.escape(spec.name), html.escape(spec.description)
    said = " ".join(html.escape(line) for line in _sentences(table))
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in shown.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in shown.to_numpy(object)
    )
    image = base64.b64encode(picture).decode()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{STYLE}</style></head><body><h1>{name}</h1><p>{text}</p><p>{said}</p>"
        f'<img alt="Results" src="data:image/svg+xml;base64,{image}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></body></html>\n"
    )


def _picture(spec: StudySpec, table: pd.DataFrame) -> bytes:
    with look():
        figure = Figure(figsize=(8.0, 3.6), layout="constrained")
        _draw(figure.add_subplot(), spec, table)
        sink = io.BytesIO()
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return sink.getvalue()


def _draw(axis: Axes, spec: StudySpec, table: pd.DataFrame) -> None:
    quantity = _quantity(table)
    if quantity is None:
        axis.text(0.5, 0.5, "No task has a result", ha="center", va="center", color=GREY)
        axis.set_axis_off()
        return
    place, label = _abscissa(spec, table)
    passed = table["verdict"].eq("feasible").to_numpy(dtype=bool)
    for mask, colour, name in ((passed, BLUE, "feasible"), (~passed, ORANGE, "not feasible")):
        part = table[mask & table[quantity].notna().to_numpy()]
        if len(part):
            where = place[part.index]
            axis.plot(where, part[quantity], "o", color=colour, label=name)
    axis.set_xlabel(label)
    axis.set_ylabel(quantity.replace("_", " "))
    axis.legend(loc="best")


def _quantity(table: pd.DataFrame) -> str | None:
    """Return the first of the interesting columns that any task has a value for."""
    for name in ("hosting_capacity", "cost_verified", "cost_copper_plate", "violations"):
        if name in table and table[name].notna().any():
            return name
    return None


def _abscissa(spec: StudySpec, table: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return what to draw over: the first swept or drawn field with numbers, else the task."""
    drawn = list(spec.monte_carlo.fields) if spec.monte_carlo is not None else []
    for field in (*spec.sweep, *drawn):
        if pd.api.types.is_numeric_dtype(table[field]) and table[field].nunique() > 1:
            return table[field], field
    return table["task"], "task"
