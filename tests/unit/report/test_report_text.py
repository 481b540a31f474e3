"""Numbers and names as people write them."""

from __future__ import annotations

import pytest

from cosim.report import text


def plain(words: str) -> str:
    return words.replace(text.NO_BREAK, " ")


@pytest.mark.parametrize(
    ("value", "digits", "sign", "expected"),
    [
        (1234567.891, 2, False, "1,234,567.89"),
        (-0.5, 1, False, "\u22120.5"),
        (-0.004, 2, True, "0.00"),
        (3.0, 0, True, "+3"),
        (None, 2, False, "\u2013"),
        (float("nan"), 2, False, "\u2013"),
    ],
)
def test_numbers(value: float | None, digits: int, sign: bool, expected: str) -> None:
    assert text.number(value, digits, sign) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.90124, "pu", "0.9012 pu"),
        (104.23, "%", "104.2 %"),
        (64.96, "C", "65.0 °C"),
        (0.5983, "bar", "0.598 bar"),
        (-0.00004, "bar", "\u22120.0000400 bar"),
        (12.345, "kg/s", "12.35 kg/s"),
    ],
)
def test_values_with_units(value: float, unit: str, expected: str) -> None:
    assert plain(text.in_unit(value, unit)) == expected


@pytest.mark.parametrize(
    ("kwh", "expected"),
    [(8.25, "8.2 kWh"), (4200.0, "4,200 kWh"), (42_000.0, "42.0 MWh"), (3.1e7, "31.0 GWh")],
)
def test_energy(kwh: float, expected: str) -> None:
    assert plain(text.energy(kwh)) == expected


def test_money_and_shares() -> None:
    assert plain(text.money(1972.4, "EUR")) == "1,972.40 EUR"
    assert plain(text.money(250_000.4, "EUR")) == "250,000 EUR"
    assert plain(text.percent(0.0463, sign=True)) == "+4.6 %"


def test_words() -> None:
    assert text.title("homes_south") == "Homes south"
    assert text.limit_name("voltage_min") == "Lowest voltage"
    assert text.limit_name("hydrogen_fraction_max") == "Hydrogen fraction max"
    assert plain(text.counted(1, "bus")) == "1 bus"
    assert plain(text.counted(1200, "heat_consumer")) == "1,200 heat consumers"
    assert text.listed(["a"]) == "a"
    assert text.listed(["a", "b", "c"]) == "a, b and c"
    assert text.listed(list("abcdefg"), 3) == "a, b, c and 4 more"
    assert text.shorten("L_AB_w318873139_AB_w318873068", 20) == "L_AB_w318873…8873068"
