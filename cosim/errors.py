"""The exception tree. Every error says where, what was found, what was expected, what to do."""

from __future__ import annotations

from dataclasses import dataclass


class CosimError(Exception):
    """Base of every error that cosim raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        where: file and field, such as `scenario.yaml: participants.school.devices.chp.eta_el`.
        found: the value or state that was found, as text.
        expected: what is accepted there.
        advice: what to do about it.
    """

    where: str
    found: str
    expected: str
    advice: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.found}; expected {self.expected}"
        return f"{text}; {self.advice}" if self.advice else text


class ScenarioError(CosimError):
    """The input is not usable; carries every problem that was found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[list[Problem]]]:
        """Let the error travel between processes as itself."""
        return type(self), (list(self.problems),)


class ResultsError(CosimError):
    """A run folder or schedule file does not hold what the contract says."""


class SolveError(CosimError):
    """The market could not be solved; `reason` is the solver's own word for it."""

    def __init__(self, message: str, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)


class Infeasible(SolveError):
    """No schedule satisfies the market's own constraints."""


class TimeLimit(SolveError):
    """The solver's time ran out before any usable schedule was found."""


class GridError(CosimError):
    """A network could not be evaluated; `grid` names it."""

    def __init__(self, message: str, grid: str = "") -> None:
        self.grid = grid
        super().__init__(message)


class NotConverged(GridError):
    """A power or pipe flow found no solution at the named steps."""


class NotPhysical(GridError):
    """A flow solution exists on paper only: NaN, negative pressure, reversed consumer."""


class CouplingError(CosimError):
    """The loop between market and networks cannot go on."""


class GameError(CosimError):
    """A cooperative game is not well posed."""


class SettlementError(CosimError):
    """The benefit of sharing cannot be turned into payments as asked for."""


class TaskError(CosimError):
    """Work that was handed to other processes did not come back."""
