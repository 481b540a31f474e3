"""Write docs/coverage_electric.md.

Run as `PYTHONPATH=. python -m tests.reference.write_electric_coverage [network ...]`; with names,
only their rows are printed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pandapower as pp

from cosim.errors import GridError
from tests.reference.electric_networks import ROOT, networks
from tests.support.campaign import KINDS, TOLERANCE_MVA, Outcome, run
from tests.support.coverage_page import write_page

PAGE = ROOT / "docs" / "coverage_electric.md"
HEAD = f"""# The electric batch against pandapower

Written by `python -m tests.reference.write_electric_coverage`; the same comparison runs as
`tests/reference/test_electric_campaign.py` with its gates (1e-7 pu; 1e-5 degrees; loading and
currents 1e-6 of their value; power and losses 1e-6 of all that is drawn and fed in).

Every network that pandapower bundles, those shipped with cosim, and one small network per kind of
element ("element: ..."). Customers of the file are the background, three terminals are added, and
{len(KINDS)} steps are compared: {", ".join(KINDS)} (factors on every load and static generator;
"near" within 10 %, "random" down to half, "reversed" turns loads into feed-in). Plain pandapower is
`runpp(tolerance_mva={TOLERANCE_MVA:g})`, then tightened to 1e-11 MVA where that converges, since at
1e-8 MVA the currents of idle low-voltage lines are known to about 1e-5 only.

- *unsolved*: steps that neither solves; the adapter reports them as failures with the bus where the
  strain is largest. Generators keep the power of the file, so that large networks without load have
  no solution.
- *better*: steps that plain pandapower does not solve from its own start, or solves at voltages
  more than 0.01 pu lower (a power flow has several solutions), but confirms from the batch's.
- voltage: largest difference in pu; current: largest relative difference of loading and current;
  power: largest difference of any power or loss over all that is drawn and fed in.

| network | buses | engine | unsolved / better / steps | voltage | current | power |
|---|---|---|---|---|---|---|
"""


def _row(name: str, net: Any) -> str:
    try:
        pp.runpp(net, tolerance_mva=TOLERANCE_MVA)
    except pp.LoadflowNotConverged:
        return f"| {name} | {len(net.bus)} | plain pandapower does not solve it | | | | |"
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = run(name, net, Path(folder))
        except GridError as error:
            reason = str(error).split(": ", 1)[-1].split(", but")[0]
            return f"| {name} | {len(net.bus)} | refused: {reason} | | | | |"
    return _line(outcome)


def _line(outcome: Outcome) -> str:
    engine = outcome.engine
    why = [note for note in outcome.notes if "does not cover" in note]
    if why:
        engine += f" ({why[0].split(': pandapower')[0]})"
    worst = outcome.worst
    voltage = worst.get("bus.vm_pu", 0.0)
    current = max((v for k, v in worst.items() if k.endswith(("percent", "i_ka"))), default=0.0)
    rest = [v for k, v in worst.items() if not k.endswith(("percent", "i_ka", "pu", "degree"))]
    steps = f"{outcome.failed} / {outcome.better} / {outcome.steps}"
    mark = f" **{len(outcome.faults)} gates missed**" if outcome.faults else ""
    return (
        f"| {outcome.name} | {outcome.buses:,} | {engine}{mark} | {steps} | {voltage:.0e} | "
        f"{current:.0e} | {max(rest, default=0.0):.0e} |"
    )


if __name__ == "__main__":
    write_page(PAGE, HEAD, networks(), _row, sys.argv[1:])
