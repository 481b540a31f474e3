"""Where things are in the compiled model: plain arrays of columns and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scipy import sparse

from cosim.market.account import Charge
from cosim.market.carbon_ladder import Ladder
from cosim.market.tariffs import Prices
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.participants import Carrier


@dataclass(frozen=True, slots=True)
class TradeColumns:
    """Columns of one party's trade in one carrier, shape (T,) each, empty where there is none.

    Attributes:
        buy: from the utility.
        sell: to the utility.
        share_in: taken from others.
        share_out: given to others.
        led_in: from the leader; of the leader, from its followers.
        led_out: to the leader; of the leader, to its followers.
        prices: of the party's utility.
    """

    buy: IntArray
    sell: IntArray
    share_in: IntArray
    share_out: IntArray
    led_in: IntArray
    led_out: IntArray
    prices: Prices


@dataclass(frozen=True, slots=True)
class ContractColumns:
    """Contracts of one carrier that is shared bilaterally.

    Attributes:
        giver: of each contract, length n; both directions of a link are contracts, but the
            network account gives nothing.
        taker: of each contract, length n.
        give: the giver's columns, shape (n, T).
        take: the taker's columns, shape (n, T).
        rows: that make the two equal, shape (n, T).
    """

    giver: tuple[str, ...]
    taker: tuple[str, ...]
    give: IntArray
    take: IntArray
    rows: IntArray


@dataclass(frozen=True, slots=True)
class PeakColumn:
    """The column that pays for the highest import of some steps.

    Attributes:
        party: whose it is.
        carrier: of the capacity charge.
        rise: column, kW above `floor_kw` and above earlier parts of the same billing period.
        earlier: columns of those parts.
        steps: at which the peak counts.
        floor_kw: highest import of the billing period before the window.
    """

    party: str
    carrier: Carrier
    rise: int
    earlier: tuple[int, ...]
    steps: IntArray
    floor_kw: float


@dataclass(frozen=True, slots=True)
class LadderColumns:
    """The columns of one ladder of CO2 prices; intervals in their order, shape (K,).

    Attributes:
        ladder: the prices.
        above: t in each interval above the quota.
        below: t in each interval below it.
        above_used: binaries of the intervals; empty where the order needs none.
        below_used: the same.
    """

    ladder: Ladder
    above: IntArray
    below: IntArray
    above_used: IntArray
    below_used: IntArray


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The rows of one named constraint.

    Attributes:
        party: whose it is.
        rows: shape (k,).
        steps: step of each row; the last one that it reaches where it spans several, shape (k,).
        doc: what it says, in a sentence.
        per_step: true for one row (or the same number of rows) at every step.
    """

    party: str
    rows: IntArray
    steps: IntArray
    doc: str
    per_step: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions in the compiled model.

    Attributes:
        parties: participants, then the network account, in the numbering of the owners.
        steps: T.
        step_h: length of a step in hours.
        column_owner: number of the party that owns a column, shape (n,).
        column_step: step that a column belongs to, shape (n,); -1 for those of no single step.
        row_owner: number of the party that owns a row, shape (m,); -1 for rows that link parties.
        trades: columns per party and carrier.
        balances: rows of every party's balance per carrier, shape (T,).
        pools: rows of every pool, shape (T,).
        carriers: network -> carrier.
        terminals: network -> names, length n.
        p_columns: network -> columns of active power, heat or gas, shape (T, n).
        q_columns: network -> columns of reactive power, shape (T, n); -1 where there is none.
        definitions: network -> rows that define p, shape (T, n).
        charged: (network, loss or auxiliary) -> columns, shape (T,).
        charges: the same with carrier and baseline.
        demand_kw: (party, carrier) -> inflexible demand, shape (T,).
        background_kw: (party, carrier) -> demand of background customers it supplies, shape (T,).
        prices: of the utilities, for whoever has no tariff of its own.
        constraints: full name of every constraint that belongs to a party -> its rows.
        contracts: carriers that are shared by contracts.
        peaks: capacity charges, parts of a billing period in their order.
        ladders: prices of CO2 that grow, in the order of the rows of `Compiled.traded`.
        leader: who sets prices for the others; None without.
        delivered: rows that link what the leader sells to its followers, shape (T,).
        received: rows that link what it buys from them, shape (T,).
    """

    parties: tuple[str, ...]
    steps: int
    step_h: float
    column_owner: IntArray
    column_step: IntArray
    row_owner: IntArray
    trades: Mapping[tuple[str, Carrier], TradeColumns]
    balances: Mapping[tuple[str, Carrier], IntArray]
    pools: Mapping[Carrier, IntArray]
    carriers: Mapping[str, Carrier]
    terminals: Mapping[str, tuple[str, ...]]
    p_columns: Mapping[str, IntArray]
    q_columns: Mapping[str, IntArray]
    definitions: Mapping[str, IntArray]
    charged: Mapping[tuple[str, str], IntArray]
    charges: tuple[Charge, ...]
    demand_kw: Mapping[tuple[str, Carrier], FloatArray]
    background_kw: Mapping[tuple[str, Carrier], FloatArray]
    prices: Mapping[Carrier, Prices]
    constraints: Mapping[str, RowGroup]
    contracts: Mapping[Carrier, ContractColumns]
    peaks: tuple[PeakColumn, ...]
    ladders: tuple[LadderColumns, ...]
    leader: str | None = None
    delivered: Mapping[Carrier, IntArray] = field(default_factory=dict)
    received: Mapping[Carrier, IntArray] = field(default_factory=dict)

    @property
    def leader_links(self) -> list[IntArray]:
        """Rows between the leader and its followers, per carrier and direction."""
        return [*self.delivered.values(), *self.received.values()]


@dataclass(frozen=True, slots=True)
class Functionals:
    """Labelled groups of linear functions of the columns: value = matrix @ x + constant.

    Attributes:
        labels: one per group.
        starts: first row of each group, and the number of rows at the end.
        matrix: shape (rows, n).
        constant: shape (rows,).
    """

    labels: tuple[tuple[str, ...], ...]
    starts: IntArray
    matrix: sparse.csr_array
    constant: FloatArray

    def values(self, x: FloatArray) -> FloatArray:
        """Return all rows at the column values x."""
        result: FloatArray = self.matrix @ x + self.constant
        return result

    def groups(self, x: FloatArray) -> Iterator[tuple[tuple[str, ...], FloatArray]]:
        """Yield every label with the values of its rows."""
        values = self.values(x)
        for k, label in enumerate(self.labels):
            yield label, values[self.starts[k] : self.starts[k + 1]]
