"""Everything a run holds in memory: scenario, adapters, background state, market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.coupling import Loop, Verification
from cosim.coupling.certified import CertifiedNetworks
from cosim.coupling.loop import MarketHandle, Remember
from cosim.coupling.loop import Progress as OnIteration
from cosim.grids import Engine, build_grids
from cosim.grids.simbench import write_simbench_grid
from cosim.market.devices import DEVICE_TYPES
from cosim.records import Baseline
from cosim.scenario import Scenario, load_scenario
from cosim.scenario.config import CouplingSection
from cosim.scenario.network_file import element_names, read_tables
from cosim.tasks import Tasks


def load(path: Path | str, changes: Mapping[str, Any] | None = None) -> Scenario:
    """Load and validate a scenario with every device type that cosim knows.

    Args:
        path: a scenario file, or a folder with `scenario.yaml` in it.
        changes: dotted fields -> values that take the place of those in the file.

    Raises:
        ScenarioError: with every problem found.
    """
    return load_scenario(Path(path), DEVICE_TYPES, write_simbench_grid, changes)


@dataclass(frozen=True, slots=True)
class Physics:
    """The networks of a scenario.

    Attributes:
        networks: adapters.
        alone: their state without participants.
        baselines: losses, pump power and consumption of that state.
        names: per network, (table, index) -> element name.
    """

    networks: CertifiedNetworks
    alone: Verification
    baselines: Mapping[str, Baseline]
    names: Mapping[str, Mapping[tuple[str, int], str]]

    def loop(
        self,
        market: MarketHandle,
        scenario: Scenario,
        engine: Engine = "fast",
        on_iteration: OnIteration | None = None,
        remember: Remember | None = None,
        settings: CouplingSection | None = None,
    ) -> Loop:
        """Return a fresh loop over a market and these networks; see `Loop` for the arguments."""
        settings = settings or scenario.config.coupling
        return Loop(market, self.networks, self.alone, settings, engine, on_iteration, remember)


def build_physics(scenario: Scenario, tasks: Tasks | None = None) -> Physics:
    """Build the adapters and evaluate the networks with background customers alone.

    Args:
        scenario: networks, background, limits.
        tasks: where the reference engines work; this process if missing.
    """
    networks = build_networks(scenario, tasks)
    alone = networks.without_participants()
    return Physics(networks, alone, networks.baselines(alone), names_of(scenario))


def build_networks(scenario: Scenario, tasks: Tasks | None = None) -> CertifiedNetworks:
    """Build the adapters of a scenario without evaluating anything."""
    return CertifiedNetworks(build_grids(scenario.networks), scenario.config.verification, tasks)


def names_of(scenario: Scenario) -> dict[str, dict[tuple[str, int], str]]:
    """Return, per network, (table, index) -> element name."""
    return {
        name: dict(element_names(read_tables(inputs.file)))
        for name, inputs in scenario.networks.items()
    }
