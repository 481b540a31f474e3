"""Limits, notes, repairs, and input that cannot be right."""

from __future__ import annotations

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

from cosim.errors import GridError
from cosim.grids.limits import check, violations
from cosim.scenario.networks import BackgroundSettings, ElectricLimits
from tests.support.electric import ieee33, injections, plain, two_buses, village


def by_name(grid):
    return {limit.name: limit for limit in grid.limits}


def test_limits_follow_the_settings(make):
    limits = ElectricLimits(voltage_min_pu=0.95, import_max_kw=400.0, export_max_kw=100.0)
    grid = make(village(), {"a": {4: 1.0}}, limits=limits)
    found = by_name(grid)
    assert list(found) == [
        "voltage_min", "voltage_max", "line_loading_max", "trafo_loading_max",
        "import_max", "export_max",
    ]  # fmt: skip
    assert set(found["voltage_min"].bound) == {0.95}
    assert set(found["voltage_max"].bound) == {1.1}
    assert found["import_max"].bound == pytest.approx([0.4] * 3)
    assert found["export_max"].bound == pytest.approx([-0.1] * 3)
    assert found["export_max"].sense == "min"
    assert found["import_max"].tolerance == pytest.approx(0.0005)
    inner = {name for name, limit in found.items() if not limit.outer}
    assert inner == {"voltage_max", "export_max"}
    assert all(limit.source for limit in grid.limits)


def test_import_and_export_are_held_against_the_external_grid(make):
    limits = ElectricLimits(import_max_kw=50.0, export_max_kw=20.0)
    grid = make(two_buses(0.01, 0.01), {"a": {1: 1.0}}, steps=4, limits=limits)
    states = grid.verify(injections(grid, [[-60.0], [-40.0], [15.0], [30.0]]))
    found = violations("electric", check(states, grid.limits))
    assert {(v.limit, v.step) for v in found} == {("import_max", 0), ("export_max", 3)}
    assert found[0].amount == pytest.approx(0.0105, abs=5e-4)


def test_overload_and_voltage_are_found_where_pandapower_has_them(make):
    net = ieee33()
    net.line["max_i_ka"] = 0.15
    limits = ElectricLimits(voltage_min_pu=0.93)
    grid = make(net, {"a": {17: 1.0}}, np.array([1.0, 0.2]), steps=2, limits=limits)
    entry = injections(grid, 0.0)
    found = violations("electric", check(grid.verify(entry), grid.limits))
    own = plain(net, grid, entry, 0, np.array([1.0, 0.2]))
    low = set(own.res_bus.index[own.res_bus["vm_pu"] < 0.93 - 1e-4])
    loaded = set(own.res_line.index[own.res_line["loading_percent"] > 100.05])
    assert low
    assert loaded
    assert {v.id for v in found if v.limit == "voltage_min"} == low
    assert {v.id for v in found if v.limit == "line_loading_max"} == loaded
    assert {v.step for v in found} == {0}


def test_lines_without_a_rating_are_not_checked_and_a_note_says_so(make):
    net = village()
    net.line.loc[[0, 1], "max_i_ka"] = [np.nan, 0.0]
    grid = make(net, {"a": {4: 1.0}})
    assert not {0, 1} & set(by_name(grid)["line_loading_max"].ids)
    states = grid.verify(injections(grid, -1.0))
    assert "2 line without a rating: loading not checked" in states.notes
    assert states.failures == ()


def island(net):
    pair = pp.create_buses(net, 2, 0.4)
    pp.create_line(net, pair[0], pair[1], 0.1, "NAYY 4x50 SE")
    pp.create_load(net, pair[1], 0.01)
    return int(pair[0]), int(pair[1])


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_isolated_buses_are_left_out_with_a_note(make, engine):
    net = village()
    dead = island(net)
    off = pp.create_bus(net, 0.4, in_service=False)
    grid = make(net, {"a": {4: 1.0}}, np.ones(6))
    states = grid.verify(injections(grid, -1.0), engine)
    assert not {*dead, off} & set(states.get("bus", "vm_pu").ids)
    assert not {*dead, off} & set(by_name(grid)["voltage_min"].ids)
    assert states.failures == ()
    text = f"2 bus(es) without external grid left out: {dead[0]}, {dead[1]}"
    assert f"{text}; 1 background customer(s) there are not supplied" in states.notes


