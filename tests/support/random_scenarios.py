"""Random valid scenarios with any devices, for properties that hold whatever is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from cosim.market.devices import DEVICES
from cosim.scenario import Scenario
from tests.support.community import scenario
from tests.unit.market.devices.test_device_registry import EXAMPLES

CARRIERS = ("electricity", "heat", "cooling", "hydrogen", "gas")
LIMIT_KW = 400.0
"""Of every connection: far above what the devices below can need or give."""


def number(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw a number that is not needlessly odd."""
    return st.integers(round(low * 1000), round(high * 1000)).map(lambda value: value / 1000)


SHARE = number(0.0, 1.0)
STARTS: dict[str, Any] = {
    "start_cost": number(0.0, 3.0),
    "up_time_min_h": st.sampled_from([0.0, 1.0, 2.0]),
    "down_time_min_h": st.sampled_from([0.0, 1.0, 2.0]),
    "initial_power_kw": st.sampled_from([None, 0.0, 20.0]),
    "ramp_max_kw_per_h": st.sampled_from([None, 8.0, 30.0]),
}
STORAGE: dict[str, Any] = {
    "capacity_kwh": number(1.0, 60.0),
    "charge_max_per_h": number(0.2, 1.0),
    "discharge_max_per_h": number(0.2, 1.0),
    "eta_charge": number(0.7, 1.0),
    "eta_discharge": number(0.7, 1.0),
    "self_discharge_per_h": number(0.0, 0.05),
    "initial": st.sampled_from([None, 0.3, 0.8]),
    "energy_min": number(0.0, 0.2),
    "degradation_per_kwh": number(0.0, 0.03),
}
COMBINED: dict[str, Any] = {
    "power_max_kw": number(20.0, 40.0),
    "eta_el_full": number(0.3, 0.4),
    "eta_el_part": number(0.25, 0.33),
    "load_min": number(0.2, 0.5),
    "heat_dump_allowed": st.booleans(),
    "maintenance_per_kwh": number(0.0, 0.02),
    **STARTS,
}
CURVE: dict[str, Any] = {
    "power_max_kw": number(20.0, 40.0),
    "efficiency_curve": st.tuples(*(number(0.26, 0.34) for _ in range(3)), st.just(0.34)).map(
        lambda etas: list(zip((0.3, 0.5, 0.75, 1.0), sorted(etas), strict=True))
    ),
    "heat_dump_allowed": st.booleans(),
}
BLEND: dict[str, Any] = {"hydrogen_share_max": number(0.0, 0.6)}
BOILER: dict[str, Any] = {"heat_max_kw": number(5.0, 60.0), "eta": number(0.8, 1.0)}
STEPPED_BOILER = {**BOILER, "eta_part": number(0.6, 0.75), "load_min": number(0.1, 0.5)}
BURNERS = ("blended_boiler", "blended_turbine", "boiler", "chp", "chp_extraction")
SPECS: Mapping[str, list[dict[str, Any]]] = {
    "absorption_chiller": [
        {
            "cooling_max_kw": number(5.0, 40.0),
            "cop": number(0.5, 1.3),
            "electricity_share": number(0.0, 0.1),
            "load_min": st.sampled_from([0.0, 0.3]),
        }
    ],
    "battery": [STORAGE],
    "blended_boiler": [{**BOILER, **BLEND}, {**STEPPED_BOILER, **BLEND}],
    "blended_turbine": [{**COMBINED, **BLEND}, {**CURVE, **BLEND}],
    "boiler": [BOILER, STEPPED_BOILER],
    "chp": [COMBINED, CURVE],
    "chp_extraction": [
        {
            "corners": st.just([[10.0, 0.0], [40.0, 0.0], [34.0, 40.0], [10.0, 15.0]]),
            "power_loss_per_heat": number(0.05, 0.2),
            **STARTS,
        }
    ],
    "compression_chiller": [
        {
            "cooling_max_kw": number(5.0, 40.0),
            "outdoor_temperature_c": number(-10.0, 45.0),
            "load_min": st.sampled_from([0.0, 0.2]),
        },
        {"electric_max_kw": number(2.0, 20.0), "eer": number(1.0, 6.0)},
    ],
    "cooling_storage": [STORAGE],
    "electrolyser": [
        {"electric_max_kw": number(20.0, 60.0), "eta": number(0.5, 0.8)},
        {
            "electric_max_kw": number(20.0, 60.0),
            "load_min": number(0.1, 0.3),
            "standby_share": st.sampled_from([None, 0.02]),
            "heat_recovered_share": SHARE,
            **STARTS,
        },
    ],
    "fuel_cell": [
        {"electric_max_kw": number(20.0, 30.0), "eta": number(0.4, 0.6)},
        {"electric_max_kw": number(20.0, 30.0), "load_min": number(0.1, 0.5), **STARTS},
    ],
    "gas_storage": [STORAGE],
    "heat_pump": [
        {
            "heat_max_kw": number(5.0, 60.0),
            "source_temperature_c": number(-20.0, 25.0),
            "cop_lift": st.just([6.08, -0.09, 0.0005]),
            "load_min": st.sampled_from([0.0, 0.3]),
        },
        {"electric_max_kw": number(2.0, 20.0), "cop": number(1.5, 5.0)},
    ],
    "heat_storage": [STORAGE],
    "hydrogen_storage": [{**STORAGE, "compressor_kwh_per_kwh": number(0.0, 0.1)}],
}
"""Fields to draw by device type, without `type`; types that are not here come as their examples."""


