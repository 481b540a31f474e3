"""Leader-follower games written down by hand, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from cosim.market.leader.problem import Follower, LeaderProblem, no_price_rows
from cosim.market.program import Bounds, Program


@dataclass
class Sheet:
    """Columns and rows of a program, one by one."""

    lb: list[float] = field(default_factory=list)
    ub: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    rows: list[dict[int, float]] = field(default_factory=list)
    row_lb: list[float] = field(default_factory=list)
    row_ub: list[float] = field(default_factory=list)
    priced: list[tuple[int, int, float]] = field(default_factory=list)
    fees: dict[int, float] = field(default_factory=dict)
    linked: list[tuple[int, int, float]] = field(default_factory=list)

    def col(self, lb=0.0, ub=np.inf, cost=0.0, integer=False) -> int:
        self.lb.append(lb)
        self.ub.append(ub)
        self.cost.append(cost)
        self.integer.append(integer)
        return len(self.lb) - 1

    def row(self, entries: dict[int, float], lb=-np.inf, ub=np.inf) -> int:
        self.rows.append(entries)
        self.row_lb.append(lb)
        self.row_ub.append(ub)
        return len(self.rows) - 1

    def program(self) -> Program:
        where = [(i, j, v) for i, row in enumerate(self.rows) for j, v in row.items()]
        return Program(
            matrix=_matrix(where, (len(self.rows), len(self.lb))),
            bounds=Bounds(
                *(np.array(v, float) for v in (self.lb, self.ub, self.row_lb, self.row_ub))
            ),
            cost=np.array(self.cost, float),
            offset=0.0,
            integer=np.array(self.integer, bool),
        )

    def follower(self, name: str, n_prices: int, leader_rows: int) -> Follower:
        program = self.program()
        fees = np.zeros(program.n)
        for j, fee in self.fees.items():
            fees[j] = fee
        return Follower(
            name,
            program,
            _matrix(self.priced, (n_prices, program.n)),
            fees,
            _matrix(self.linked, (leader_rows, program.n)),
        )


def _matrix(where, shape) -> sparse.csr_array:
    i, j, v = zip(*where, strict=True) if where else ((), (), ())
    return sparse.csr_array(sparse.coo_array((np.array(v, float), (i, j)), shape=shape))


def game(
    leader: Sheet, followers: list[tuple[str, Sheet]], lb, ub, rows=None, price_step=None
) -> LeaderProblem:
    """Put a game together; `rows` are (G, g)."""
    lb, ub = np.asarray(lb, float), np.asarray(ub, float)
    matrix, right = rows if rows is not None else no_price_rows(len(lb))
    program = leader.program()
    return LeaderProblem(
        leader=program,
        followers=tuple(s.follower(name, len(lb), program.m) for name, s in followers),
        price_lb=lb,
        price_ub=ub,
        price_rows=matrix,
        price_row_ub=right,
        price_step=price_step,
    )


def linear_demand(segments: int = 1000, cap: float = 1.2) -> LeaderProblem:
    """Follower demands q = (a - p) / b, leader supplies at c: p = .75, q = 450, profit 202.5.

    Segments of equal width at the marginal value of their end: the staircase touches the line at
    its corners, so the answer is exact where 450 (or 500) is one of them.
    """
    a, b, c = 1.2, 0.001, 0.3
    follower, leader = Sheet(), Sheet()
    supply = leader.col(cost=c)
    row = leader.row({supply: 1.0}, 0.0, 0.0)
    width = a / b / segments
    for k in range(segments):
        j = follower.col(ub=width, cost=-(a - b * width * (k + 1)))
        follower.priced.append((0, j, 1.0))
        follower.linked.append((row, j, -1.0))
    return game(leader, [("demand", follower)], [0.0], [cap])


def microgrids(
    steps: int = 24,
    members: int = 3,
    seed: int = 1,
    together: bool = True,
    commitment: bool = False,
    battery_kwh: float = 0.0,
) -> LeaderProblem:
    """Microgrids of about ten devices, and a storage operator in between.

    Prices: electricity buy, sell, heat buy, sell and hydrogen sell per step. With `commitment` the
    gas turbines have an on/off binary and a least load. Loads can be shifted over the day; with
    `battery_kwh` every microgrid has a battery too.
    """
    rng = np.random.default_rng(seed)
    hour = np.arange(steps) % 24
    tou = np.where((hour >= 10) & (hour < 15) | (hour >= 18) & (hour < 21), 1.2, 0.8)
    tou = np.where((hour < 7) | (hour >= 23), 0.4, tou)
    leader, balances = _storage_operator(steps, tou)
    sheets = [Sheet() for _ in range(1 if together else members)]
    shares: list[list[list[int]]] = []
    for k in range(members):
        sheet = sheets[0 if together else k]
        shares.append(_microgrid(sheet, k, steps, tou, balances, rng, commitment, battery_kwh))
    if together:
        for carrier in range(2):
            for t in range(steps):
                sheets[0].row({shares[k][carrier][t]: 1.0 for k in range(members)}, 0.0, 0.0)
    else:
        for k, sheet in enumerate(sheets):
            for columns in shares[k]:
                for j in columns:
                    sheet.lb[j] = sheet.ub[j] = 0.0
    n = 5 * steps
    lb = np.concatenate([np.full(steps, v) for v in (0.2, 0.3, 0.1, 0.2, 0.5)])
    ub = np.concatenate([tou, tou, *(np.full(steps, v) for v in (0.5, 0.5, 2.0))])
    spread = np.zeros((2 * steps, n))
    for t in range(steps):
        spread[t, [t, steps + t]] = 1.0, -1.0
        spread[steps + t, [2 * steps + t, 3 * steps + t]] = 1.0, -1.0
    rows = (sparse.csr_array(spread), np.zeros(2 * steps))
    names = [(f"mg{k + 1}", s) for k, s in enumerate(sheets)]
    return game(leader, names, lb, ub, rows, price_step=np.tile(np.arange(steps), 5))


def _storage_operator(steps: int, tou) -> tuple[Sheet, list[list[int]]]:
    """Return the operator's columns and its balance rows of electricity, heat and hydrogen."""
    s = Sheet()
    rows: list[list[dict[int, float]]] = [[{} for _ in range(steps)] for _ in range(3)]
    for carrier, (energy, power, keep) in enumerate(
        [(4000.0, 1200.0, 0.999), (5000.0, 1500.0, 0.98), (3000.0, 1000.0, 1.0)]
    ):
        levels = [s.col(ub=energy) for _ in range(steps)]
        for t in range(steps):
            charge, discharge = s.col(ub=power, cost=0.01), s.col(ub=power, cost=0.01)
            before = levels[t - 1]
            s.row({levels[t]: 1.0, before: -keep, charge: -0.95, discharge: 1 / 0.95}, 0.0, 0.0)
            rows[carrier][t] |= {charge: -1.0, discharge: 1.0}
    for t in range(steps):
        electrolyser, cell = s.col(ub=800.0, cost=0.01), s.col(ub=400.0, cost=0.01)
        imports, exports = s.col(ub=3000.0, cost=tou[t]), s.col(ub=3000.0, cost=-0.25)
        waste = s.col(ub=3000.0)
        rows[0][t] |= {electrolyser: -1.0, cell: 0.5, imports: 1.0, exports: -1.0}
        rows[1][t] |= {electrolyser: 0.2, cell: 0.4, waste: -1.0}
        rows[2][t] |= {electrolyser: 0.65, cell: -1.0}
    return s, [[s.row(entries, 0.0, 0.0) for entries in carrier] for carrier in rows]


