"""Why a market has no solution, in the user's words: who lacks what, when and how much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.errors import Infeasible
from cosim.market.compile import Compiled
from cosim.market.extras import Extra
from cosim.market.highs import Handle, Outcome
from cosim.market.program import Bounds
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.participants import Carrier

LACK_KW = 1e-3
"""Unserved demand below this is rounding."""
MOST_NAMED = 5


def explain(
    compiled: Compiled, scenario: Scenario, bounds: Bounds, extras: Sequence[Extra]
) -> Infeasible:
    """Return the error for a market without a solution.

    Unserved demand and unwanted surplus are opened in every balance and their sum is minimised,
    first without binaries, then with them.
    """
    for integer in (False, True):
        outcome, rows = _elastic(compiled, scenario, bounds, extras, integer=integer)
        if outcome.x is None:
            return Infeasible(_inside_devices(compiled), reason="elastic balances infeasible")
        missing = outcome.x[-2 * len(rows) : -len(rows)]
        surplus = outcome.x[-len(rows) :]
        if max(missing.max(), surplus.max()) > LACK_KW:
            return Infeasible(_message(compiled, scenario, missing, surplus), reason="infeasible")
    return Infeasible(_inside_devices(compiled), reason="infeasible")


def _elastic(
    compiled: Compiled,
    scenario: Scenario,
    bounds: Bounds,
    extras: Sequence[Extra],
    *,
    integer: bool,
) -> tuple[Outcome, np.ndarray]:
    settings = scenario.config.solver
    program, gap = compiled.program, settings.mip_gap
    handle = Handle(program, integer=integer, threads=settings.threads, mip_gap=gap)
    handle.set_bounds(bounds)
    handle.set_extras(extras)
    rows = np.concatenate(list(compiled.layout.balances.values()))
    handle.make_elastic(rows)
    return handle.run(settings.time_limit_s), rows


def _message(
    compiled: Compiled, scenario: Scenario, missing: FloatArray, surplus: FloatArray
) -> str:
    lines = []
    for position, (party, carrier) in enumerate(compiled.layout.balances):
        inside = slice(position * compiled.layout.steps, (position + 1) * compiled.layout.steps)
        for amount, what in ((missing[inside], "lacks"), (surplus[inside], "cannot get rid of")):
            steps = np.flatnonzero(amount > LACK_KW)
            if len(steps):
                lines.append(_line(scenario, party, carrier, what, amount, steps))
    shown = lines[:MOST_NAMED]
    if len(lines) > MOST_NAMED:
        shown.append(f"and {len(lines) - MOST_NAMED} more")
    return "no schedule serves everyone: " + "; ".join(shown)


def _line(
    scenario: Scenario,
    party: str,
    carrier: Carrier,
    what: str,
    amount: FloatArray,
    steps: np.ndarray,
) -> str:
    first = scenario.time.index[steps[0]].strftime("%Y-%m-%d %H:%M")
    count = f"{len(steps)} step{'s' if len(steps) > 1 else ''}"
    text = f"{party} {what} up to {amount.max():.4g} kW of {carrier}, at {count} from {first} on"
    if party == NETWORK:
        return text
    limit = "import_max_kw" if what == "lacks" else "export_max_kw"
    known = carrier in scenario.config.participants[party].connections
    where = f"participants.{party}.connections.{carrier}"
    return f"{text} (add capacity or raise {where}.{limit})" if known else f"{text} (add {where})"


def _inside_devices(compiled: Compiled) -> str:
    return (
        "no schedule satisfies the devices' own constraints, even with every demand unserved; look "
        f"at storage contents, minimum times and ramps of {', '.join(compiled.layout.parties[:-1])}"
    )
