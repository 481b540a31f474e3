"""Made-up but plausible runs: tables of every kind for networks of any size.

States are a real flow solution at nominal load, scaled over a day; the market side is drawn by
hand. Good for drawing and for formats, not for physics.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandapipes
import pandapower
import pandas as pd

from cosim.results import RunTables
from tests.support.run_market import iterations, payments, prices, schedule, settlement
from tests.support.run_states import LIMITS, STATES, Day, limit_results, setpoints

CURRENCY = "EUR"
ROLES = ("district heating plant", "homes with heat pumps and vehicles", "school", "office",
         "supermarket", "workshop", "farm with photovoltaics", "CHP operator")  # fmt: skip


def build(
    nets: dict[str, Any],
    terminals: dict[str, dict[str, list[int]]],
    steps: int = 96,
    peaks: dict[str, tuple[float, float]] | None = None,
) -> RunTables:
    """Return a whole feasible run, if the networks can bear the second of each peak.

    Args:
        nets: by kind (electric, heat, gas), the kind being the network's name.
        terminals: per network, participant -> bus, heat consumer or junction.
        steps: in the day.
        peaks: per network, load factor of the copper-plate and of the verified states.
    """
    day = Day.of(steps)
    names = list(dict.fromkeys(name for entry in terminals.values() for name in entry))
    peak = {"electric": (1.6, 0.9), "heat": (1.3, 0.9), "gas": (1.2, 0.9)} | (peaks or {})
    before = {kind: STATES[kind](net, day, peak[kind][0]) for kind, net in nets.items()}
    after = {kind: STATES[kind](net, day, peak[kind][1]) for kind, net in nets.items()}
    certificate, tight = {}, []
    for kind, net in nets.items():
        certificate[kind], frames = limit_results(kind, net, after[kind])
        tight += frames
    groups: dict[str, list[str]] = {}
    for k, name in enumerate(names):
        groups.setdefault(("plant", "homes", "public", "trade")[k % 4], []).append(name)
    allocation, coalitions = settlement(list(groups))
    price, nodal = prices(day, names, list(nets))
    return RunTables(
        summary=summary(day, nets, names, groups, certificate, terminals),
        schedule=schedule(day, names, 1.0),
        iterations=iterations([row[0] for kind in nets for row in LIMITS[kind]]),
        checks=pd.concat(tight, ignore_index=True),
        allocation=allocation,
        prices=price,
        payments=payments(names, groups),
        coalitions=coalitions,
        nodal_prices=nodal,
        setpoints={kind: setpoints(kind, net, day) for kind, net in nets.items()},
        states=after,
        networks={
            kind: (pandapower if kind == "electric" else pandapipes).to_json(net)
            for kind, net in nets.items()
        },
        copper_plate_states=before,
        copper_plate_schedule=schedule(day, names, 0.0),
    )


def summary(
    day: Day,
    nets: dict[str, Any],
    names: list[str],
    groups: dict[str, list[str]],
    certificate: dict[str, Any],
    terminals: dict[str, dict[str, list[int]]],
) -> dict[str, Any]:
    """Return a summary with every section."""
    costs = {name: 150.0 + 37.0 * (k * 5 % 7) for k, name in enumerate(names)}
    versions = {"cosim": "0.1.0", "pandapower": "3.3.3", "pandapipes": "0.16.0", "pyomo": "6.10.1"}
    return {
        "name": "made-up-town",
        "description": "A community of homes, trade and public buildings on a winter day.",
        "verdict": "feasible",
        "cause": "",
        "causes": [],
        "iterations": 8,
        "currency": CURRENCY,
        "costs": {
            "copper_plate": 1885.0,
            "verified": 1972.4,
            "last": 1972.4,
            "individual": 2187.1,
            "by_participant": {
                "copper_plate": costs,
                "verified": {name: 1.04 * value for name, value in costs.items()},
                "individual": {name: 1.16 * value for name, value in costs.items()},
            },
        },
        "price_of_physics": {"total": 87.4, "losses": 31.9, "congestion": 55.5},
        "lower_bound": {"cost": 1884.2, "gap": 0.0447, "method": "dual bound of the copper plate"},
        "certificate": {
            "networks": certificate,
            "engines": {kind: f"{kind} reference" for kind in nets},
            "failed_steps": dict.fromkeys(nets, 0),
            "balance_mismatch": {"electricity": 2.1e-4, "heat": 4.4e-4},
            "tolerances": {"balance": 1e-3, "cut_margin": 5e-3, "kernel_gates": {"vm_pu": 1e-6}},
            "input_hash": "3f0c" * 16,
            "states_hash": "a91b" * 16,
        },
        "seconds": {"load": 1.2, "networks": 3.4, "loop": 40.1, "settlement": 31.0, "total": 75.7},
        "versions": versions,
        "participants": {name: ROLES[k % len(ROLES)] for k, name in enumerate(names)},
        "players": groups,
        "settle_with": "asymmetric_nash",
        "notes": ["Made-up data for tests; no market was solved."],
        "steps": len(day.index),
        "step_minutes": 1440 // len(day.index),
        "start": day.index[0].isoformat(),
        "networks": {kind: kind for kind in nets},
        "terminals": terminals,
    }


def without_settlement(run: RunTables, verdict: str, cause: str) -> RunTables:
    """Return the run as it would look if it had not ended feasible."""
    empty = pd.DataFrame()
    cost = {**run.summary["costs"], "verified": None, "individual": None}
    changed = {
        "verdict": verdict,
        "cause": cause,
        "costs": cost,
        "price_of_physics": {"total": None, "losses": None, "congestion": None},
        "lower_bound": {"cost": 1884.2, "gap": None, "method": "dual bound"},
    }
    return replace(
        run,
        summary={**run.summary, **changed},
        allocation=empty,
        payments=empty,
        coalitions=empty,
    )


def hamlet_run(steps: int = 24) -> RunTables:
    """Return a run on the hamlet's three tiny networks."""
    from tests.support import hamlet

    nets = {
        "electric": hamlet.electric_net(), "heat": hamlet.heat_net(), "gas": hamlet.gas_net(),
    }  # fmt: skip
    nets["electric"].load.loc[0, ["p_mw", "q_mvar"]] = [0.12, 0.03]
    nets["heat"].heat_consumer["qext_w"] = 25_000.0
    pandapipes.create_sink(nets["gas"], 3, 0.002, name="end")
    terminals = {
        "electric": {"plant": [1], "home": [5], "shop": [4], "works": [3]},
        "heat": {"home": [0], "shop": [1], "works": [2]},
        "gas": {"plant": [1], "works": [3]},
    }
    return build(nets, terminals, steps)
