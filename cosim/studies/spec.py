"""The study file: which scenario, what is changed in it, and what is done with each variant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from cosim.errors import Problem, ScenarioError
from cosim.scenario.base import Strict
from cosim.scenario.load import read_yaml
from cosim.scenario.problems import from_validation

STUDY_FILE = "study.yaml"
Action = Literal["run", "dispatch", "verify"]
Scalar = bool | int | float | str


class Uniform(Strict):
    """Every value between two bounds alike."""

    distribution: Literal["uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.high < self.low:
            raise ValueError("high is below low; give the bounds in order")
        return self


class Normal(Strict):
    """Bell curve, cut off at bounds where they are given (values beyond them become the bound)."""

    distribution: Literal["normal"]
    mean: float
    std: Annotated[float, Field(gt=0.0)]
    low: float | None = None
    high: float | None = None


class Choice(Strict):
    """One of some values."""

    distribution: Literal["choice"]
    values: Annotated[tuple[Scalar, ...], Field(min_length=1)]
    weights: tuple[Annotated[float, Field(ge=0.0)], ...] | None = None
    """As many as values; all alike if missing."""

    @model_validator(mode="after")
    def _as_many(self) -> Choice:
        if self.weights is not None and (
            len(self.weights) != len(self.values) or sum(self.weights) <= 0.0
        ):
            raise ValueError("as many weights as values are needed, not all of them zero")
        return self


Distribution = Annotated[Uniform | Normal | Choice, Field(discriminator="distribution")]


class MonteCarlo(Strict):
    """Fields drawn at random, the same numbers for every point of the sweep."""

    samples: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)] = 0
    fields: Annotated[Mapping[str, Distribution], Field(min_length=1)]
    """Dotted scenario field -> distribution."""


class HostingCapacity(Strict):
    """The largest value of a field with which every network check passes."""

    field: str
    """Dotted scenario field, such as `participants.farm.devices.pv.rated_kw`."""
    low: float = 0.0
    """Smallest value tried."""
    high: float
    """Largest value tried."""
    tolerance: Annotated[float, Field(gt=0.0)]
    """Width of the bracket at which the search ends, in the field's unit."""
    integer: bool = False
    """Whole numbers only, such as a number of vehicles."""
    with_market: bool = False
    """The market reacts to the networks before it counts as not feasible (`run`); otherwise
    the dispatch is what everybody would do without networks (`dispatch`)."""

    @model_validator(mode="after")
    def _ordered(self) -> HostingCapacity:
        if self.high <= self.low:
            raise ValueError("high is not above low; give the bounds in order")
        if self.integer and self.tolerance < 1.0:
            raise ValueError("tolerance below 1 with whole numbers; give 1 or more")
        return self


class StudySpec(Strict):
    """A whole study file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    description: str = ""
    base: str
    """Scenario file or folder, relative to the study file."""
    action: Action = "run"
    """`run`: market and networks until the verdict. `dispatch`: the market once, without networks,
    and its verification. `verify`: a given schedule against the networks."""
    schedule: str | None = None
    """For `verify`: schedule file, relative to the study file."""
    set: Mapping[str, Any] = {}
    """Dotted scenario fields that are changed in every task."""
    sweep: Mapping[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = {}
    """Dotted scenario field -> values; every combination is a task."""
    monte_carlo: MonteCarlo | None = None
    hosting_capacity: HostingCapacity | None = None
    """Every task searches for the largest value instead of evaluating one scenario."""

    @model_validator(mode="after")
    def _fits_together(self) -> StudySpec:
        if (self.action == "verify") != (self.schedule is not None):
            raise ValueError("schedule belongs to action verify; give both or neither")
        if self.action == "verify" and self.hosting_capacity is not None:
            raise ValueError(
                "hosting_capacity needs a dispatch that follows the field; leave out action"
            )
        given = [*self.set, *self.sweep]
        if self.monte_carlo is not None:
            given += self.monte_carlo.fields
        if self.hosting_capacity is not None:
            given.append(self.hosting_capacity.field)
        twice = sorted({field for field in given if given.count(field) > 1})
        if twice:
            raise ValueError(f"the field {twice[0]} is changed in two places; keep one of them")
        return self


def load_spec(path: Path) -> tuple[StudySpec, Path]:
    """Return a study file's content and the file itself.

    Args:
        path: a study file, or a folder with `study.yaml` in it.

    Raises:
        ScenarioError: with every problem found.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    if not file.is_file():
        advice = "see examples/studies for files to start from"
        raise ScenarioError([Problem(str(file), "no such file", "a study file", advice)])
    raw = read_yaml(file)
    try:
        return StudySpec.model_validate(raw), file
    except ValidationError as error:
        raise ScenarioError(from_validation(error, file.name, raw)) from None
