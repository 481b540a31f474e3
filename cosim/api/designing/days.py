"""Typical days of a design through the ordinary loop between market and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cosim.api.designing.losses import warm_lines
from cosim.api.designing.scenario import HOURS, UNSERVED, DayCase, Role, write_day
from cosim.api.progress import Progress, Silent
from cosim.api.session import build_physics, load
from cosim.api.stages import Job
from cosim.api.stopwatch import Stopwatch
from cosim.coupling import Case, Coupled
from cosim.grids.heat.laid import Circuit, circuits
from cosim.market import Market
from cosim.records.design import Design, LaidPipe, TypicalDay, Unit
from cosim.records.time import FloatArray
from cosim.scenario import Scenario

HEAT = "heat"
"""Name of the network of the laid pipes."""
UNSERVED_KW = 0.05
"""Unserved demand below this is rounding."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Everybody's design: those who cooperate have one together, the others one each.

    Attributes:
        together: who cooperates; empty where nobody does.
        designs: they cover all buildings.
    """

    together: frozenset[str]
    designs: tuple[Design, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        """What all buildings have."""
        return tuple(unit for design in self.designs for unit in design.units)

    @property
    def pipes(self) -> tuple[LaidPipe, ...]:
        """What is laid."""
        return tuple(pipe for design in self.designs for pipe in design.pipes)

    @property
    def fixed_per_year(self) -> float:
        """Annualised prices and fixed maintenance of units and pipes."""
        units = sum(unit.cost_per_year for unit in self.units)
        return float(units + sum(pipe.cost_per_year for pipe in self.pipes))

    def heat_kw(self, day: str, building: str) -> FloatArray:
        """Return the heat that a building plans to give to the pipes (negative: takes), (24,)."""
        found = np.zeros(HOURS)
        for design in self.designs:
            table = design.operation
            rows = table[(table["day"] == day) & (table["building"] == building)]
            for quantity, sign in (("pipe_out_kw", 1.0), ("pipe_in_kw", -1.0)):
                part = rows[rows["quantity"] == quantity]
                np.add.at(found, part["hour"].to_numpy(dtype=int), sign * part["value"].to_numpy())
        return found


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day of an arrangement as the loop left it.

    Attributes:
        case: what was run.
        job: scenario, networks and market, to go on with.
        coupled: the loop's result with fast kernels.
        unserved: demand that is not met: building, carrier, hour, kw.
        file: the day's scenario.
        before: the same day with the other circuits, where the pipes form more than one.
    """

    case: DayCase
    job: Job
    coupled: Coupled
    unserved: pd.DataFrame
    file: Path
    before: tuple[DayResult, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether every limit holds and every demand is met, in every circuit."""
        own = self.coupled.verdict == "feasible" and self.unserved.empty
        return own and all(part.feasible for part in self.before)

    @property
    def sharing(self) -> Case:
        """Who shares."""
        return Case(members=self.case.together)


def run_day(
    base: Scenario, plan: Arrangement, day: TypicalDay, folder: Path, told: Progress | None = None
) -> DayResult:
    """Run a typical day of an arrangement through the loop, circuit after circuit.

    With several circuits, the heat that goes through the others is given: as planned where they
    come later, as verified where they came before; the last run is about everything.

    Args:
        base: the scenario in design mode.
        plan: who has what.
        day: which day.
        folder: for the day's files.
        told: receiver of progress.
    """
    order = tuple(base.config.participants)
    groups = circuits(plan.pipes, order)
    if not groups:
        case = DayCase(day, plan.together, plan.units, None)
        return _run(base, case, folder, told)
    done: list[DayResult] = []
    heat_kw = {n: plan.heat_kw(day.name, n) for names, _ in groups for n in names}
    pump_kw: dict[str, FloatArray] = {}
    for number, (names, pipes) in enumerate(groups):
        place = folder if number == len(groups) - 1 else folder.with_name(f"{folder.name}_{number}")
        others = {name: values for name, values in heat_kw.items() if name not in names}
        found = _run_circuit(base, plan, day, (names, pipes), (others, pump_kw), place, told)
        heat_kw.update(_exchanged_kw(found, names))
        assert found.case.circuit is not None
        pump_kw = {**pump_kw, found.case.circuit.host: _pump_kw(found)}
        done.append(found)
    return replace(done[-1], before=tuple(done[:-1]))


def _run_circuit(
    base: Scenario,
    plan: Arrangement,
    day: TypicalDay,
    group: tuple[tuple[str, ...], tuple[LaidPipe, ...]],
    given: tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]],
    folder: Path,
    told: Progress | None,
) -> DayResult:
    """Run a day with one circuit, hosted where most heat comes from."""
    names, pipes = group
    design = base.config.design
    assert design is not None
    planned = {name: plan.heat_kw(day.name, name) for name in names}
    host, roles = roles_of(planned)
    circuit = Circuit(
        pipes=pipes,
        buildings=names,
        host=host,
        supply_c=design.pipes.supply_c,
        return_c=design.pipes.return_c,
        lift_bar=design.pipes.dp_max_bar,
    )
    case = DayCase(day, plan.together, plan.units, circuit, roles, *given)
    return _run(base, case, folder, told)


def roles_of(planned_kw: Mapping[str, FloatArray]) -> tuple[str, dict[str, Role]]:
    """Return who holds the pressure on a day, and what the other stations do.

    One pump holds the pressure of a circuit, at the building that gives most heat that day; it
    only delivers. Every other station draws all day or feeds in all day, whichever is more.

    Args:
        planned_kw: building -> heat into the pipes (negative: out of them), shape (24,).
    """
    balance = {name: float(values.sum()) for name, values in planned_kw.items()}
    host = max(balance, key=lambda name: balance[name])
    roles: dict[str, Role] = {
        name: "feeds" if total > 0.0 else "draws" for name, total in balance.items() if name != host
    }
    return host, roles


def _run(base: Scenario, case: DayCase, folder: Path, told: Progress | None) -> DayResult:
    """Write the day's scenario and run the loop over it with fast kernels."""
    file = write_day(base, case, folder)
    scenario = load(file)
    physics = build_physics(scenario)
    market = Market(scenario, physics.baselines)
    quiet = Silent() if told is None else told
    job = Job(scenario, physics, market, Stopwatch(quiet), quiet, case.together)
    settings = scenario.config.coupling.model_copy(update={"max_refreshes": 0})
    sharing = Case(members=case.together)
    if case.circuit is not None:
        # Units are just large enough: with on/off states of a round whose losses were wrong, the
        # next one would leave demand unserved. A day of a few buildings is solved in a moment.
        market.set_loss_lines(warm_lines(physics, HEAT))
        sharing = replace(sharing, between="proven")
    loop = physics.loop(market, scenario, "fast", quiet.iteration, settings=settings)
    coupled = loop.run(sharing)
    return DayResult(case, job, coupled, unserved_of(coupled.schedule.table), file)


def unserved_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return demand that a day's schedule does not meet: building, carrier, hour, kw."""
    rows = table[table["device"].str.startswith(f"{UNSERVED}_") & (table["quantity"] == "cut_kw")]
    rows = rows[rows["value"] > UNSERVED_KW]
    return pd.DataFrame(
        {
            "building": rows["participant"].to_numpy(),
            "carrier": rows["carrier"].to_numpy(),
            "hour": rows["time"].dt.hour.to_numpy(),
            "kw": rows["value"].to_numpy(),
        }
    )


def _exchanged_kw(result: DayResult, names: Sequence[str]) -> dict[str, FloatArray]:
    """Return the verified heat that buildings give to their circuit (negative: take), (24,)."""
    entry = result.coupled.schedule.injections[HEAT]
    return {name: entry.of(name) for name in names}


def _pump_kw(result: DayResult) -> FloatArray:
    """Return the electricity of a circuit's pump, shape (24,)."""
    return np.asarray(np.nan_to_num(result.coupled.verification.states[HEAT].auxiliary_kw))
