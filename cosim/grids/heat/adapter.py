"""District heat: pandapipes' thermo-hydraulics behind the adapters' protocol.

Sign: terminals' power is positive when heat goes into the network. A terminal takes the place of
the heat consumers it is joined to; it may draw heat (from supply to return, cooled to the return
temperature of the scenario) or feed in (from return to supply, heated to its feed temperature),
changing over the day. Terminals at the plant act on no pipe.

A step in which more is fed in than is drawn and lost is a failure with `converged` true. The batch
keeps the values it has on paper, with plant heat below zero, so that it can be linearised; every
other failed step is NaN.

`verify("fast")` solves all steps in one batch: supply and return trees by elimination (`batch`),
any other shape on a graph with loops (`mesh`). Networks with elements that neither knows, steps
that neither can solve, and steps whose loops may have several solutions go to pandapipes and are
named in the notes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.base import Engine
from cosim.grids.heat.columns import HeatColumns, fast_columns
from cosim.grids.heat.demand import Consumers, Demand
from cosim.grids.heat.energy import balance
from cosim.grids.heat.export import network_json, setpoints_frame, states_frame
from cosim.grids.heat.fast import Fast, solve_fast
from cosim.grids.heat.fields import state_fields
from cosim.grids.heat.gate import failures, gate, plant_backwards, why_unsolved
from cosim.grids.heat.limits import heat_limits
from cosim.grids.heat.linearise import linearise
from cosim.grids.heat.net import HeatNet, read_heat_net
from cosim.grids.heat.reference import Reference, missed_outlets, run_reference
from cosim.grids.heat.sensitivity import exact_slopes, knows
from cosim.grids.heat.setpoints import Setpoints, fast_setpoints, guessed_setpoints
from cosim.grids.imports import engine
from cosim.records import (
    GridStates,
    Injections,
    Limit,
    NetworkInputs,
    Sensitivities,
    Target,
    read_only,
)
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import HeatNetwork

BATCH = "cosim batch"


class HeatGrid:
    """A district-heat network; implements `cosim.grids.base.Grid`.

    Args:
        inputs: kind heat or cooling, settings `HeatNetwork`, a pandapipes file with pipes, heat
            consumers and one circ_pump_pressure of type pt.

    Raises:
        GridError: if the file or the temperatures cannot be used.
    """

    def __init__(self, inputs: NetworkInputs) -> None:
        if not isinstance(inputs.settings, HeatNetwork):
            raise GridError("a heat network needs settings of kind heat", inputs.name)
        self._inputs = inputs
        self._settings = inputs.settings
        self._net = read_heat_net(inputs, self._settings)
        self._consumers = Consumers(inputs, self._settings, self._net)
        self._limits = heat_limits(self._net, self._settings.limits)

    @property
    def inputs(self) -> NetworkInputs:
        """The resolved description that the adapter was built from."""
        return self._inputs

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Every limit of the network's section."""
        return self._limits

    @property
    def net(self) -> HeatNet:
        """The prepared network."""
        return self._net

    def verify(self, injections: Injections, engine: Engine = "fast") -> GridStates:
        """Evaluate flows, temperatures and pressures at every step of `injections`."""
        demand = self._consumers.demand(injections)
        if engine == "reference":
            return self._verify_with_pandapipes(injections, self._setpoints(demand), ())
        if self._net.kernel == "none":
            note = f"pandapipes instead of the batch: {'; '.join(self._net.mesh.reasons)}"
            setpoints = guessed_setpoints(self._net, demand)
            return self._verify_with_pandapipes(injections, setpoints, (note,))
        return self._verify_in_batch(injections, demand)

    def linearise(self, states: GridStates, targets: tuple[Target, ...]) -> Sensitivities:
        """Return exact slopes, by differences at kinks and where there is no batch."""
        base, net = states.injections, self._net

        def evaluate(rows: IntArray, p_kw: FloatArray) -> GridStates:
            """Return the states of rows of the point with other injections, in kW."""
            at_rows = replace(base, steps=base.steps[rows], p_kw=p_kw, q_kvar=base.q_kvar[rows])
            return self.verify(at_rows, "fast")

        terminals = self._inputs.terminals
        movable = [k for k, terminal in enumerate(terminals) if not terminal.at_slack]
        exact = None
        if knows(net, targets):
            demand, efficiency = self._consumers.demand(base), self._settings.pump_efficiency
            exact = exact_slopes(net, self._consumers.share, demand, states, targets, efficiency)
        alone = len(net.pump_ids) == 1 and "circ_pump_mass" not in net.fittings
        return linearise(states, targets, movable, evaluate, exact, alone)

    def setpoints_frame(self, injections: Injections) -> pd.DataFrame:
        """Return the final set-points; see `cosim.grids.heat.export.setpoints_frame`."""
        setpoints = self._setpoints(self._consumers.demand(injections))
        return setpoints_frame(self._inputs.time, self._net, setpoints)

    def states_frame(self, states: GridStates) -> pd.DataFrame:
        """Return the result tables of pandapipes in long form."""
        return states_frame(self._inputs.time, states)

    def network_json(self, injections: Injections) -> str:
        """Return the network with the profiles attached; see `cosim.grids.heat.export`."""
        setpoints = self._setpoints(self._consumers.demand(injections))
        return network_json(self._net, setpoints)

    def _setpoints(self, demand: Demand) -> Setpoints:
        """Return set-points with which plain pandapipes finds the states."""
        if self._net.kernel != "none":
            return fast_setpoints(self._net, demand, solve_fast(self._net, demand))
        guess = guessed_setpoints(self._net, demand)
        return run_reference(self._net, guess).setpoints

    def _verify_in_batch(self, injections: Injections, demand: Demand) -> GridStates:
        fast = solve_fast(self._net, demand)
        columns = fast_columns(self._net, demand, fast)
        hopeless, notes = self._take_over(demand, fast, columns)
        return self._states(injections, demand, columns, hopeless, {}, BATCH, notes)

    def _take_over(
        self, demand: Demand, fast: Fast, columns: HeatColumns
    ) -> tuple[dict[int, str], tuple[str, ...]]:
        """Let pandapipes solve what the batch left open or in doubt; columns are overwritten.

        Returns what is known about steps that have no solution, and notes.
        """
        hopeless: dict[int, str] = {}
        backwards = ~fast.solved & (fast.plant_kg_per_s < 0.0)
        for row in np.flatnonzero(backwards):
            hopeless[int(row)] = why_unsolved(self._net, demand, fast, int(row))
        notes = []
        doubtful = fast.solved & fast.doubtful & (fast.plant_kg_per_s >= 0.0)
        for chosen, why in (
            (~fast.solved & ~backwards, "of the batch"),
            (doubtful, "whose loops may have several solutions"),
        ):
            rows = np.flatnonzero(chosen)
            if not len(rows):
                continue
            part = Demand(demand.steps[rows], demand.q_w[rows], demand.t_out_k[rows])
            setpoints = guessed_setpoints(self._net, part)
            if chosen is doubtful:
                setpoints = fast_setpoints(self._net, part, fast.at(rows))
            found = run_reference(self._net, setpoints, rungs=1 if chosen is not doubtful else 3)
            columns.put(rows, found.columns)
            for row in rows[list(found.remarks)].tolist():
                hopeless[row] = why_unsolved(self._net, demand, fast, row)
            notes.append(f"pandapipes took over {len(rows)} steps {why}")
        return hopeless, tuple(notes)

    def _verify_with_pandapipes(
        self, injections: Injections, setpoints: Setpoints, notes: tuple[str, ...]
    ) -> GridStates:
        found = run_reference(self._net, setpoints)
        missed = missed_outlets(self._net, found.setpoints, found.columns)
        if found.damped:
            notes = (*notes, f"{found.damped} steps needed damped iterations")
        return self._states(
            injections,
            setpoints.demand,
            found.columns,
            self._explain(found),
            missed,
            _pandapipes_name(),
            notes,
        )

    def _explain(self, found: Reference) -> dict[int, str]:
        """Return what is known about steps that pandapipes could not solve."""
        reasons = dict(found.remarks)
        if reasons and self._net.kernel != "none":
            demand = found.setpoints.demand
            rows = np.array(sorted(reasons), dtype=np.int64)
            part = Demand(demand.steps[rows], demand.q_w[rows], demand.t_out_k[rows])
            fast = solve_fast(self._net, part)
            for k, position in enumerate(rows.tolist()):
                why = why_unsolved(self._net, part, fast, k)
                reasons[position] = f"{why} ({reasons[position]})"
        return reasons

    def _states(
        self,
        injections: Injections,
        demand: Demand,
        columns: HeatColumns,
        unsolved: dict[int, str],
        missed: dict[int, str],
        engine: str,
        notes: tuple[str, ...],
    ) -> GridStates:
        """Return the states of all steps; those that are not physical carry the reason."""
        turned = plant_backwards(self._net, demand, columns)
        other = {**missed, **gate(self._net, demand, columns)}
        gated = {**other, **turned}
        empty = unsolved.keys() | (other if engine == BATCH else gated).keys()
        _blank(columns, np.array(sorted(empty), dtype=np.int64))
        energy = balance(self._net, demand, columns, self._settings.pump_efficiency)
        return GridStates(
            grid=self._inputs.name,
            engine=engine,
            injections=injections,
            fields=state_fields(self._net, demand, columns, energy),
            loss_kw=read_only(energy.loss_kw),
            slack_kw=read_only(energy.plant_kw),
            auxiliary_kw=read_only(energy.auxiliary_kw),
            failures=tuple(failures(demand.steps, gated, unsolved)),
            notes=notes,
        )


def _blank(columns: HeatColumns, rows: IntArray) -> None:
    """Turn failed steps into NaN."""
    for name in HeatColumns.__slots__:
        if name != "solved":
            getattr(columns, name)[rows] = np.nan
    columns.solved[rows] = False


def _pandapipes_name() -> str:
    return f"pandapipes {engine('pandapipes').__version__}"
