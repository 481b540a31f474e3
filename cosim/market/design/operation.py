"""How what is bought runs on the typical days."""

from __future__ import annotations

import pyomo.environ as pyo

from cosim.market.design.plant import Flow, Plant, before
from cosim.scenario.design_catalogue import (
    AbsorptionOffer,
    BoilerOffer,
    ChpType,
    PvOffer,
    Sized,
    StorageOffer,
)


def add_operation(plant: Plant) -> None:
    """Add the operation of every offer of a building."""
    for one in plant.building.chp:
        block = pyo.Block(concrete=True)
        plant.block.add_component(f"unit_{one.name}", block)
        _add_chp(plant, block, one)
    for kind, offer in plant.building.offers.items():
        block = pyo.Block(concrete=True)
        plant.block.add_component(f"unit_{kind}", block)
        if isinstance(offer, StorageOffer):
            _add_storage(plant, block, kind, offer)
        elif isinstance(offer, PvOffer):
            _add_pv(plant, block, offer)
        else:
            _add_converter(plant, block, kind, offer)


def _add_chp(plant: Plant, block: pyo.Block, spec: ChpType) -> None:
    """Add all units of a type together.

    `load_floor`, `load_ceiling`: load_min P online[k] <= power[k] <= P online[k] with a whole
    number of units online, `enough`: online[k] <= count. fuel = slope power + no_load online;
    heat = share ((1 - loss) fuel - power) - dump, where heat may be dumped. Equal units that are
    online can share their load equally, so nothing is lost by adding them up. Without a threshold
    and no-load fuel nobody needs to know who is online: power[k] <= P count.
    """
    slope, no_load = spec.fuel_line()
    rated, count = spec.power_kw, plant.counts[spec.name]
    share, left = spec.heat_recovered_share, 1.0 - spec.loss_share
    stepped = spec.load_min > 0.0 or abs(no_load) > 1e-9 * rated
    block.power = pyo.Var(plant.steps, bounds=(0.0, rated * spec.count_max))
    if stepped:
        block.online = pyo.Var(
            plant.steps, domain=pyo.NonNegativeIntegers, bounds=(0, spec.count_max)
        )
        block.load_floor = pyo.Constraint(
            plant.steps,
            rule=lambda b, k: b.power[k] >= spec.load_min * rated * b.online[k],
            doc="units that run carry at least their lowest load",
        )
        block.enough = pyo.Constraint(
            plant.steps, rule=lambda b, k: b.online[k] <= count, doc="no more run than there are"
        )
    block.load_ceiling = pyo.Constraint(
        plant.steps,
        rule=lambda b, k: b.power[k] <= rated * (b.online[k] if stepped else count),
        doc="units that run carry at most their rated power",
    )

    def fuel(k: int) -> object:
        return slope * block.power[k] + (no_load * block.online[k] if stepped else 0.0)

    def heat(k: int) -> object:
        """Return the heat in hour k, in kW: a share of what fuel leaves over, none dumped yet."""
        made = (share * (left * slope - 1.0)) * block.power[k]
        return made + (share * left * no_load) * block.online[k] if stepped else made

    plant.supply("electricity", lambda k: block.power[k])
    plant.supply("heat", heat)
    plant.supply("gas", lambda k: -1.0 * fuel(k))  # type: ignore[operator]
    plant.report[spec.name, "electricity", "generation_kw"] = lambda k: block.power[k]
    plant.report[spec.name, "gas", "consumption_kw"] = fuel
    if stepped:
        plant.report[spec.name, "electricity", "online"] = lambda k: block.online[k]
    plant.report[spec.name, "heat", "generation_kw"] = heat
    if spec.heat_dump_allowed:
        _add_dump(plant, block, spec.name, heat)
    plant.pay_energy("maintenance", lambda _k: spec.maintenance_per_kwh, lambda k: block.power[k])


def _add_dump(plant: Plant, block: pyo.Block, name: str, heat: Flow) -> None:
    """Let recovered heat be thrown away: dump[k] <= heat made."""
    block.dump = pyo.Var(plant.steps, bounds=(0.0, None))
    block.dump_limit = pyo.Constraint(
        plant.steps,
        rule=lambda b, k: b.dump[k] <= heat(k),
        doc="only recovered heat can be dumped",
    )
    plant.supply("heat", lambda k: -block.dump[k])
    plant.report[name, "heat", "dumped_kw"] = lambda k: block.dump[k]