def _microgrid(
    s: Sheet, k: int, steps: int, tou, balances, rng, commitment, battery
) -> list[list[int]]:
    """Add one microgrid; returns its shared flows of electricity and heat, into the pool."""
    hour = np.arange(steps) % 24
    load = 900 + 500 * np.sin((hour - 9) / 24 * 2 * np.pi) + 60 * rng.standard_normal(steps)
    heat = 1000 + 400 * np.cos((hour - 3) / 24 * 2 * np.pi) + 60 * rng.standard_normal(steps)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, 1) * (1200 + 400 * k)
    wind = (600 + 300 * rng.random(steps)) * (k < 2)
    scale = 1 + 0.15 * k
    electric: list[dict[int, float]] = []
    thermal: list[dict[int, float]] = []
    ups, downs, out_e, out_h = [], [], [], []
    level = [s.col(ub=battery) for _ in range(steps)]
    for t in range(steps):
        e, h, g, h2 = {}, {}, {}, {}
        imports, exports = s.col(ub=4000.0, cost=tou[t]), s.col(ub=4000.0, cost=-0.2)
        e |= {imports: 1.0, exports: -1.0}
        e[s.col(ub=max(sun[t], 0))] = 1.0
        e[s.col(ub=wind[t])] = 1.0
        turbine = s.col(ub=2000.0 * scale, cost=0.02)
        g[turbine] = -1.0
        e[turbine] = 0.34 + 0.01 * k
        h[turbine] = 0.42
        if commitment:
            on = s.col(ub=1.0, cost=15.0, integer=True)
            s.row({turbine: 1.0, on: -2000.0 * scale}, -np.inf, 0.0)
            s.row({turbine: 1.0, on: -800.0 * scale}, 0.0, np.inf)
        boiler = s.col(ub=1500.0, cost=0.01)
        g[boiler], h[boiler] = -1.0, 0.88
        pump = s.col(ub=250.0, cost=0.01)
        e[pump], h[pump] = -1.0, 2.8
        electric_boiler = s.col(ub=400.0)
        e[electric_boiler], h[electric_boiler] = -1.0, 0.97
        blend = s.col(ub=200.0)
        h2[blend], h[blend] = -1.0, 0.9
        reactor = s.col(ub=150.0, cost=0.02)
        h2[reactor], g[reactor] = -1.0, 0.8
        gas = s.col(ub=8000.0, cost=0.33)
        g[gas] = 1.0
        cut = s.col(ub=0.1 * heat[t], cost=0.3)
        h[cut] = 1.0
        dump = s.col(ub=500.0)
        h[dump] = -1.0
        up, down = s.col(ub=0.2 * load[t], cost=0.01), s.col(ub=0.2 * load[t], cost=0.01)
        e |= {up: -1.0, down: 1.0}
        ups.append(up)
        downs.append(down)
        charge, discharge = s.col(ub=200.0, cost=0.005), s.col(ub=200.0, cost=0.005)
        e |= {charge: -1.0, discharge: 1.0}
        s.row({level[t]: 1, level[t - 1]: -0.995, charge: -0.95, discharge: 1 / 0.95}, 0.0, 0.0)
        for number, (side, balance) in enumerate(
            [(-1.0, e), (1.0, e), (-1.0, h), (1.0, h), (1.0, h2)]
        ):
            trade = s.col(ub=2000.0, cost=0.01)
            balance[trade] = side
            s.priced.append((number * steps + t, trade, side))
            s.fees[trade] = 0.01
            s.linked.append((balances[number // 2][t], trade, -side))
        shared = [s.col(lb=-np.inf) for _ in range(2)]
        e[shared[0]], h[shared[1]] = -1.0, -1.0
        out_e.append(shared[0])
        out_h.append(shared[1])
        electric.append(e)
        thermal.append(h)
        s.row(g, 0.0, 0.0)
        s.row(h2, 0.0, 0.0)
    for t in range(steps):
        s.row(electric[t], load[t], load[t])
        s.row(thermal[t], heat[t], heat[t])
    s.row(dict.fromkeys(ups, 1.0) | dict.fromkeys(downs, -1.0), 0.0, 0.0)
    return [out_e, out_h]
