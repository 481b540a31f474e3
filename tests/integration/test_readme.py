"""The README's lines run as they stand, and every example is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cosim import api

ROOT = Path(__file__).parents[2]


def test_ten_lines_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0] == "feasible"
    assert lines[-1] == "feasible"
    assert (tmp_path / "my_run" / "report.html").is_file()


@pytest.mark.parametrize("example", api.examples())
def test_every_example_is_valid(example: str) -> None:
    assert "is valid" in api.check(ROOT / "examples" / example)


def test_an_example_copied_elsewhere_is_complete(tmp_path: Path) -> None:
    folder = api.init("street", tmp_path / "copy")
    assert "is valid" in api.check(folder)
    assert "../" not in (folder / "scenario.yaml").read_text()


@pytest.mark.slow
def test_street_passes_every_check(tmp_path: Path) -> None:
    result = api.run(ROOT / "examples" / "street", tmp_path / "run")
    assert result.verdict == "feasible"
    assert result.summary["price_of_physics"]["total"] >= 0.0


@pytest.mark.slow
def test_town_binds_in_two_networks_and_passes_every_check(tmp_path: Path) -> None:
    import pandas as pd

    result = api.run(ROOT / "examples" / "schutterwald", tmp_path / "run")
    assert result.verdict == "feasible"
    first = pd.read_parquet(tmp_path / "run" / "iterations.parquet").iloc[0]
    bound = [first[f"violations_{kind}"] > 0 for kind in ("electric", "heat", "gas")]
    assert sum(bound) >= 2
