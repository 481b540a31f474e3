"""Storage of every carrier: balance, losses, cycle, exclusivity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import linprog

from cosim.market.devices.battery import Battery

LOSSLESS = {"capacity_kwh": 10, "eta_charge": 1.0, "eta_discharge": 1.0}
KINDS = [
    ("battery", "electricity"),
    ("cooling_storage", "cooling"),
    ("gas_storage", "gas"),
    ("heat_storage", "heat"),
    ("hydrogen_storage", "hydrogen"),
]


@pytest.mark.covers(
    "battery.energy_balance",
    "cooling_storage.energy_balance",
    "gas_storage.energy_balance",
    "heat_storage.energy_balance",
    "hydrogen_storage.energy_balance",
)
@pytest.mark.parametrize(("device", "carrier"), KINDS)
def test_content_follows_the_closed_form(bench, device, carrier):
    store = bench(
        device,
        {
            "capacity_kwh": 20,
            "eta_charge": 0.9,
            "eta_discharge": 0.8,
            "self_discharge_per_h": 0.1,
            "initial": 0.0,
            "cyclic": False,
        },
        steps=3,
    )
    store.fix("charge", [10, 0, 0]).fix("discharge", [0, 0, None])
    store.minimise(-store.total(carrier))
    # 10 kWh in: 9 stored, 8.1 an hour later, 7.29 before the last hour's draw, 0.8 of it out
    np.testing.assert_allclose(store.flow(carrier), [-10, 0, 5.832], atol=1e-6)
    content = store.report(carrier, "state_of_charge_kwh")
    np.testing.assert_allclose(content, [9.0, 8.1, 0.0], atol=1e-6)


@pytest.mark.covers(
    "battery.energy_balance",
    "cooling_storage.energy_balance",
    "gas_storage.energy_balance",
    "heat_storage.energy_balance",
    "hydrogen_storage.energy_balance",
)
@pytest.mark.parametrize(("device", "carrier"), KINDS)
def test_self_discharge_is_per_hour_whatever_the_step(bench, device, carrier):
    fields = {"capacity_kwh": 10, "self_discharge_per_h": 0.19, "initial": 1.0, "cyclic": False}
    store = bench(device, fields, steps=8, step_h=0.25)
    store.fix("charge", [0] * 8).fix("discharge", [0] * 8).minimise(0.0)
    content = store.report(carrier, "state_of_charge_kwh")
    assert content[3] == pytest.approx(8.1)
    assert content[7] == pytest.approx(6.561)


@pytest.mark.covers("battery.energy_balance")
def test_arbitrage_by_hand(bench):
    store = bench("battery", {"capacity_kwh": 10, "eta_charge": 0.9, "eta_discharge": 0.9}, steps=2)
    # buy 5 kWh at 0.10, sell 5 * 0.81 at 0.30
    best = store.minimise(-store.total("electricity", [0.10, 0.30]))
    assert best == pytest.approx(0.5 - 1.215)


@pytest.mark.covers("battery.energy_balance")
def test_free_start_lets_the_cycle_run_over_midnight(bench):
    store = bench("battery", LOSSLESS, steps=3)
    # dear first, cheap last: energy of the last step is used in the first of the repeated day
    assert store.minimise(-store.total("electricity", [3, 2, 1])) == pytest.approx(-10)
    np.testing.assert_allclose(store.flow("electricity")[[0, 2]], [5, -5], atol=1e-6)


@pytest.mark.covers(
    "battery.final_energy",
    "cooling_storage.final_energy",
    "gas_storage.final_energy",
    "heat_storage.final_energy",
    "hydrogen_storage.final_energy",
)
@pytest.mark.parametrize(("device", "carrier"), KINDS)
def test_a_given_content_has_to_be_there_again_at_the_end(bench, device, carrier):
    fields = {**LOSSLESS, "self_discharge_per_h": 0.0, "initial": 0.6, "energy_min": 0.2}
    cyclic = bench(device, fields, steps=2)
    assert cyclic.minimise(-cyclic.total(carrier)) == pytest.approx(0.0, abs=1e-9)
    assert cyclic.report(carrier, "state_of_charge_kwh")[-1] == pytest.approx(6.0)
    once = bench(device, {**fields, "cyclic": False}, steps=2)
    assert once.minimise(-once.total(carrier)) == pytest.approx(-4.0)


@pytest.mark.covers(
    "battery.charge_mode",
    "cooling_storage.charge_mode",
    "gas_storage.charge_mode",
    "heat_storage.charge_mode",
    "hydrogen_storage.charge_mode",
    "battery.discharge_mode",
    "cooling_storage.discharge_mode",
    "gas_storage.discharge_mode",
    "heat_storage.discharge_mode",
    "hydrogen_storage.discharge_mode",
)
@pytest.mark.parametrize(("device", "carrier"), KINDS)
def test_burning_energy_is_reported_when_relaxed_and_impossible_with_binaries(
    bench, device, carrier
):
    fields = {**LOSSLESS, "self_discharge_per_h": 0.0, "eta_charge": 0.5}
    # paid to consume in a cycle of one hour: 5 kW in and 2.5 kW out at once
    relaxed = bench(device, fields, steps=1, relax=True)
    assert relaxed.minimise(relaxed.total(carrier)) == pytest.approx(-2.5)
    charge, discharge = relaxed.ports.exclusive["charge_discharge"]
    assert [charge(0).value, discharge(0).value] == pytest.approx([5.0, 2.5])
    # with binaries it takes two hours: one takes 5 kW, the other gives 2.5 kW back
    idle = bench(device, fields, steps=1, relax=False)
    assert idle.minimise(idle.total(carrier)) == pytest.approx(0.0, abs=1e-9)
    exact = bench(device, fields, steps=2, relax=False)
    assert exact.minimise(exact.total(carrier)) == pytest.approx(-2.5)
    assert not exact.ports.exclusive
    both = exact.report(carrier, "charging_kw") * exact.report(carrier, "discharging_kw")
    np.testing.assert_allclose(both, 0.0, atol=1e-9)


def test_powers_are_fractions_of_the_capacity(bench):
    fields = {**LOSSLESS, "charge_max_per_h": 0.2, "discharge_max_per_h": 0.4}
    store = bench("battery", fields, steps=3)
    store.minimise(-store.total("electricity", [1, 3, 1]))
    np.testing.assert_allclose(store.flow("electricity"), [-2, 4, -2], atol=1e-6)


def test_content_bounds_are_fractions_of_the_capacity(bench):
    fields = {**LOSSLESS, "energy_min": 0.3, "energy_max": 0.5}
    store = bench("battery", fields, steps=2)
    assert store.minimise(-store.total("electricity", [1, 2])) == pytest.approx(-2.0)


def test_degradation_is_paid_per_kwh_given_out(bench):
    fields = {**LOSSLESS, "degradation_per_kwh": 0.4, "initial": 1.0, "cyclic": False}
    store = bench("battery", fields, steps=4, step_h=0.5)
    store.fix("discharge", [5, 5, 0, 0]).fix("charge", [0, 0, 0, 0])
    assert store.minimise(store.cost()) == pytest.approx(2.0)


def test_compressor_draws_electricity_for_what_is_taken_in(bench):
    fields = {**LOSSLESS, "compressor_kwh_per_kwh": 0.05, "initial": 0.0, "cyclic": False}
    tank = bench("hydrogen_storage", fields, steps=2).fix("charge", [4, 0])
    tank.fix("discharge", [0, 3]).minimise(0.0)
    np.testing.assert_allclose(tank.flow("hydrogen"), [-4, 3], atol=1e-9)
    np.testing.assert_allclose(tank.flow("electricity"), [-0.2, 0.0], atol=1e-9)
    assert "electricity" not in bench("hydrogen_storage", LOSSLESS).ports.flows


def _linprog(prices, fields, step_h):
    """Arbitrage income with scipy: columns charge, discharge, content; no Pyomo in it."""
    n = len(prices)
    capacity = fields["capacity_kwh"]
    kept = (1 - fields["self_discharge_per_h"]) ** step_h
    before = np.roll(np.eye(n), -1, axis=1)  # row t picks the content of step t-1
    taken_in, given_out = fields["eta_charge"] * step_h, step_h / fields["eta_discharge"]
    balance = np.hstack([-taken_in * np.eye(n), given_out * np.eye(n), np.eye(n) - kept * before])
    cost = np.concatenate([np.multiply(prices, step_h), np.multiply(prices, -step_h), np.zeros(n)])
    bounds = [(0, 0.5 * capacity)] * (2 * n) + [(0, capacity)] * n
    return linprog(cost, A_eq=balance, b_eq=np.zeros(n), bounds=bounds).fun


@settings(max_examples=25, deadline=None)
@given(
    prices=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8),
    eta=st.floats(0.6, 1.0),
    sigma=st.floats(0.0, 0.3),
    step_h=st.sampled_from([0.25, 1.0]),
)
def test_balance_closes_and_income_is_that_of_an_independent_lp(bench, prices, eta, sigma, step_h):
    fields = {"capacity_kwh": 12.0, "eta_charge": eta, "eta_discharge": 0.9}
    fields |= {"self_discharge_per_h": sigma}
    store = bench("battery", fields, steps=len(prices), step_h=step_h)
    best = store.minimise(-store.total("electricity", prices))
    assert best == pytest.approx(_linprog(prices, fields, step_h), abs=1e-6)
    content = store.report("electricity", "state_of_charge_kwh")
    before = np.roll(content, 1)
    taken_in = store.report("electricity", "charging_kw") * step_h
    given_out = store.report("electricity", "discharging_kw") * step_h
    standing = before * (1 - (1 - sigma) ** step_h)
    conversion = (1 - eta) * taken_in + (1 / 0.9 - 1) * given_out
    assert taken_in.sum() == pytest.approx(
        given_out.sum() + standing.sum() + conversion.sum(), abs=1e-6
    )
    assert np.all(taken_in * given_out < 1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"energy_min": 0.9, "energy_max": 0.8},
            "energy_min 0.9 is above energy_max 0.8; give energy_min at most energy_max",
        ),
        (
            {"cyclic": False},
            "no initial content for a storage that is not cyclic; give initial between 0 and 1, "
            "or cyclic: true",
        ),
        (
            {"initial": 0.1, "energy_min": 0.2},
            "initial 0.1 is outside energy_min 0.2 to energy_max 1; give a value between them",
        ),
    ],
)
def test_contradictions_are_explained(fields, message):
    with pytest.raises(ValidationError) as caught:
        Battery.model_validate({"capacity_kwh": 10, **fields})
    assert message in str(caught.value)
