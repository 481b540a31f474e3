"""The section about a leader: complete where the run has one, left out where not."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.report import style, write_report
from cosim.report.data import Run, open_run
from cosim.report.flows import balance
from cosim.report.leader import account_table, leader_section, profit_table
from cosim.report.leader_balance import balance_figures
from cosim.report.leader_figures import leader_trade_figure, traded
from cosim.report.leader_search import search_figure
from cosim.results import RunTables, export_run, write_run
from tests.support import run_folder

pytestmark = pytest.mark.xdist_group("report_leader")  # one process, so that its fixtures run once

STEPS = 8
ENTRY: dict[str, Any] = {
    "method": "exact",
    "followers": "cooperating",
    "profit": {
        "optimistic": 30.0,
        "pessimistic": -29.0,
        "nudged": 28.6,
        "simulated": 28.7,
        "verified": 27.5,
    },
    "bound": 30.3,
    "gap": 0.01,
    "status": "optimal",
    "revenue": {"electricity": {"sell": 50.0, "buy": -20.0}},
    "service_fees": 1.5,
    "own_costs": 4.0,
    "investment_per_horizon": 40.0,
    "repriced": 1,
    "notes": ["One thing to know."],
}


def led_tables() -> RunTables:
    """Return a made-up run whose first participant sells to and buys from the second."""
    plain = run_folder.hamlet_run(steps=STEPS)
    leader, follower = list(plain.summary["participants"])[:2]
    index = pd.DatetimeIndex(plain.schedule["time"].drop_duplicates().sort_values())
    sold = np.where(np.arange(STEPS) < 4, 5.0, 0.0)
    bought = np.where(np.arange(STEPS) < 4, 0.0, 3.0)
    rows = [
        pd.DataFrame(
            {"time": index, "participant": who, "device": "trade", "carrier": "electricity",
             "quantity": quantity, "value": kw}
        )
        for who, quantity, kw in (
            (leader, "to_followers_kw", sold), (leader, "from_followers_kw", bought),
            (follower, "from_leader_kw", sold), (follower, "to_leader_kw", bought),
        )
    ]  # fmt: skip
    text = dict.fromkeys(("participant", "device", "carrier", "quantity"), str)
    schedule = pd.concat([plain.schedule.astype(text), *rows], ignore_index=True)
    prices = pd.concat(
        [
            pd.DataFrame(
                {"time": index, "carrier": "electricity", "side": side, "price_per_kwh": price,
                 "low_per_kwh": 0.05, "high_per_kwh": 0.4}
            )
            for side, price in (("buy", 0.1), ("sell", 0.3))
        ],
        ignore_index=True,
    )  # fmt: skip
    history = pd.DataFrame(
        {
            "method": "exact",
            "iteration": [0, 1, 2, 0, 1],
            "seconds": [0.5, 1.0, 2.0, 0.4, 0.9],
            "best": [10.0, 29.0, 30.0, 20.0, 29.5],
            "bound": [np.nan, 40.0, 30.3, np.inf, 30.1],
        }
    )
    return replace(
        plain,
        summary={**plain.summary, "leader": {**ENTRY, "participant": leader}},
        schedule=schedule,
        leader_prices=prices,
        leader_history=history,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "led", led_tables())


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return open_run(folder)


def words(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ")


def test_the_report_has_the_section_and_its_figures(folder: Path) -> None:
    page = write_report(folder).read_text()
    assert '<section id="leader"' in page
    told = words(page)
    assert "no others can earn more than 1.00 % above them" in told
    assert "It earns 27.50 EUR, \u221212.50 EUR after what its devices cost to buy." in told
    assert "One thing to know." in told
    names = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert {"leader_prices", "leader_trades", "leader_search"} <= names
    assert any(name.startswith("balance_") for name in names)


def test_a_run_without_a_leader_has_no_section(tmp_path: Path) -> None:
    plain = open_run(write_run(tmp_path / "plain", run_folder.hamlet_run(steps=STEPS)))
    assert leader_section(plain) is None
    assert leader_trade_figure(plain) is None
    assert search_figure(plain) is None


def test_trade_is_read_by_participant(run: Run) -> None:
    _, follower = run.participants[:2]
    taken = traded(run, "electricity", "from_leader_kw")
    assert list(taken.columns) == [follower]
    assert taken[follower].tolist() == [5.0] * 4 + [0.0] * 4
    assert traded(run, "hydrogen", "from_leader_kw").empty


def test_trade_with_a_leader_counts_in_both_balances(run: Run) -> None:
    leader, follower = run.participants[:2]
    flows = balance(run, run.tables.schedule)
    by_group = flows.groupby(["participant", "group"])["kw"].sum()
    assert by_group[leader, "followers"] == pytest.approx(-4 * 5.0 + 4 * 3.0)
    assert by_group[follower, "operator"] == pytest.approx(4 * 5.0 - 4 * 3.0)
    assert leader in balance_figures(run)


def test_every_search_has_a_panel(run: Run) -> None:
    with style.look():
        drawn = search_figure(run)
    assert drawn is not None
    titles = [axis.get_title(loc="left") for axis in drawn.axes if axis.get_visible()]
    assert titles == ["Without networks", "Again, networks known (1)"]


def test_the_account_adds_up_to_what_is_left(run: Run) -> None:
    entry = run.summary["leader"]
    rows = {str(getattr(row[0], "text", row[0])): str(getattr(row[1], "text", row[1]))
            for row in account_table(run, entry).rows}  # fmt: skip
    assert rows["Electricity sold to followers"].startswith("+50.00")
    assert rows["Own costs: utilities, upkeep, CO\u2082"].startswith("\u22124.00")
    assert rows["Profit, verified"].startswith("+27.50")
    assert rows["Left after investment"].startswith("\u221212.50")


def test_every_profit_says_what_it_assumes(run: Run) -> None:
    rows = profit_table(run, run.summary["leader"]).rows
    assert len(rows) == 6
    assert all(len(str(row[2])) > 40 for row in rows)
    lost = {**ENTRY, "profit": {**ENTRY["profit"], "pessimistic": None}, "bound": None}
    rows = profit_table(run, lost).rows
    assert len(rows) == 5
    assert "could not deliver" in str(rows[1][2])


def test_prices_and_history_are_exported(folder: Path, tmp_path: Path) -> None:
    export_run(folder, "csv", tmp_path)
    prices = pd.read_csv(tmp_path / "leader_prices.csv")
    assert prices["price_per_kwh"].tolist() == [0.1] * STEPS + [0.3] * STEPS
    assert len(pd.read_csv(tmp_path / "leader_history.csv")) == 5
    assert not (tmp_path / "windows.csv").exists()


def test_prices_and_history_come_back_as_written(run: Run) -> None:
    made = led_tables()
    pd.testing.assert_frame_equal(
        run.tables.leader_prices.astype({"carrier": str, "side": str}),
        made.leader_prices,
        check_dtype=False,
    )
    assert run.tables.leader_history["best"].tolist() == made.leader_history["best"].tolist()
