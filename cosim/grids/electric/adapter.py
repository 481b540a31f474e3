"""The electric network adapter: AC power flow with pandapower's own equations.

Sign: terminals and background speak kW and kvar injected, positive into the network; every
terminal point is one `sgen` with signed `p_mw`, background loads keep pandapower's sign (positive
draws). `ext_grid.p_mw` and `slack_kw` are positive where the upstream grid delivers.

Engines: `fast` solves all steps at once (`cosim.grids.electric.batch`), `reference` is pandapower,
one Newton power flow per step with tolerance 1e-8 MVA. Networks with FACTS or DC grids always run
on the reference, which the states' notes say. Generators hold their voltage and power (reactive
limits are not enforced), loads may follow the voltage; unsymmetrical customers are refused.

Losses are those of everything between injections: lines, transformers, impedances, DC lines, shunts
and the parts of wards that follow the voltage. Buses in service that no external grid reaches
are left out of states and limits, with a note. A step without a solution, or with a voltage below
half of nominal, is a failure and NaN throughout.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.base import Engine
from cosim.grids.electric.batch import ElectricBatch
from cosim.grids.electric.columns import (
    ElectricColumns,
    delivered_mw,
    empty_columns,
    fields_of,
    fill_from_voltage,
    gate,
    replace_rows,
)
from cosim.grids.electric.coverage import unsupported
from cosim.grids.electric.equations import read_arrays
from cosim.grids.electric.export import network_json, setpoints_frame, states_frame
from cosim.grids.electric.injector import Injector
from cosim.grids.electric.limits import electric_limits
from cosim.grids.electric.model import ElectricModel, Setpoints
from cosim.grids.electric.reference import differences, run_reference
from cosim.grids.electric.sensitivity import Linearisation, linearise_batch
from cosim.grids.imports import engine
from cosim.grids.terminals import some
from cosim.records import (
    GridStates,
    Injections,
    Limit,
    NetworkInputs,
    Sensitivities,
    StepFailure,
    Target,
    read_only,
)
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

STEPS_PER_BLOCK = 128
"""Steps whose result columns are formed together, so that they fit into the cache."""


class ElectricGrid:
    """An electric network that can be verified, linearised and written down."""

    def __init__(self, inputs: NetworkInputs) -> None:
        self._inputs = inputs
        self._model = ElectricModel(inputs)
        self._arrays = read_arrays(self._model)
        self._reasons = unsupported(self._model.net)
        self._batch = None if self._reasons else ElectricBatch(self._arrays)
        self._limits, unrated = electric_limits(self._model, self._arrays)
        self._notes = (
            *self._model.notes, *unrated, *self._dead_notes(), *self._shared_notes()
        )  # fmt: skip
        self._version = _version()

    @property
    def inputs(self) -> NetworkInputs:
        """The resolved description that the adapter was built from."""
        return self._inputs

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Voltage band, loading of lines and transformers, power at the external grids."""
        return self._limits

    def verify(self, injections: Injections, engine: Engine = "fast") -> GridStates:
        """Evaluate every step of `injections` with the batch or with pandapower."""
        setpoints = self._model.setpoints(injections)
        steps = injections.steps.size
        notes = self._notes
        if engine == "reference" or self._batch is None:
            columns = run_reference(self._model, self._arrays, setpoints, steps)
            name = f"pandapower {self._version}"
            if engine == "fast":
                found = ", ".join(self._reasons)
                notes = (f"the batch does not cover {found}: pandapower computed all steps", *notes)
        else:
            columns, more = self._run_batch(self._batch, setpoints, steps)
            name, notes = "cosim batch", (*more, *notes)
        return self._states(injections, columns, name, notes)

    def linearise(self, states: GridStates, targets: tuple[Target, ...]) -> Sensitivities:
        """Return exact first-order sensitivities of targets, and of the losses of every step.

        Targets may be `bus.vm_pu`, `line`, `trafo` or `trafo3w` `loading_percent`, `line.i_ka`
        and `ext_grid.p_mw`. Rows of steps that failed are NaN.
        """
        injections = states.injections
        row_of_step = {int(step): row for row, step in enumerate(injections.steps)}
        rows: IntArray = np.array([row_of_step[t.step] for t in targets], dtype=np.int64)
        found = self._linearised(states, targets, rows)
        count, steps = len(self._inputs.terminals), injections.steps.size
        return Sensitivities(
            grid=self._inputs.name,
            terminals=injections.terminals,
            injections=injections,
            targets=targets,
            value=read_only([_value(states, t, row) for t, row in zip(targets, rows, strict=True)]),
            d_dp_per_kw=read_only(found.d_dp),
            d_dq_per_kvar=read_only(found.d_dq),
            d_loss_dp=read_only(found.d_loss_dp),
            d_loss_dq=read_only(found.d_loss_dq),
            d_auxiliary_dp=read_only(np.zeros((steps, count))),
            loss_kw=states.loss_kw,
            auxiliary_kw=states.auxiliary_kw,
        )

    def setpoints_frame(self, injections: Injections) -> pd.DataFrame:
        """Return `p_mw` and `q_mvar` of every load and sgen that is in service."""
        setpoints = self._model.setpoints(injections)
        return setpoints_frame(setpoints, self._inputs.time, injections.steps)

    def states_frame(self, states: GridStates) -> pd.DataFrame:
        """Return the result columns, named as pandapower names them."""
        return states_frame(states, self._inputs.time)

    def network_json(self, injections: Injections) -> str:
        """Return the network with its profiles; time step k is the k-th step given."""
        return network_json(self._model, self._model.setpoints(injections))

    def _run_batch(
        self, batch: ElectricBatch, setpoints: tuple[Setpoints, ...], steps: int
    ) -> tuple[ElectricColumns, tuple[str, ...]]:
        """Return columns, and what pandapower had to do."""
        columns = empty_columns(self._arrays, steps)
        injector = Injector(self._arrays, self._model.net, setpoints)
        weakest: dict[int, int] = {}
        for first in range(0, steps, STEPS_PER_BLOCK):
            rows: IntArray = np.arange(first, min(first + STEPS_PER_BLOCK, steps))
            power = injector.power(rows)
            result = batch.solve(power)
            good = result.solved
            fill_from_voltage(
                columns, self._arrays, result.voltage[:, good], power[:, good], rows[good]
            )
            for row, column in zip(rows[~good], power[:, ~good].T, strict=True):
                weakest[int(row)] = batch.most_strained_bus(column)
        if not weakest:
            return columns, ()
        open_rows = np.array(list(weakest))
        part = tuple(
            Setpoints(s.table, s.ids, s.p_mw[open_rows], s.q_mvar[open_rows]) for s in setpoints
        )
        reference = run_reference(self._model, self._arrays, part, open_rows.size)
        replace_rows(columns, open_rows, reference)
        for position, remark in reference.remarks.items():
            row = int(open_rows[position])
            columns.remarks[row] = f"{remark}; the strain is largest at bus {weakest[row]}"
        note = f"pandapower computed {open_rows.size} step(s) that the batch could not settle"
        return columns, (note,)

    def _states(
        self, injections: Injections, columns: ElectricColumns, engine: str, notes: tuple[str, ...]
    ) -> GridStates:
        failures = [
            StepFailure(int(injections.steps[row]), columns.remarks.get(row, ""), converged=False)
            for row in np.flatnonzero(~columns.solved).tolist()
        ]
        failures += gate(columns, injections.steps)
        slack_kw = delivered_mw(columns, self._arrays) * KW_PER_MW
        return GridStates(
            grid=self._inputs.name,
            engine=engine,
            injections=injections,
            fields=fields_of(columns),
            loss_kw=read_only(columns.loss_kw),
            slack_kw=read_only(slack_kw),
            auxiliary_kw=read_only(np.zeros(injections.steps.size)),
            failures=tuple(sorted(failures, key=lambda failure: failure.step)),
            notes=notes,
        )

    def _linearised(
        self, states: GridStates, targets: tuple[Target, ...], rows: IntArray
    ) -> Linearisation:
        setpoints = self._model.setpoints(states.injections)
        steps = states.injections.steps.size
        if self._batch is None:
            return differences(self._model, self._arrays, setpoints, targets, rows, steps)
        every: IntArray = np.arange(steps)
        power = Injector(self._arrays, self._model.net, setpoints).power(every)
        return linearise_batch(self._batch, self._model, states, power, targets, rows)

    def _dead_notes(self) -> tuple[str, ...]:
        """Say which buses nothing reaches; a terminal there is an error.

        Raises:
            GridError: if a terminal is connected to such a bus.
        """
        points = self._model.points
        node = self._arrays.node_of(points.id)
        for k in np.flatnonzero(node < 0):
            raise GridError(
                f"{self._inputs.file.name}: bus {points.id[k]} of {points.labels[k]} "
                "is out of service or not connected to any external grid",
                self._inputs.name,
            )
        dead = self._arrays.dead_buses
        if not dead.size:
            return ()
        lost = sum(
            int(self._model.net[s.element]["bus"].loc[s.ids].isin(dead).sum())
            for s in self._inputs.background.series
        )
        note = f"{dead.size} bus(es) without external grid left out: {some(dead.tolist())}"
        return (f"{note}; {lost} background customer(s) there are not supplied" if lost else note,)

    def _shared_notes(self) -> tuple[str, ...]:
        """Say which terminals follow the voltage because loads at their bus do.

        pandapower averages the shares over the loads of a bus and applies them to all power there.
        """
        points = self._model.points
        node = self._arrays.node_of(points.id)
        follows = (self._arrays.voltage_share[:, node] != 0.0).any(axis=0)
        if not follows.any():
            return ()
        buses = some(sorted(set(points.id[follows].tolist())))
        return (
            f"{int(follows.sum())} terminal point(s) share a bus with voltage-dependent loads "
            f"(bus {buses}): pandapower lets their power follow the voltage too",
        )


def _value(states: GridStates, target: Target, row: int) -> float:
    column = states.get(target.element, target.quantity)
    where = np.flatnonzero(column.ids == target.id)
    if not where.size:
        raise GridError(f"no {target.element} {target.id}", grid=states.grid)
    values: FloatArray = column.values
    return float(values[row, where[0]])


def _version() -> str:
    return str(engine("pandapower").__version__)
