"""How the negotiation without a centre went, round by round."""

from __future__ import annotations

from matplotlib.figure import Figure

from cosim.report import style
from cosim.report.data import Run

PHASES = {"relaxed": "dispatch, relaxed", "integers fixed": "dispatch, on/off chosen",
          "prices": "prices"}  # fmt: skip


def negotiation_figure(run: Run) -> Figure | None:
    """Return both residuals over the rounds, a panel per phase; None where it was not asked for."""
    table = run.tables.admm
    if table.empty:
        return None
    phases = [name for name in PHASES if (table["phase"] == name).any()]
    figure = style.figure(2.2)
    axes = figure.subplots(1, len(phases), squeeze=False)[0]
    for axis, phase in zip(axes, phases, strict=True):
        part = table[table["phase"] == phase].reset_index(drop=True)
        for column, colour, label in (
            ("primal_residual", style.BLUE, "mismatch between parties"),
            ("dual_residual", style.ORANGE, "change from round to round"),
        ):
            axis.plot(part.index + 1, part[column].clip(lower=1e-12), color=colour, label=label)
        axis.set_yscale("log")
        title = PHASES[phase] if "integers fixed" in phases else PHASES[phase].split(",")[0]
        axis.set_title(f"{title}: {len(part)} rounds")
        axis.set_xlabel("round")
    axes[0].set_ylabel("share of what is exchanged")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, handlelength=1.8)
    return figure
