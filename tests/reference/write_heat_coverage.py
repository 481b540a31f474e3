"""Write docs/coverage_heat.md.

Run as `PYTHONPATH=. python -m tests.reference.write_heat_coverage [network ...]`; with names, only
their rows are printed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from cosim.errors import GridError
from tests.reference.heat_networks import ROOT, SETTINGS, networks
from tests.support.coverage_page import write_page
from tests.support.heat_campaign import GATES, HEAT_GATE, KINDS, TIGHT, Outcome, compare

PAGE = ROOT / "docs" / "coverage_heat.md"
HEAD = f"""# The heat batch against pandapipes

Written by `python -m tests.reference.write_heat_coverage`; the same comparison runs as
`tests/reference/test_heat_campaign.py` with its gates ({GATES["t_k"]:g} K, {GATES["p_bar"]:g} bar,
{GATES["mdot_from_kg_per_s"]:g} kg/s and m/s, heat to {HEAT_GATE:g} of all that is drawn).

Every network of liquid that pandapipes bundles, those shipped with cosim, and one small network per
shape or element. Of pandapipes' own only `schutterwald_heat` is a circulation network (60 kW a
customer and .1 W/m2K here, so that its wide pipes do not lose everything); the others run from an
external grid into sinks, have no house stations, and are refused with that message.
{len(KINDS)} steps each: {", ".join(KINDS)}.
Every customer draws its own heat, down to nothing.
Plain pandapipes gets heat and return temperatures only (a mass flow only where somebody
feeds in or draws cold, which pandapipes cannot find itself; its outlet then confirms it),
tolerances {TIGHT["tol_m"]:g} kg/s, {TIGHT["tol_p"]:g} bar, {TIGHT["tol_T"]:g} K.

- *unsolved*: steps that the adapter reports as failures, with the reason.
- *open*: steps that the batch solves and plain pandapipes does not, from a cold start or from the
  batch's temperatures, with full or halved steps.
- *given*: steps that the batch gives to pandapipes, visibly, because it does not solve them or
  because their equations may have several solutions (loops with a pipe next to rest, loops driven
  by warm water rising, standstill between two producers); they are pandapipes' own, not compared.

| network | junctions | loops | engine | unsolved / open / given / steps | K | bar | heat |
|---|---|---|---|---|---|---|---|
"""


def _row(name: str, net: Any) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = compare(name, net, Path(folder), SETTINGS.get(name))
        except GridError as error:
            reason = str(error).split(": ", 1)[-1]
            return f"| {name} | {len(net.junction)} | | refused: {reason} | | | | |"
    return _line(outcome)


def _line(outcome: Outcome) -> str:
    why = [note.split(": ", 1)[1] for note in outcome.notes if "instead of the batch" in note]
    engine = outcome.engine + (f" ({why[0]})" if why else "")
    worst = outcome.worst
    kelvin = max((v for k, v in worst.items() if k.endswith("_k")), default=0.0)
    bar = max((v for k, v in worst.items() if k.endswith("_bar")), default=0.0)
    heat = max((v for k, v in worst.items() if k.endswith("_w")), default=0.0)
    steps = f"{outcome.failed} / {outcome.open} / {outcome.taken_over} / {outcome.steps}"
    mark = f" **{len(outcome.faults)} gates missed**" if outcome.faults else ""
    return (
        f"| {outcome.name} | {outcome.junctions} | {outcome.loops} | {engine}{mark} | {steps} | "
        f"{kelvin:.0e} | {bar:.0e} | {heat:.0e} |"
    )


if __name__ == "__main__":
    write_page(PAGE, HEAD, networks(), _row, sys.argv[1:])