def test_a_terminal_on_an_isolated_bus_is_an_error(make):
    net = village()
    dead, _ = island(net)
    with pytest.raises(GridError, match=f"bus {dead} of farm is out of service or not connected"):
        make(net, {"farm": {dead: 1.0}})


def test_unknown_bus_and_unknown_load_are_errors(make):
    with pytest.raises(GridError, match=r"electric\.json: no bus 99"):
        make(two_buses(), {"a": {99: 1.0}})
    net = two_buses()
    net.ext_grid["in_service"] = False
    with pytest.raises(GridError, match="no external grid in service"):
        make(net, {"a": {1: 1.0}})


def test_unlisted_customers_are_off_or_nominal(make):
    net = ieee33()
    off = make(net, {"a": {17: 1.0}}, steps=1)
    assert off.verify(injections(off, 0.0)).loss_kw[0] == pytest.approx(0.0, abs=1e-6)
    settings = BackgroundSettings(unlisted="nominal")
    nominal = make(net, {"a": {17: 1.0}}, steps=1, background=settings)
    assert nominal.verify(injections(nominal, 0.0)).loss_kw[0] == pytest.approx(202.677, abs=1e-3)
    frame = nominal.setpoints_frame(injections(nominal, 0.0))
    drawn = frame[(frame["element"] == "load") & (frame["quantity"] == "p_mw")]
    assert drawn["value"].sum() == pytest.approx(3.715)


def test_simbench_gaps_are_repaired_and_noted(make):
    net = village()
    broken = village()
    for column in [c for c in broken.load.columns if c.startswith("const_")]:
        broken.load[column] = np.nan
    broken.trafo["tap_changer_type"] = pd.Series([None, None], dtype=object)
    good, mended = make(net, {"a": {4: 1.0}}, np.ones(6)), make(broken, {"a": {4: 1.0}}, np.ones(6))
    entry = injections(good, -5.0)
    expected, states = good.verify(entry), mended.verify(entry)
    assert "trafo.tap_changer_type: 2 missing read as Ratio" in states.notes
    assert any("const_" in note for note in states.notes)
    assert states.engine == "cosim batch"
    assert states.get("bus", "vm_pu").values == pytest.approx(expected.get("bus", "vm_pu").values)
    assert states.loss_kw == pytest.approx(expected.loss_kw)


def test_controllers_and_options_of_the_file_are_not_used_and_noted(make):
    net = village()
    pp.control.DiscreteTapControl(net, 0, 0.99, 1.01)
    pp.set_user_pf_options(net, trafo_model="pi", max_iteration=3)
    grid = make(net, {"a": {4: 1.0}}, np.ones(6))
    states = grid.verify(injections(grid, -5.0))
    assert any("1 controllers of the file not used" in note for note in states.notes)
    assert any("options of the file not used: max_iteration" in note for note in states.notes)
    own = plain(village(), grid, injections(grid, -5.0), 0, np.ones(6))
    assert states.get("bus", "vm_pu").values[0] != pytest.approx(
        own.res_bus["vm_pu"].to_numpy(), abs=1e-9
    ), "the transformer model of the file is kept"


def test_wrong_terminals_are_refused(make):
    one, other = make(two_buses(), {"a": {1: 1.0}}), make(two_buses(), {"b": {1: 1.0}})
    with pytest.raises(GridError, match="do not match"):
        one.verify(injections(other, 0.0))


@pytest.mark.parametrize("generator", [False, True])
def test_a_network_without_participants_works_too(make, generator):
    net = ieee33()
    if generator:
        pp.create_gen(net, 20, 0.3, vm_pu=0.99)
    grid = make(net, {}, np.array([1.0, 0.5]), steps=2)
    entry = injections(grid, 0.0)
    states = grid.verify(entry)
    assert states.failures == ()
    if not generator:
        assert states.loss_kw[0] == pytest.approx(202.677, abs=1e-3)
    assert grid.linearise(states, ()).d_loss_dp.shape == (2, 0)
    assert set(grid.setpoints_frame(entry)["element"]) == {"load"}