@st.composite
def device(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Draw the fields of one device."""
    if kind not in SPECS:
        return {"type": kind, **draw(st.sampled_from(EXAMPLES[kind]))}
    fields = draw(st.sampled_from(SPECS[kind]))
    return {"type": kind, **{name: draw(value) for name, value in fields.items()}}


@st.composite
def participant(draw: st.DrawFn, steps: int) -> dict[str, Any]:
    """Draw demand for electricity, heat and cooling, and up to five devices of any type."""
    limits = {"import_max_kw": LIMIT_KW, "export_max_kw": LIMIT_KW}
    kinds = draw(st.lists(st.sampled_from(sorted(DEVICES)), min_size=1, max_size=5))
    series = st.lists(number(0.0, 30.0), min_size=steps, max_size=steps).map(tuple)
    devices = {f"{kind}{k}": draw(device(kind)) for k, kind in enumerate(kinds)}
    return {
        "connections": dict.fromkeys(CARRIERS, limits),
        "demand": {carrier: draw(series) for carrier in ("electricity", "heat", "cooling")},
        "devices": _with_flue_gas(devices),
    }


def _with_flue_gas(devices: dict[str, Any]) -> dict[str, Any]:
    """Let capture units take the flue gas of all that burns gas; without any they are left out."""
    burners = tuple(name for name, spec in devices.items() if spec["type"] in BURNERS)
    washers = [name for name, spec in devices.items() if spec["type"] == "carbon_capture"]
    if not burners:
        return {name: spec for name, spec in devices.items() if name not in washers}
    return devices | {name: {**devices[name], "units": burners} for name in washers}


@st.composite
def tariff(draw: st.DrawFn, carrier: str, steps: int, *, shared: bool) -> dict[str, Any]:
    """Draw prices, negative at times for electricity; gas is never sold.

    Feed-in is not above the purchase price where the carrier is shared: that is refused.
    """
    lowest = -0.2 if carrier == "electricity" else 0.02
    values = st.lists(number(lowest, 0.4), min_size=steps, max_size=steps)
    buy = draw(values)
    found: dict[str, Any] = {"buy": tuple(buy), "co2_kg_per_kwh": draw(number(0.0, 0.5))}
    if draw(st.booleans()):
        found["peak"] = {"price_per_kw": draw(number(0.0, 2.0)), "per": "horizon"}
        found["standing_per_day"] = draw(number(0.0, 3.0))
    if carrier != "gas":
        margins = draw(st.lists(number(0.0, 0.2), min_size=steps, max_size=steps))
        most = -0.02 if not shared and draw(st.booleans()) else 0.0
        found["sell"] = tuple(b - max(m, most) for b, m in zip(buy, margins, strict=True))
    return found


@st.composite
def trading(draw: st.DrawFn, heat_kg_per_kwh: float) -> dict[str, Any]:
    """Draw a ladder of CO2 prices whose intervals these participants can reach."""
    return {
        "price_per_t": draw(number(10.0, 300.0)),
        "interval_t": draw(number(0.01, 0.1)),
        "growth": draw(number(0.0, 0.5)),
        "reward_growth": draw(number(0.0, 0.5)),
        "intervals": draw(st.integers(1, 4)),
        "quota": {
            "kg": draw(number(0.0, 100.0)),
            "kg_per_kwh_demand": {"electricity": draw(number(0.0, 0.5))},
            "kg_per_kwh_bought": {"heat": draw(number(0.0, 1.0)) * heat_kg_per_kwh},
        },
    }


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a scenario of 2-4 participants and 4-8 steps that always has a schedule."""
    steps = draw(st.integers(4, 8))
    count = draw(st.integers(2, 4))
    shared = draw(st.sets(st.sampled_from(CARRIERS[:4])))
    sharing = {
        carrier: {
            "form": draw(st.sampled_from(["pool", "bilateral"])) if carrier in shared else "none",
            "link_max_kw": draw(st.sampled_from([None, 5.0])),
            "fee_per_kwh": draw(number(0.0, 0.02)),
            "grid_fee_per_kwh": draw(number(0.0, 0.02)),
        }
        for carrier in CARRIERS[:4]
    }
    tariffs = {c: draw(tariff(c, steps, shared=c in shared)) for c in CARRIERS}
    return scenario(
        {f"p{k}": draw(participant(steps)) for k in range(count)},
        tariffs,
        steps=steps,
        minutes=draw(st.sampled_from([30, 60])),
        sharing=sharing,
        carbon={
            "tax_per_t": draw(number(0.0, 80.0)),
            "trading": draw(st.none() | trading(tariffs["heat"]["co2_kg_per_kwh"])),
        },
        system_operator={"player": draw(st.booleans()), "cost_per_kwh": draw(number(0.0, 0.01))},
        solver={"mip_gap": 1e-8},
    )
