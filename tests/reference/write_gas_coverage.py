"""Write docs/coverage_gas.md.

Run `PYTHONPATH=. python -m tests.reference.write_gas_coverage`; a few minutes.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.support.gas_campaign import COLEBROOK, KINDS, MODELS, Outcome, run
from tests.support.gas_zoo import FLUIDS, NO_STATE, bundled, constructed, of_fluid, ours

PAGE = Path(__file__).parents[2] / "docs" / "coverage_gas.md"
HEAD = f"""# The gas batch against pandapipes

Written by `python -m tests.reference.write_gas_coverage`; the same comparison runs as
`tests/unit/grids/gas/test_gas_campaign.py` with its gates (1e-5 bar, 1e-5 kg/s, 1e-4 m/s).

Every gas network that pandapipes bundles, those shipped with cosim, all gases of pandapipes'
library, and one small network per element or difficulty. {len(KINDS)} steps each:
{", ".join(KINDS)}; every customer has its own factor, and a terminal draws and feeds in besides.
Plain pandapipes gets set-points only. All columns that a run reports are compared: pressures, mass
flows, velocities, supply of external grids, and the power of compressors.

- *friction*: the law, the same in both.
- *compared / open*: steps that both solve; steps that neither solves, or that pandapipes solves
  with a pressure below vacuum.
- *bar, kg/s, m/s*: largest difference over all elements and steps.

Where the batch does not cover an element, pandapipes computes every step and the run's notes say
so; the differences are then those of its starting point.

Two things are not differences of the equations. With **Colebrook**, pandapipes ends the iteration
of the friction factor early (about 1e-5 of it, and its option for that does not reach the solver),
which shows where 15 bar are lost in one pipe: `gas_one_pipe1`. The gate is wider by {COLEBROOK:g}
of the drop. With **Swamee-Jain**, loops with a pipe that all but stands still (Re below 30) have
several solutions of nearly the same pressure, because the formula has a pole near Re = 7; flows are
held against what such a pipe carries at Re = 30. Near the pole the formula may also use up any
pressure in a pipe that hardly flows (`schutterwald_gas` at low load): such steps are refused with
the pipe's name where the pressure runs out, and noted where it does not. Colebrook has no such
place.

Not solved by plain pandapipes with any friction law: {", ".join(NO_STATE)}.

| network | junctions | friction | engine | why not the batch | compared / open | bar | kg/s | m/s |
|---|---|---|---|---|---|---|---|---|
"""


def networks() -> Iterable[tuple[str, Callable[[], Any]]]:
    """Yield every network of the campaign."""
    yield from bundled()
    yield from ours()
    yield from constructed()
    for fluid in FLUIDS:
        yield f"two meshes of {fluid}", lambda fluid=fluid: of_fluid(fluid)


def row(outcome: Outcome) -> str:
    """Return one line of the table."""
    reason = "; ".join(n for n in outcome.notes if n.startswith("the batch does not cover"))
    reason = reason.removeprefix("the batch does not cover ").split(":")[0]
    worst = outcome.worst
    flow = max(worst.get("mdot_from_kg_per_s", 0.0), worst.get("mdot_kg_per_s", 0.0))
    speed = max(value for key, value in worst.items() if key.startswith("v_"))
    cells = (
        outcome.name,
        str(outcome.junctions),
        outcome.model,
        outcome.engine,
        reason,
        f"{outcome.compared} / {outcome.open}",
        *(f"{value:.0e}" for value in (worst["p_bar"], flow, speed)),
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Run the campaign and write the page."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    lines, faults = [], []
    for name, make in networks():
        for model in MODELS:
            with tempfile.TemporaryDirectory() as folder:
                outcome = run(name, make(), model, Path(folder))
            lines.append(row(outcome))
            faults += [f"{name} ({model}): {fault}" for fault in outcome.faults]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
