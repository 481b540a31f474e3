"""The command line: parsing, progress on a terminal, exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from cosim.errors import CosimError, ResultsError, ScenarioError, SolveError

if TYPE_CHECKING:
    from cosim.api import RunResult
    from cosim.studies import StudyResult

FEASIBLE, INFEASIBLE, UNRESOLVED, BAD_INPUT, INTERNAL = 0, 1, 2, 3, 4
T = TypeVar("T")
EXIT_CODES = {"feasible": FEASIBLE, "infeasible": INFEASIBLE, "unresolved": UNRESOLVED}

app = typer.Typer(
    help="Can this energy sharing physically happen, what does it cost, and who gets what?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 feasible, 1 infeasible, 2 unresolved, 3 bad input, 4 internal error.",
)

ScenarioArgument = Annotated[
    Path, typer.Argument(help="Scenario file, or a folder with scenario.yaml.", metavar="SCENARIO")
]
ToOption = Annotated[Path | None, typer.Option("--to", help="Folder to write to.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the verdict.")]
WorkersOption = Annotated[
    int, typer.Option("--workers", help="Processes for work that can be done side by side.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="Dask scheduler for it instead, such as tcp://host:8786."),
]


class Reference(StrEnum):
    """Which steps the reference engines evaluate."""

    all = "all"
    sample = "sample"


RunArgument = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]


@app.command()
def run(
    scenario: ScenarioArgument,
    to: ToOption = None,
    quiet: QuietOption = False,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
) -> None:
    """Solve the market, verify it in the networks until every check passes, settle, report."""

    def work() -> RunResult:
        from cosim import api
        from cosim.console import console_progress

        return api.run(scenario, to, console_progress(quiet), workers=workers, scheduler=scheduler)

    _finish(_guard(work))


@app.command()
def design(scenario: ScenarioArgument, to: ToOption = None, quiet: QuietOption = False) -> None:
    """Run a scenario with a design section: what to buy, which heat pipes to lay, who pays."""

    def work() -> RunResult:
        from cosim import api
        from cosim.console import console_progress

        return api.design(scenario, to, console_progress(quiet))

    _finish(_guard(work))


@app.command()
def check(scenario: ScenarioArgument) -> None:
    """Validate a scenario; every problem is shown at once."""

    def work() -> str:
        from cosim import api

        return api.check(scenario)

    typer.echo(_guard(work))


@app.command()
def verify(
    scenario: ScenarioArgument,
    schedule: Annotated[
        Path, typer.Option("--schedule", help="CSV or Parquet: time, participant, carrier, p_kw.")
    ],
    to: ToOption = None,
    quiet: QuietOption = False,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    reference: Annotated[
        Reference | None,
        typer.Option(
            "--reference",
            help="Steps in pandapower and pandapipes: all, or a sample of what batch kernels find.",
        ),
    ] = None,
) -> None:
    """Hold a schedule made elsewhere against every limit of the networks."""

    def work() -> RunResult:
        from cosim import api
        from cosim.console import console_progress

        return api.verify(
            scenario,
            schedule,
            to,
            console_progress(quiet),
            workers=workers,
            scheduler=scheduler,
            reference=None if reference is None else reference.value,
        )

    _finish(_guard(work))


@app.command()
def study(
    file: Annotated[
        Path, typer.Argument(help="Study file, or a folder with study.yaml.", metavar="STUDY")
    ],
    to: ToOption = None,
    quiet: QuietOption = False,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
) -> None:
    """Run a sweep, a Monte Carlo study, or a search for hosting capacity."""

    def work() -> StudyResult:
        from cosim import studies
        from cosim.console import console_progress

        return studies.study(
            file, to, console_progress(quiet), workers=workers, scheduler=scheduler
        )

    result = _guard(work)
    typer.echo(result.text())
    raise typer.Exit(UNRESOLVED if result.failed else FEASIBLE)


@app.command()
def report(run_folder: RunArgument) -> None:
    """Draw the report of a finished run again."""

    def work() -> Path:
        from cosim import api

        return api.report(run_folder)

    typer.echo(f"Report: {_guard(work)}")


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN RUN...")],
) -> None:
    """Compare verdicts, costs, price of physics and margins of finished runs."""

    def work() -> str:
        from cosim import api
        from cosim.console import frame_text

        return frame_text(api.compare(runs))

    typer.echo(_guard(work))


@app.command()
def export(
    run_folder: RunArgument,
    form: Annotated[str, typer.Option("--format", help="csv, xlsx or netcdf.")] = "csv",
    to: ToOption = None,
) -> None:
    """Write the tables of a finished run as csv, xlsx or netcdf."""

    def work() -> list[Path]:
        from cosim import api

        return api.export(run_folder, form, to)

    files = _guard(work)
    typer.echo(f"Wrote {len(files)} files to {files[0].parent}")


@app.command()
def init(
    example: Annotated[str | None, typer.Argument(help="Name of an example.")] = None,
    to: ToOption = None,
) -> None:
    """Copy an example to start from; without a name, list them."""

    def work() -> str:
        from cosim.api import files

        if example is None:
            names = "\n".join(f"  {name}" for name in files.examples())
            return f"Examples:\n{names}\nCopy one with: cosim init NAME"
        folder = files.init(example, to)
        return f"Copied to {folder}. Run it with: cosim run {folder}"

    typer.echo(_guard(work))


def _guard(work: Callable[[], T]) -> T:
    """Run `work`; print what went wrong without a traceback for anything a user can mend."""
    try:
        return work()
    except ScenarioError as error:
        number = len(error.problems)
        typer.echo(f"{number} problem{'s' if number > 1 else ''} in the input:", err=True)
        for problem in error.problems:
            typer.echo(f"  {problem}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    except ResultsError as error:
        _fail(str(error), BAD_INPUT)
    except SolveError as error:
        _fail(f"The market has no solution: {error}", INFEASIBLE)
    except CosimError as error:
        _fail(f"{type(error).__name__}: {error}", INTERNAL)
    except KeyboardInterrupt:
        _fail("Interrupted; nothing was half-written. Run the same command again.", INTERNAL)
    except OSError as error:
        _fail(f"{error}", BAD_INPUT)
    except Exception:
        traceback.print_exc()
        _fail("A fault of cosim, not of your input; please report the lines above.", INTERNAL)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _finish(result: RunResult) -> None:
    """Print verdict and paths, and leave with the verdict's exit code."""
    from cosim.console import result_text

    typer.echo(result_text(result))
    raise typer.Exit(EXIT_CODES[result.verdict])


def main() -> None:
    """Entry point of the command `cosim`."""
    app()


if __name__ == "__main__":
    sys.exit(app())
