"""The market once the leader has announced its prices: followers answer, the leader delivers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from cosim.errors import SolveError
from cosim.market.agents import Split, split_followers
from cosim.market.compile import Compiled
from cosim.market.extras import Extra
from cosim.market.highs import Outcome
from cosim.market.layout import Functionals, TradeColumns
from cosim.market.leader_trade import SERVICE_FEE
from cosim.market.market import Market
from cosim.market.optimise import Effort, Optimiser
from cosim.market.participation import bounds_for
from cosim.market.program import BoolArray, Bounds
from cosim.records import CostTable, Schedule, read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.leader import Side
from cosim.scenario.participants import Carrier

SIDES: tuple[Side, ...] = ("buy", "sell")
TRADE_PREFIX = "leader_"
"""Before a carrier: cost component of what is paid at the announced prices."""
OWN_COST = 1e-5
"""Weight of the leader's own costs beside those of its followers: they choose among responses that
cost them the same, and only then."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the leader announces, by carrier and side.

    Attributes:
        prices: per kWh, shape (T,).
        offers: most that it trades at these prices in kW, shape (T,); none where it takes and
            gives whatever it can.
    """

    prices: Mapping[tuple[Carrier, Side], FloatArray]
    offers: Mapping[tuple[Carrier, Side], FloatArray] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        keys: Sequence[tuple[Carrier, Side]],
        values: FloatArray,
        steps: int,
        offers_kw: FloatArray | None = None,
    ) -> Announced:
        """Return prices and offers from one array each, side after side, shape (sides * T,)."""

        def by_key(flat: FloatArray) -> dict[tuple[Carrier, Side], FloatArray]:
            """Return the rows of a flat array by carrier and side, shape (steps,) each."""
            rows = np.asarray(flat, dtype=float).reshape(len(keys), steps)
            return {key: read_only(row) for key, row in zip(keys, rows, strict=True)}

        return cls(by_key(values), {} if offers_kw is None else by_key(offers_kw))

    @property
    def values(self) -> FloatArray:
        """All prices in one array, side after side, shape (sides * T,)."""
        return np.concatenate(list(self.prices.values()))


def price_keys(config: ScenarioConfig) -> tuple[tuple[Carrier, Side], ...]:
    """Return the carriers and sides that the leader has a price for; none without a leader."""
    leader = config.leader
    if leader is None:
        return ()
    return tuple(
        (c, side) for c, terms in leader.prices.items() for side in SIDES if terms.has(side)
    )


def led_columns(trade: TradeColumns, side: Side) -> IntArray:
    """Return a follower's columns at a side of the leader: it sells what comes in at followers."""
    return trade.led_in if side == "sell" else trade.led_out


def follower_trades(
    compiled: Compiled, carrier: Carrier, side: Side
) -> Iterator[tuple[str, IntArray]]:
    """Yield every follower that trades a carrier with the leader, and its columns."""
    for (party, of), trade in compiled.layout.trades.items():
        if of == carrier and party != compiled.layout.leader:
            columns = led_columns(trade, side)
            if len(columns):
                yield party, columns


