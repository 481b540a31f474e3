"""Networks of the electric campaign: all that pandapower bundles, ours, and one per element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandapower as pp
import pandapower.networks as pn

from tests.support.zoo import ZOO

ROOT = Path(__file__).parents[2]
BUNDLED = (
    *("case4gs", "case5", "case6ww", "case9", "case11_iwamoto", "case14", "case24_ieee_rts"),
    *("case30", "case_ieee30", "case33bw", "case39", "case57", "case89pegase", "case118"),
    *("case145", "case_illinois200", "case300", "case1354pegase", "case1888rte", "case2848rte"),
    *("case2869pegase", "case3120sp", "case6470rte", "case6495rte", "case6515rte"),
    *("case9241pegase", "GBreducednetwork", "GBnetwork", "iceland", "create_cigre_network_hv"),
    *("create_cigre_network_mv", "create_cigre_network_lv", "mv_oberrhein", "lv_schutterwald"),
    *("create_dickert_lv_network", "create_kerber_dorfnetz"),
    *("create_kerber_landnetz_freileitung_1", "create_kerber_landnetz_freileitung_2"),
    *("create_kerber_landnetz_kabel_1", "create_kerber_landnetz_kabel_2"),
    *("create_kerber_vorstadtnetz_kabel_1", "create_kerber_vorstadtnetz_kabel_2"),
    *("kb_extrem_dorfnetz", "kb_extrem_dorfnetz_trafo", "kb_extrem_landnetz_freileitung"),
    *("kb_extrem_landnetz_freileitung_trafo", "kb_extrem_landnetz_kabel"),
    *("kb_extrem_landnetz_kabel_trafo", "kb_extrem_vorstadtnetz_1", "kb_extrem_vorstadtnetz_2"),
    *("kb_extrem_vorstadtnetz_trafo_1", "kb_extrem_vorstadtnetz_trafo_2"),
    *("create_synthetic_voltage_control_lv_network", "example_simple", "example_multivoltage"),
    *("four_loads_with_branches_out", "panda_four_load_branch", "simple_four_bus_system"),
    *("simple_mv_open_ring_net", "ieee_european_lv_asymmetric"),
)
"""Every function of `pandapower.networks` that returns a network."""
VARIANTS: Mapping[str, Callable[[], Any]] = {
    "cigre mv with generation": lambda: pn.create_cigre_network_mv(with_der="pv_wind"),
    "cigre mv with storage": lambda: pn.create_cigre_network_mv(with_der="all"),
    "ieee european lv, balanced": lambda: balanced(pn.ieee_european_lv_asymmetric()),
}
LARGE = (
    *("case1888rte", "case2848rte", "case2869pegase", "case3120sp", "case6470rte", "case6495rte"),
    *("case6515rte", "case9241pegase", "GBnetwork", "lv_schutterwald", "our schutterwald"),
)
"""More than 1,500 buses."""
QUICK = (
    *("case14", "case30", "case57", "case118", "iceland", "create_cigre_network_mv"),
    *("create_kerber_dorfnetz", "example_multivoltage", "example_simple", "mv_oberrhein"),
)
"""Bundled networks that are tested every time."""


def bundled(name: str) -> Any:
    """Return a network of pandapower's."""
    made = getattr(pn, name)()
    return made[0] if isinstance(made, tuple) else made


def own(name: str) -> Any:
    """Return a network that is shipped with cosim."""
    return pp.from_json(str(ROOT / "networks" / name / "electric.json"))


def balanced(net: Any) -> Any:
    """Return a network whose unsymmetrical loads are replaced by balanced ones."""
    rows = net.asymmetric_load
    for row in rows.itertuples():
        p_mw = row.p_a_mw + row.p_b_mw + row.p_c_mw
        q_mvar = row.q_a_mvar + row.q_b_mvar + row.q_c_mvar
        pp.create_load(net, row.bus, p_mw, q_mvar, scaling=row.scaling)
    net.asymmetric_load = rows.iloc[:0]
    return net


def networks() -> dict[str, Callable[[], Any]]:
    """Return every network of the campaign by name."""
    found: dict[str, Callable[[], Any]] = {name: lambda n=name: bundled(n) for name in BUNDLED}
    found |= VARIANTS
    found |= {f"our {name}": lambda n=name: own(n) for name in ("street", "schutterwald")}
    return found | {f"element: {name}": make for name, make in ZOO.items()}
