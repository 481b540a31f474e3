"""Chunks change nothing: not their size, not where they are worked on, not an interruption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim import api
from cosim.api.progress import Silent
from cosim.grids.electric import ElectricGrid
from cosim.records import GridStates, Injections, read_only
from cosim.results import read_run
from tests.support import hamlet
from tests.support.cluster import dask_cluster

KW = {
    ("plant", "electricity"): -2.0,
    ("plant", "heat"): 0.0,
    ("plant", "gas"): -50.0,
    ("home", "electricity"): -20.0,
    ("home", "heat"): -25.0,
    ("shop", "electricity"): -30.0,
    ("shop", "heat"): -15.0,
    ("works", "electricity"): -10.0,
    ("works", "heat"): -10.0,
    ("works", "gas"): -30.0,
}


@pytest.fixture(autouse=True)
def _no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than everything else here."""
    monkeypatch.setattr("cosim.api.verification.write_report", lambda folder: folder)


def write(
    folder: Path,
    chunk_steps: int | None = 3,
    shop: float = 1.0,
    electric: bool = False,
    **more: Any,
) -> list[Path]:
    """Write the hamlet and a schedule for it; `shop` scales its electricity."""
    content = hamlet.electric_config() if electric else hamlet.config()
    content["verification"] = {"chunk_steps": chunk_steps} | more
    scenario = hamlet.write(folder, content)
    shape = hamlet.profiles()["load"] * np.linspace(1.0, 1.02, hamlet.STEPS)
    frames = [
        pd.DataFrame({"time": shape.index, "participant": who, "carrier": what, "p_kw": kw * shape})
        for (who, what), kw in KW.items()
        if what in content["tariffs"]
    ]
    table = pd.concat(frames, ignore_index=True)
    of_shop = (table["participant"] == "shop") & (table["carrier"] == "electricity")
    table.loc[of_shop, "p_kw"] *= shop
    schedule = folder / "schedule.csv"
    table.to_csv(schedule, index=False)
    return [scenario, schedule]


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return all long tables of a run, rows in one order."""
    run = read_run(folder)
    keys = ["time", "element", "id", "quantity"]
    found = {f"states/{k}": f for k, f in run.states.items()}
    found |= {f"setpoints/{k}": f for k, f in run.setpoints.items()}
    plain = {k: f.astype({"element": str, "quantity": str}) for k, f in found.items()}
    return {k: f.sort_values(keys, ignore_index=True) for k, f in plain.items()}


def certificate(result: api.RunResult) -> dict[str, Any]:
    left_out = ("states_hash", "input_hash", "reruns")
    return {k: v for k, v in result.summary["certificate"].items() if k not in left_out}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a run that does not tell the time it took."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".parquet", ".json") and path.name != "summary.json"
    }


def without_seconds(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary | {"seconds": {}}


def test_chunks_hold_what_the_whole_holds(tmp_path: Path) -> None:
    whole = api.verify(*write(tmp_path / "a", chunk_steps=None), tmp_path / "whole")
    parts = api.verify(*write(tmp_path / "b", chunk_steps=3), tmp_path / "parts")
    a, b = tables(tmp_path / "whole"), tables(tmp_path / "parts")
    assert list(a) == list(b)
    assert len(a) == 6
    for name, frame in a.items():
        # The reference engines start each step from the one before it.
        pd.testing.assert_frame_equal(frame, b[name], rtol=1e-7, atol=1e-7)
    assert certificate(whole)["failed_steps"] == certificate(parts)["failed_steps"]
    for grid, limits in certificate(whole)["networks"].items():
        for name, entry in limits.items():
            other = certificate(parts)["networks"][grid][name]
            assert other["checks"] == entry["checks"]
            assert other.get("time") == entry.get("time")
            assert other.get("smallest_margin") == pytest.approx(entry.get("smallest_margin"))
    checks = read_run(tmp_path / "parts").checks
    assert len(checks) == len(read_run(tmp_path / "whole").checks)
    assert any("profiles of 3 steps" in note for note in parts.summary["notes"])
    assert not any("profiles of" in note for note in whole.summary["notes"])


@pytest.mark.slow
@pytest.mark.parametrize("reference", ["all", "sample"])
def test_processes_change_no_bit(tmp_path: Path, reference: Any) -> None:
    inputs = write(tmp_path / "in")
    api.verify(*inputs, tmp_path / "here", reference=reference)
    api.verify(*inputs, tmp_path / "there", workers=2, reference=reference)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")
    assert without_seconds(tmp_path / "here") == without_seconds(tmp_path / "there")


@pytest.mark.xdist_group("dask")
def test_a_dask_cluster_of_two_processes_changes_no_bit(tmp_path: Path) -> None:
    inputs = write(tmp_path / "in")
    api.verify(*inputs, tmp_path / "here", reference="sample")
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    with dask_cluster(cluster, workers=2) as address:
        api.verify(*inputs, tmp_path / "there", scheduler=address, reference="sample")
    assert contents(tmp_path / "here") == contents(tmp_path / "there")
    assert without_seconds(tmp_path / "here") == without_seconds(tmp_path / "there")


class Interrupt(Silent):
    """Stops the work after some chunks, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self._after = after

    def count(self, done: int, total: int) -> None:
        if done == self._after:
            raise KeyboardInterrupt