class AnnouncedMarket(Market):
    """A market in which the leader's prices are given.

    What is minimised is the cost of everyone but the leader, payments to it and its fees included;
    that it can deliver is a constraint. Its own costs choose among equal answers, and it runs
    its plant as cheaply as these answers allow. `Schedule.cost` is the cost of everyone but the
    leader; the leader's row of the cost table is minus its profit.

    Attributes:
        announced: the prices.
        plain: the arrays without prices.
    """

    announced: Announced
    plain: Compiled

    @classmethod
    def of(cls, market: Market, announced: Announced) -> AnnouncedMarket:
        """Return a market of its own with the same cuts and loss lines, at these prices.

        Args:
            market: of a scenario with a leader; one with prices is given new ones.
            announced: a price for every carrier and side of the scenario.

        Raises:
            SolveError: if the market has no leader.
        """
        if market.compiled.layout.leader is None:
            raise SolveError("prices were announced in a market without a leader", reason="leader")
        plain = market.plain if isinstance(market, AnnouncedMarket) else market.compiled
        other: AnnouncedMarket = object.__new__(cls)
        state = market.__getstate__()
        state |= {"plain": plain, "announced": announced, "compiled": at_prices(plain, announced)}
        other.__setstate__(state)
        return other

    def _make_solvers(self) -> None:
        super()._make_solvers()
        program = replace(self.compiled.program, cost=operating_cost(self.plain))
        self._operation = Optimiser(program, self.scenario.config.solver)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the solvers."""
        state = super().__getstate__()
        state.pop("_operation", None)
        return state

    def under_networks(self, members: frozenset[str]) -> tuple[Bounds, list[Extra]]:
        """Return the same as a market without prices: what is offered bounds no other prices."""
        _, extras = super().under_networks(members)
        return bounds_for(self.plain, members, {}, self.loss_lines), extras

    def split(self, solved: Schedule) -> Split:
        """Return the followers' problem at these prices, cut into what each of them knows.

        What the leader delivers and takes in all, and its injections, are as in the schedule.
        """
        assert solved.solution is not None
        bounds, ties = self._bounds(solved.members, {}), tie_breaks(self.plain)
        return split_followers(self.compiled, bounds, self._extras(), ties, solved.solution)

    def _cost_of(self, costs: CostTable) -> float:
        return float(costs["total"].drop(index=self.compiled.layout.leader).sum())

    def _minimise(
        self, bounds: Bounds, extras: list[Extra], start: FloatArray | None, effort: Effort
    ) -> Outcome:
        """Find the followers' answer, how the leader delivers it, and the answer to that.

        Followers decide what they trade, not how the plant is run: left to them, it would run to
        save them losses. So with their answer fixed the leader runs it at least cost, losses
        counted. Then followers choose their trade with its devices held, which leaves its
        injection as it is; the leader runs it for that, and the others share anew.
        """
        answer = super()._minimise(bounds, extras, start, effort)
        layout = self.compiled.layout
        leads = layout.column_owner == layout.parties.index(str(layout.leader))
        network = layout.column_owner == layout.parties.index(NETWORK)
        devices = leads & ~self._trading
        found = answer
        for held in (devices, leads) if self.loss_lines else (leads,):
            run = self._again(self._operation.minimise, found, ~leads & ~network, bounds, extras)
            again = self._again(super()._minimise, run, held, bounds, extras)
            if again.x is None:
                break
            found = again
        return replace(found, bound=found.objective - (answer.objective - answer.bound))

    @property
    def _trading(self) -> BoolArray:
        """Columns of trade of the leader, boolean, shape (n,)."""
        layout = self.compiled.layout
        found = np.zeros(self.compiled.program.n, dtype=bool)
        for (party, _), trade in layout.trades.items():
            if party == layout.leader:
                for columns in (trade.buy, trade.sell, trade.led_in, trade.led_out):
                    found[columns] = True
        return found

    def _again(
        self,
        minimise: Callable[[Bounds, list[Extra], FloatArray | None, Effort], Outcome],
        found: Outcome,
        held: BoolArray,
        bounds: Bounds,
        extras: list[Extra],
    ) -> Outcome:
        """Solve again with some columns held at what was found; no solution comes of none."""
        if found.x is None:
            return found
        fixed = self._with_fixed(bounds, held, found.x)
        return minimise(fixed, extras, found.x[: self.compiled.program.n], "rounded")

    def _with_fixed(self, bounds: Bounds, which: BoolArray, x: FloatArray) -> Bounds:
        """Return bounds with some columns fixed at x, and rows of nothing else let go."""
        program = self.compiled.program
        col_lb, col_ub = bounds.col_lb.copy(), bounds.col_ub.copy()
        col_lb[which] = col_ub[which] = x[: program.n][which]
        row_lb, row_ub = bounds.row_lb.copy(), bounds.row_ub.copy()
        let_go = np.diff(program.matrix[:, ~which].tocsr().indptr) == 0
        row_lb[let_go], row_ub[let_go] = -np.inf, np.inf
        return Bounds(col_lb, col_ub, row_lb, row_ub)


def at_prices(plain: Compiled, announced: Announced) -> Compiled:
    """Return compiled arrays with payments at announced prices as costs and income.

    Cost component `leader_<carrier>`: step_h * (price * what comes in - price * what goes out) of
    every follower, and the negative of their sum at the leader. The program minimises the cost of
    everyone but the leader, and `OWN_COST` times the leader's.
    """
    parts = [plain.money, _payments(plain, announced)]
    money = Functionals(
        labels=tuple(label for part in parts for label in part.labels),
        starts=read_only(
            np.concatenate([plain.money.starts, plain.money.starts[-1] + parts[1].starts[1:]]),
            np.int64,
        ),
        matrix=sparse.csr_array(sparse.vstack([part.matrix for part in parts])),
        constant=read_only(np.concatenate([part.constant for part in parts])),
    )
    leader = plain.layout.leader
    weight = np.array([_weight(leader, label) for label in money.labels])
    program = replace(
        plain.program,
        cost=read_only(money.matrix.T @ weight + tie_breaks(plain)),
        offset=float(weight @ money.constant),
        bounds=_within_offers(plain, announced),
    )
    return replace(plain, program=program, money=money)


def _within_offers(plain: Compiled, announced: Announced) -> Bounds:
    """Return bounds in which the leader trades at most what it offers."""
    bounds, layout = plain.program.bounds, plain.layout
    col_ub = np.array(bounds.col_ub)
    for (carrier, side), offer_kw in announced.offers.items():
        own = layout.trades[str(layout.leader), carrier]
        columns = own.led_out if side == "sell" else own.led_in
        col_ub[columns] = np.minimum(col_ub[columns], offer_kw)
    return replace(bounds, col_ub=read_only(col_ub))


def own_cost(plain: Compiled) -> FloatArray:
    """Return the leader's own cost per column, without fees and payments, shape (n,)."""
    own = np.array([is_own_cost(plain.layout.leader, label) for label in plain.money.labels])
    cost: FloatArray = plain.money.matrix.T @ own.astype(float) + tie_breaks(plain)
    return cost


