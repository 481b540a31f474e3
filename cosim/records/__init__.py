"""Frozen records that travel between the layers; arrays inside are read-only."""

from cosim.records.design import Design, DesignCut, LaidPipe, TypicalDay, Unit
from cosim.records.feedback import Cut, CutKey, LossLine, Sensitivities, Target
from cosim.records.network import (
    Background,
    ElementSeries,
    GridStates,
    Injections,
    Limit,
    NetworkInputs,
    Point,
    StateField,
    StepFailure,
    Terminal,
    Violation,
)
from cosim.records.past import Carried, Past
from cosim.records.schedule import Baseline, CostTable, NetworkDuals, Schedule
from cosim.records.time import TimeAxis, Window, read_only

__all__ = [
    "Background",
    "Baseline",
    "Carried",
    "CostTable",
    "Cut",
    "CutKey",
    "Design",
    "DesignCut",
    "ElementSeries",
    "GridStates",
    "Injections",
    "LaidPipe",
    "Limit",
    "LossLine",
    "NetworkDuals",
    "NetworkInputs",
    "Past",
    "Point",
    "Schedule",
    "Sensitivities",
    "StateField",
    "StepFailure",
    "Target",
    "Terminal",
    "TimeAxis",
    "TypicalDay",
    "Unit",
    "Violation",
    "Window",
    "read_only",
]
