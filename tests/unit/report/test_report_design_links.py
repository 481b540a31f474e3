"""Links of the energy diagram: nothing appears or disappears at a node."""

from __future__ import annotations

import pandas as pd
import pytest

from cosim.report.design.links import Links

DEVICES = {
    "hotel": {"engine": "chp", "tank": "heat_storage", "roof": "pv"},
    "office": {"cooler": "compression_chiller"},
}
ROWS = [
    ("gas", "hotel:gas", "gas", 1000.0),
    ("hotel:gas", "hotel:engine", "gas", 1000.0),
    ("hotel:engine", "hotel:electricity", "electricity", 400.0),
    ("hotel:engine", "hotel:heat", "heat", 450.0),
    ("hotel:roof", "hotel:electricity", "electricity", 100.0),
    ("hotel:electricity", "demand:electricity", "electricity", 470.0),
    ("hotel:electricity", "feed_in", "electricity", 30.0),
    ("hotel:heat", "hotel:tank", "heat", 60.0),
    ("hotel:tank", "hotel:heat", "heat", 50.0),
    ("hotel:heat", "pipes", "heat", 220.0),
    ("hotel:heat", "demand:heat", "heat", 220.0),
    ("pipes", "office:heat", "heat", 200.0),
    ("pipes", "losses", "heat", 20.0),
    ("office:heat", "demand:heat", "heat", 200.0),
    ("grid", "office:electricity", "electricity", 150.0),
    ("office:electricity", "office:cooler", "electricity", 50.0),
    ("office:electricity", "demand:electricity", "electricity", 100.0),
    ("office:cooler", "office:cooling", "cooling", 200.0),
    ("office:cooling", "demand:cooling", "cooling", 200.0),
]


@pytest.fixture
def links() -> dict[tuple[str, str], float]:
    collected = Links(DEVICES)
    collected.take(pd.DataFrame(ROWS, columns=["from", "to", "carrier", "kwh_per_year"]))
    return {(a, b): kwh for a, b, _, kwh in collected.all()}


def test_every_node_in_between_gives_what_it_gets(links: dict[tuple[str, str], float]) -> None:
    ends = ("gas", "grid", "sun", "ambient", "losses", "feed_in")
    nodes = {n for pair in links for n in pair if n not in ends and not n.startswith("use:")}
    assert "pipes" in nodes
    for node in nodes:
        into = sum(kwh for (_, b), kwh in links.items() if b == node)
        out = sum(kwh for (a, _), kwh in links.items() if a == node)
        assert into == pytest.approx(out), node


def test_demands_are_met_and_engines_lose_what_they_do_not_use(
    links: dict[tuple[str, str], float],
) -> None:
    assert links["unit:hotel:chp", "losses"] == 150.0
    assert links["pipes", "use:office:heat"] == 200.0
    assert links["unit:office:chiller", "use:office:cooling"] == 200.0
    assert links["ambient", "unit:office:chiller"] == 150.0
    assert links["sun", "hotel:electricity"] == 100.0
    assert links["hotel:heat", "losses"] == 10.0
    assert ("office:heat", "use:office:heat") not in links