def operating_cost(plain: Compiled) -> FloatArray:
    """Return the leader's own cost per column with that of the network account, shape (n,)."""
    network = np.array([float(label[0] == NETWORK) for label in plain.money.labels])
    cost: FloatArray = own_cost(plain) + plain.money.matrix.T @ network
    return cost


def tie_breaks(plain: Compiled) -> FloatArray:
    """Return what columns cost in the objective but in no account, shape (n,)."""
    money = np.asarray(plain.money.matrix.sum(axis=0)).ravel()
    ties: FloatArray = plain.program.cost - money
    return ties


def is_own_cost(leader: str | None, label: tuple[str, ...]) -> bool:
    """Return whether a row of money is the leader's own cost: no fee and no payment to it."""
    party, component = label[0], label[1]
    return party == leader and component != SERVICE_FEE and not component.startswith(TRADE_PREFIX)


def _weight(leader: str | None, label: tuple[str, ...]) -> float:
    """Return the weight of a row of money in the followers' objective."""
    if label[0] != leader:
        return 1.0
    return OWN_COST if is_own_cost(leader, label) else 0.0


def _payments(plain: Compiled, announced: Announced) -> Functionals:
    """Return payments at announced prices, labelled (party, leader_<carrier>), 1 row each."""
    layout, n = plain.layout, plain.program.n
    rows: dict[tuple[str, str], FloatArray] = {}
    for (carrier, side), price in announced.prices.items():
        sign = 1.0 if side == "sell" else -1.0
        for party, columns in follower_trades(plain, carrier, side):
            for name, way in ((party, 1.0), (str(layout.leader), -1.0)):
                row = rows.setdefault((name, f"{TRADE_PREFIX}{carrier}"), np.zeros(n))
                row[columns] += way * sign * layout.step_h * price
    return Functionals(
        labels=tuple(rows),
        starts=read_only(np.arange(len(rows) + 1), np.int64),
        matrix=sparse.csr_array(np.array(list(rows.values())).reshape(len(rows), n)),
        constant=read_only(np.zeros(len(rows))),
    )