def _add_converter(plant: Plant, block: pyo.Block, kind: str, offer: Sized) -> None:
    """Add a boiler, heat pump or chiller: output[k] <= size, input = output over efficiency."""
    size = plant.sizes[kind]
    output = "cooling" if kind in ("chiller", "absorption_chiller") else "heat"
    block.output = pyo.Var(plant.steps, bounds=(0.0, None))
    block.ceiling = pyo.Constraint(
        plant.steps, rule=lambda b, k: b.output[k] <= size, doc="output is at most the size"
    )
    plant.supply(output, lambda k: block.output[k])
    plant.report[kind, output, "generation_kw"] = lambda k: block.output[k]
    for carrier, per_output in _inputs(plant, kind, offer).items():
        _add_input(plant, block, kind, carrier, per_output)
    plant.pay_energy("maintenance", lambda _k: offer.maintenance_per_kwh, lambda k: block.output[k])


def _add_input(
    plant: Plant, block: pyo.Block, kind: str, carrier: str, per_output: list[float]
) -> None:
    plant.supply(carrier, lambda k: (-per_output[k]) * block.output[k])
    plant.report[kind, carrier, "consumption_kw"] = lambda k: per_output[k] * block.output[k]


def _inputs(plant: Plant, kind: str, offer: object) -> dict[str, list[float]]:
    """Return carrier -> input per output, by step."""
    n = len(plant.steps)
    if isinstance(offer, BoilerOffer):
        return {"gas": [1.0 / offer.eta] * n}
    if isinstance(offer, AbsorptionOffer):
        found = {"heat": [1.0 / offer.cop] * n}
        return found | ({"electricity": [offer.electricity_share] * n})
    return {"electricity": [1.0 / float(value) for value in plant.building.series[kind]]}


def _add_pv(plant: Plant, block: pyo.Block, offer: PvOffer) -> None:
    """Add photovoltaics: output[k] <= available[k] size; the rest is curtailed."""
    available, size = plant.building.series["pv"], plant.sizes["pv"]
    block.output = pyo.Var(plant.steps, bounds=(0.0, None))
    block.ceiling = pyo.Constraint(
        plant.steps,
        rule=lambda b, k: b.output[k] <= float(available[k]) * size,
        doc="output is at most what the sun gives",
    )
    plant.supply("electricity", lambda k: block.output[k])
    plant.report["pv", "electricity", "generation_kw"] = lambda k: block.output[k]
    plant.pay_energy("maintenance", lambda _k: offer.maintenance_per_kwh, lambda k: block.output[k])


def _add_storage(plant: Plant, block: pyo.Block, kind: str, offer: StorageOffer) -> None:
    """Add a storage that ends every day as it began.

    `content`: energy[k] = (1 - sigma) energy[k-1] + eta_c charge[k] - discharge[k] / eta_d, the
    first hour following the last of the same day. `charge_limit`, `discharge_limit`, `room`:
    powers and energy in proportion to the size. Charging and discharging at once is not forbidden
    here; `solve` looks for it and forbids it where it happens.
    """
    size = plant.sizes[kind]
    carrier = "electricity" if kind == "battery" else "heat"
    keep, eta_c, eta_d = 1.0 - offer.self_discharge_per_h, offer.eta_charge, offer.eta_discharge
    block.charge = pyo.Var(plant.steps, bounds=(0.0, None))
    block.discharge = pyo.Var(plant.steps, bounds=(0.0, None))
    block.energy = pyo.Var(plant.steps, bounds=(0.0, None))
    block.content = pyo.Constraint(
        plant.steps,
        rule=lambda b, k: (
            b.energy[k]
            == keep * b.energy[before(k)] + eta_c * b.charge[k] - (1.0 / eta_d) * b.discharge[k]
        ),
        doc="content follows from charging, discharging and standing losses",
    )
    block.charge_limit = pyo.Constraint(
        plant.steps,
        rule=lambda b, k: b.charge[k] <= offer.charge_max_per_h * size,
        doc="charging is limited by the size",
    )
    block.discharge_limit = pyo.Constraint(
        plant.steps,
        rule=lambda b, k: b.discharge[k] <= offer.discharge_max_per_h * size,
        doc="discharging is limited by the size",
    )
    block.room = pyo.Constraint(
        plant.steps, rule=lambda b, k: b.energy[k] <= size, doc="content is at most the size"
    )
    plant.supply(carrier, lambda k: block.discharge[k])
    plant.supply(carrier, lambda k: -block.charge[k])
    plant.report[kind, carrier, "charge_kw"] = lambda k: block.charge[k]
    plant.report[kind, carrier, "discharge_kw"] = lambda k: block.discharge[k]
    plant.report[kind, carrier, "state_of_charge_kwh"] = lambda k: block.energy[k]
    plant.pay_energy(
        "maintenance", lambda _k: offer.maintenance_per_kwh, lambda k: block.discharge[k]
    )