class Steps:
    """Counts the steps that the electric network evaluates."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[int] = []
        original = ElectricGrid.verify

        def verify(grid: ElectricGrid, injections: Injections, engine: Any = "fast") -> GridStates:
            self.seen += injections.steps.tolist()
            return original(grid, injections, engine)

        monkeypatch.setattr(ElectricGrid, "verify", verify)


def test_an_interrupted_verification_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = write(tmp_path / "in", electric=True)
    api.verify(*inputs, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        api.verify(*inputs, tmp_path / "run", Interrupt(after=2))
    assert not (tmp_path / "run").exists()
    steps = Steps(monkeypatch)
    api.verify(*inputs, tmp_path / "run")
    assert steps.seen == [6, 7]
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_chunks_of_another_schedule_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = write(tmp_path / "in", electric=True)
    with pytest.raises(KeyboardInterrupt):
        api.verify(*inputs, tmp_path / "run", Interrupt(after=2))
    table = pd.read_csv(inputs[1])
    table.loc[0, "p_kw"] += 1.0
    table.to_csv(inputs[1], index=False)
    steps = Steps(monkeypatch)
    api.verify(*inputs, tmp_path / "run")
    assert steps.seen == list(range(8))


def test_a_sample_says_how_many_steps_were_re_run(tmp_path: Path) -> None:
    result = api.verify(
        *write(tmp_path / "in", sample_steps=2, near_limit=0.0, worst_per_limit=0, odd_steps=0),
        tmp_path / "run",
        reference="sample",
    )
    assert set(result.summary["certificate"]["engines"].values()) == {"cosim batch"}
    for entry in result.summary["certificate"]["reruns"].values():
        assert (entry["steps"], entry["rerun"], entry["rule"]) == (8, 2, "sample")
        assert entry["sampled"] == {"random": 2}
        assert entry["handed_over"] == []


def test_a_corrupted_kernel_is_caught_and_its_network_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = write(tmp_path / "in")
    honest = api.verify(*inputs, tmp_path / "honest", reference="all")
    original = ElectricGrid.verify

    def verify(grid: ElectricGrid, injections: Injections, engine: Any = "fast") -> GridStates:
        states = original(grid, injections, engine)
        if engine == "reference":
            return states
        wrong = states.get("bus", "vm_pu")
        fields = tuple(
            replace(f, values=read_only(f.values + 1e-6)) if f is wrong else f
            for f in states.fields
        )
        return replace(states, fields=fields)

    monkeypatch.setattr(ElectricGrid, "verify", verify)
    result = api.verify(*inputs, tmp_path / "caught", reference="sample")
    certified = result.summary["certificate"]
    assert certified["engines"]["electric"].startswith("pandapower")
    assert certified["engines"]["heat"] == "cosim batch"
    assert certified["reruns"]["electric"]["rule"] == "all"
    assert any("from then on the reference engine" in note for note in result.summary["notes"])
    a = tables(tmp_path / "caught")["states/electric"]["value"].to_numpy()
    b = tables(tmp_path / "honest")["states/electric"]["value"].to_numpy()
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7)
    assert honest.verdict == result.verdict == "feasible"


def test_what_is_missed_in_several_chunks_is_one_cause(tmp_path: Path) -> None:
    whole = api.verify(
        *write(tmp_path / "a", chunk_steps=None, shop=9.0, electric=True),
        tmp_path / "whole",
    )
    parts = api.verify(
        *write(tmp_path / "b", chunk_steps=3, shop=9.0, electric=True), tmp_path / "parts"
    )
    assert whole.verdict == parts.verdict == "infeasible"
    assert parts.cause == whole.cause
    assert len(parts.summary["causes"]) == len(whole.summary["causes"])
    for a, b in zip(parts.summary["causes"], whole.summary["causes"], strict=True):
        assert a["steps"] == b["steps"]
        assert a["amount"] == pytest.approx(b["amount"], rel=1e-6)
        assert a["without_participants"] == b["without_participants"]
