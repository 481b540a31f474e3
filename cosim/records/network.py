"""What goes into a network and what comes out of it.

Injection into a network is positive, withdrawal negative, for every carrier. `T` is the number
of steps evaluated, `n` the number of terminals or elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cosim.errors import GridError
from cosim.records.time import FloatArray, IntArray, TimeAxis

GridKind = Literal["electric", "heat", "cooling", "gas"]
Sense = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class Point:
    """One network element that a terminal is connected to.

    Attributes:
        id: index of the bus (electric), heat consumer (heat, cooling) or junction (gas).
        share: fraction of the terminal's power that flows here; shares of a terminal sum to 1.
    """

    id: int
    share: float


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a participant meets a network.

    Attributes:
        name: the participant's name, `pump:<grid>` for the electricity of a pipe network, or
            `hydrogen:<participant>` for hydrogen fed into a gas network.
        points: the network elements, with their shares. Empty where `at_slack` is true.
        at_slack: the terminal sits at the network's balancing plant (heat and cooling only): its
            power is part of what the plant delivers and changes no flow in the pipes.
        feed_temperature_c: temperature at which it feeds into a heat network's supply line.
        carrier: what it exchanges where that is not the network's own carrier: `hydrogen` that is
            fed into a gas network.
    """

    name: str
    points: tuple[Point, ...]
    at_slack: bool = False
    feed_temperature_c: float | None = None
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class ElementSeries:
    """Background power of one element table, positive = injection.

    Attributes:
        element: table name: `load`, `sgen`, `heat_consumer`, `sink` or `source`.
        ids: table index, shape (n,).
        p_kw: active power, heat or gas (lower heating value), shape (T, n); loads are negative.
        q_kvar: reactive power, shape (T, n); zeros for pipe networks.
    """

    element: str
    ids: IntArray
    p_kw: FloatArray
    q_kvar: FloatArray


@dataclass(frozen=True, slots=True)
class Background:
    """Customers who do not take part but are in the network all the same."""

    series: tuple[ElementSeries, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on one quantity of one element table.

    Attributes:
        name: such as `voltage_min`, `line_loading_max`, `differential_pressure_min`.
        element: table the quantity belongs to (`bus`, `line`, `trafo`, `junction`, `pipe`, ...).
        quantity: column of the result table without the `res_` prefix of the table, or a derived
            column named in the adapter's docstring (`dp_bar`).
        sense: `min` if the value must not be below the bound, `max` if not above.
        ids: elements it applies to, shape (n,).
        bound: shape (n,), in `unit`.
        tolerance: how far outside still passes, in `unit`.
        unit: text for people.
        source: standard or data sheet that the bound comes from.
        outer: true where a linearisation of this limit keeps every feasible point (convex side),
            false where it is conservative and must be linearised again (over-voltage).
    """

    name: str
    element: str
    quantity: str
    sense: Sense
    ids: IntArray
    bound: FloatArray
    tolerance: float
    unit: str
    source: str
    outer: bool = True


@dataclass(frozen=True, slots=True)
class NetworkInputs:
    """Everything an adapter needs to know about its network, already resolved and validated.

    Attributes:
        name: the network's name in the scenario, also its file name in the run folder.
        kind: which adapter.
        file: network file in pandapower's or pandapipes' JSON format.
        time: the scenario's axis, length T.
        terminals: participants' connections in the order of every injection array.
        background: everyone else, over the whole axis.
        settings: the validated network section of the scenario (a frozen pydantic model of
            `cosim.scenario.networks`), with limits and physical options.
    """

    name: str
    kind: GridKind
    file: Path
    time: TimeAxis
    terminals: tuple[Terminal, ...]
    background: Background
    settings: object


@dataclass(frozen=True, slots=True)
class Injections:
    """Power of every terminal at the given steps, positive into the network.

    Attributes:
        grid: network name.
        steps: positions on the scenario's time axis, shape (T,).
        terminals: terminal names, length n.
        p_kw: shape (T, n).
        q_kvar: shape (T, n); zeros where the network has no reactive power.
    """

    grid: str
    steps: IntArray
    terminals: tuple[str, ...]
    p_kw: FloatArray
    q_kvar: FloatArray

    def of(self, terminal: str) -> FloatArray:
        """Return the active power of a terminal in kW, shape (T,)."""
        return self.p_kw[:, self.terminals.index(terminal)]


@dataclass(frozen=True, slots=True)
class StateField:
    """One result column: values[t, k] belongs to step t and element ids[k]."""

    element: str
    quantity: str
    ids: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A step without a usable physical solution, and why, naming the element."""

    step: int
    reason: str
    converged: bool


@dataclass(frozen=True, slots=True)
class GridStates:
    """The verified state of one network.

    Attributes:
        grid: network name.
        engine: what computed it, such as `pandapower 3.3.3` or `cosim batch`.
        injections: what was put in (with the steps).
        fields: result columns; rows of steps without a solution are NaN. Steps that were solved but
            are not physical may keep the values they have on paper, so that they can be linearised.
        loss_kw: network losses, shape (T,).
        slack_kw: power delivered by the balancing node (external grid, plant), shape (T,).
        auxiliary_kw: electricity of pumps and compressors, shape (T,).
        failures: steps that did not converge or are not physical.
        notes: anything the user should be told, such as which steps an engine had to take over.
    """

    grid: str
    engine: str
    injections: Injections
    fields: tuple[StateField, ...]
    loss_kw: FloatArray
    slack_kw: FloatArray
    auxiliary_kw: FloatArray
    failures: tuple[StepFailure, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def get(self, element: str, quantity: str) -> StateField:
        """Return one result column.

        Raises:
            GridError: if this network has no such column.
        """
        for column in self.fields:
            if column.element == element and column.quantity == quantity:
                return column
        known = ", ".join(f"{c.element}.{c.quantity}" for c in self.fields)
        raise GridError(f"no result {element}.{quantity}; there are {known}", grid=self.grid)


@dataclass(frozen=True, slots=True)
class Violation:
    """One limit that one element misses at one step (`step` is a position on the time axis)."""

    grid: str
    limit: str
    element: str
    quantity: str
    id: int
    step: int
    value: float
    bound: float
    sense: Sense

    @property
    def amount(self) -> float:
        """How far outside the bound, always positive, in the limit's unit."""
        return self.bound - self.value if self.sense == "min" else self.value - self.bound
