"""Tables and summary of a run of one horizon."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cosim.api import summary as summaries
from cosim.api.emissions import emission_entry, emission_frame
from cosim.api.leading.lead import Led
from cosim.api.leading.summary import leader_entry, leader_tables
from cosim.api.session import Physics
from cosim.api.settle import Settled
from cosim.api.stages import Solved
from cosim.api.tables import iteration_frame, network_frames, nodal_frame, price_frame, state_frames
from cosim.coupling.certificate import tight_checks
from cosim.results import RunTables
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND
from cosim.settlement.players import players_of


def run_tables(
    scenario: Scenario,
    physics: Physics,
    solved: Solved,
    settled: Settled | None,
    seconds: dict[str, float],
    led: Led | None = None,
) -> RunTables:
    """Return the tables of a run folder; without a settlement those of money stay empty."""
    coupled = solved.coupled
    announced, searched = leader_tables(scenario, led)
    kinds = {name: str(network.kind) for name, network in scenario.config.networks.items()}
    carriers = {name: str(CARRIER_OF_KIND[kind]) for name, kind in kinds.items()}
    setpoints, states, files = network_frames(physics.networks, coupled.verification)
    return RunTables(
        summary=_summary(scenario, physics, solved, settled, seconds, led),
        schedule=coupled.schedule.table,
        iterations=iteration_frame(coupled.iterations, kinds),
        checks=tight_checks(physics.networks, coupled.verification, physics.names),
        allocation=settled.shared.allocation if settled else pd.DataFrame(),
        prices=price_frame(scenario, solved.priced),
        payments=settled.shared.payments if settled else pd.DataFrame(),
        coalitions=settled.coalitions if settled else pd.DataFrame(),
        nodal_prices=nodal_frame(solved.priced, carriers),
        setpoints=setpoints,
        states=states,
        networks=files,
        copper_plate_states=state_frames(physics.networks, coupled.first_verification),
        copper_plate_schedule=coupled.first_schedule.table,
        trades=coupled.schedule.bilateral,
        emissions=emission_frame(_emissions(solved, settled)),
        p2p_prices=settled.shared.p2p_prices if settled else pd.DataFrame(),
        accounts=settled.shared.accounts if settled else pd.DataFrame(),
        bargaining_power=settled.shared.bargaining_power if settled else pd.DataFrame(),
        admm=settled.negotiated.history if settled and settled.negotiated else pd.DataFrame(),
        leader_prices=announced,
        leader_history=searched,
    )


def _emissions(solved: Solved, settled: Settled | None) -> dict[str, pd.DataFrame]:
    alone = {} if settled is None else {"individual": settled.alone.schedule.co2_kg}
    last = solved.coupled.schedule.co2_kg
    return alone | {"copper_plate": solved.copper.co2_kg, "last": last}


def _summary(
    scenario: Scenario,
    physics: Physics,
    solved: Solved,
    settled: Settled | None,
    seconds: dict[str, float],
    led: Led | None,
) -> dict[str, Any]:
    coupled = solved.coupled
    summary = summaries.base_summary(scenario, physics, summaries.Finding.of(coupled))
    summary["certificate"]["reruns"] = dict(solved.reruns)
    summaries.add_notes(summary, physics.networks.notes)
    individual = settled.alone.schedule if settled else None
    summary["costs"] = summaries.costs(solved.copper, individual, coupled)
    emitted = emission_entry(_emissions(solved, settled))
    if emitted:
        summary["co2_kg"] = emitted
    summary["price_of_physics"] = summaries.price_of_physics(
        solved.copper, solved.with_losses, coupled
    )
    summary["lower_bound"] = summaries.lower_bound(
        solved.copper, coupled, scenario, physics.baselines
    )
    summary["players"] = summaries.player_entries(players_of(scenario.config))
    summary["settle_with"] = summaries.settled_with(
        scenario.config.bargaining, settled.shared.allocation if settled else None
    )
    summaries.add_notes(summary, solved.notes)
    if settled is not None:
        summaries.add_notes(summary, settled.notes)
        if settled.game:
            summary["game"] = settled.game
        if settled.negotiated is not None:
            summary["distributed"] = settled.negotiated.summary
    if led is not None:
        summary["leader"] = leader_entry(scenario, led, coupled)
    summary["seconds"] = summaries.rounded_seconds(seconds)
    return summary
