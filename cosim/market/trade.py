"""How one party trades one carrier: with its utility, through the pool, by contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyomo.environ as pyo

from cosim.market.bilateral import add_contracts
from cosim.market.leader_trade import Led, add_led_trade
from cosim.market.tariffs import Prices
from cosim.scenario.participants import Carrier


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a party trades a carrier.

    Attributes:
        carrier: what is traded.
        prices: of the utility.
        import_max_kw: most that may be drawn from outside the party.
        export_max_kw: most that may be delivered to outside.
        form: how the carrier is shared.
        fee_per_kwh: management fee on shared energy, on each side.
        grid_fee_per_kwh: grid fee and levies on shared energy that is received.
        partners: whom it may have contracts with: most that it gives and takes in kW.
        disposal: surplus may be given away for nothing where the utility pays nothing.
        gives: it may give to others.
        led: how it trades with a leader, or as one; None without.
        utility: there is a utility to buy from.
    """

    carrier: Carrier
    prices: Prices
    import_max_kw: float
    export_max_kw: float
    form: Literal["pool", "bilateral", "none"]
    fee_per_kwh: float
    disposal: bool = False
    gives: bool = True
    grid_fee_per_kwh: float = 0.0
    partners: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    led: Led | None = None
    utility: bool = True

    @property
    def shared(self) -> bool:
        """True if the carrier goes from party to party."""
        return self.form != "none"


def add_trade(block: pyo.Block, terms: Terms, steps: range) -> None:
    """Add the trade variables of one carrier to a party's block.

    Without a utility buy is 0 and sell does not exist.

    0 <= buy, share_in <= import_max and 0 <= sell, share_out <= export_max (variable bounds);
    `import_limit`: buy[t] + share_in[t] + led_in[t] <= import_max; `export_limit`: sell[t] +
    share_out[t] + led_out[t] <= export_max. sell exists where the utility pays for it (or takes it
    for nothing), the share variables where the carrier is shared. They are closed for everyone who
    does not take part by their bounds in the compiled model. Shared energy by contracts: see
    `bilateral.add_contracts`; trade with a leader: see `leader_trade.add_led_trade`.
    """
    sells = terms.utility and (terms.prices.sell is not None or terms.disposal)
    out_steps = steps if sells else ()
    share_steps = steps if terms.shared else ()
    block.buy = pyo.Var(steps, bounds=(0.0, terms.import_max_kw if terms.utility else 0.0))
    block.sell = pyo.Var(out_steps, bounds=(0.0, terms.export_max_kw))
    block.share_in = pyo.Var(share_steps, bounds=(0.0, terms.import_max_kw))
    given_max_kw = terms.export_max_kw if terms.gives else 0.0
    block.share_out = pyo.Var(share_steps, bounds=(0.0, given_max_kw))
    add_led_trade(block, terms.led, steps)
    into = [var for var in (block.buy, block.share_in, block.led_in) if len(var)]
    out = [var for var in (block.sell, block.share_out, block.led_out) if len(var)]
    if len(into) > 1 and terms.import_max_kw < float("inf"):
        block.import_limit = pyo.Constraint(
            steps,
            rule=lambda _, t: pyo.quicksum(var[t] for var in into) <= terms.import_max_kw,
            doc="contracted power, bought, shared and traded together",
        )
    if len(out) > 1 and terms.export_max_kw < float("inf"):
        block.export_limit = pyo.Constraint(
            steps,
            rule=lambda _, t: pyo.quicksum(var[t] for var in out) <= terms.export_max_kw,
            doc="most that may be fed in, sold, shared and traded together",
        )
    if terms.form == "bilateral":
        add_contracts(block, terms.partners, steps)


def net_import(block: pyo.Block, t: int) -> list[Any]:
    """Return the terms of buy + share_in + led_in - sell - share_out - led_out at step t, kW."""
    terms = [block.buy[t]]
    if t in block.sell:
        terms.append(-block.sell[t])
    if t in block.share_in:
        terms.append(block.share_in[t])
        terms.append(-block.share_out[t])
    if t in block.led_in:
        terms.append(block.led_in[t])
    if t in block.led_out:
        terms.append(-block.led_out[t])
    return terms


def trade_costs(block: pyo.Block, terms: Terms, steps: range, step_h: float) -> dict[str, Any]:
    """Return what a party pays for trading one carrier, per component, in currency.

    `<carrier>_purchase` = sum of buy price * buy * step_h, `<carrier>_sales` its income (negative),
    `co2_tax` on what is bought, `management_fee` = fee * (share_in + share_out) * step_h,
    `grid_fee` = grid fee * share_in * step_h.
    """
    prices, name = terms.prices, terms.carrier
    costs: dict[str, Any] = {f"{name}_purchase": _money(block.buy, prices.buy, steps, step_h)}
    if prices.sell is not None and len(block.sell):
        costs[f"{name}_sales"] = _money(block.sell, -prices.sell, steps, step_h)
    if prices.co2_tax.any():
        costs["co2_tax"] = _money(block.buy, prices.co2_tax, steps, step_h)
    if terms.shared and terms.fee_per_kwh > 0.0:
        fee = terms.fee_per_kwh * step_h
        costs["management_fee"] = pyo.quicksum(
            fee * block.share_in[t] + fee * block.share_out[t] for t in steps
        )
    if terms.shared and terms.grid_fee_per_kwh > 0.0:
        fee = terms.grid_fee_per_kwh * step_h
        costs["grid_fee"] = pyo.quicksum(fee * block.share_in[t] for t in steps)
    return costs


def _money(power: pyo.Var, price: Any, steps: range, step_h: float) -> Any:
    return pyo.quicksum(step_h * float(price[t]) * power[t] for t in steps)
