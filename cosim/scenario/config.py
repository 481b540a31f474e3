"""The scenario file as it is written: one model per section, no numbers resolved yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from cosim.scenario.bargaining import (
    BARGAINING_METHODS,
    AllocationMethod,
    Bargaining,
    LossRule,
    PowerRule,
)
from cosim.scenario.base import Strict
from cosim.scenario.carbon import Carbon, CarbonTrading, Quota
from cosim.scenario.design import Design
from cosim.scenario.horizon import HorizonSection
from cosim.scenario.leader import Leader
from cosim.scenario.networks import Fraction, Network, Positive
from cosim.scenario.participants import Carrier, Participant
from cosim.scenario.sharing import Link, Sharing, SystemOperator
from cosim.scenario.tariffs import PeakCharge, Tariff
from cosim.scenario.verification import VerificationSection
from cosim.scenario.weather import WeatherSection


class TimeSection(Strict):
    """The steps of the study."""

    start: datetime
    """Start of the first step, local time of `timezone` unless it carries an offset."""
    steps: Annotated[int, Field(ge=1)]
    step_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    timezone: str = "Europe/Berlin"


class CouplingSection(Strict):
    """The loop between market and networks."""

    max_iterations: Annotated[int, Field(ge=1)] = 25
    margin: Annotated[float, Field(ge=0.0, le=0.2)] = 0.005
    """Cuts lie inside limits by this share of what the quantity can vary over (docs/method.md);
    checks are made at the limit."""
    balance_tolerance: Positive = 1e-3
    """Largest mismatch of losses between market and physics, as a share of throughput."""
    refresh_tolerance: Positive = 5e-4
    """Conservative cuts are linearised again until the cost falls by less than this share."""
    max_refreshes: Annotated[int, Field(ge=0)] = 3
    unmet_price_per_kwh: Positive = 100.0
    """Price of missing a network limit by 1 kWh-equivalent; far above every energy price, so a
    limit is only missed where no schedule can keep it."""


class SolverSection(Strict):
    """HiGHS."""

    mip_gap: Annotated[float, Field(gt=0.0, lt=1.0)] = 1e-4
    time_limit_s: Positive = 120.0
    """Per solve."""
    coalition_time_limit_s: Annotated[float, Field(ge=0.0)] = 2.0
    """Per solve of a coalition whose rounded binaries leave a gap above `mip_gap`; 0 keeps what
    rounding gave. Gaps are in coalitions.parquet."""
    threads: Annotated[int, Field(ge=1)] = 1


class ScenarioConfig(Strict):
    """A whole scenario file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    description: str = ""
    currency: str = "EUR"
    time: TimeSection
    horizon: HorizonSection | None = None
    """Windows for long horizons; the whole horizon at once if missing."""
    profiles: tuple[str, ...] = ()
    """CSV or Parquet files with a column `time` and one column per profile."""
    weather: WeatherSection | None = None
    """Irradiance, temperatures and wind for devices that follow the weather; none if missing."""
    networks: Mapping[str, Network] = {}
    tariffs: Mapping[Carrier, Tariff]
    carbon: Carbon = Carbon()
    sharing: Mapping[Carrier, Sharing] = {"electricity": Sharing(), "heat": Sharing()}
    system_operator: SystemOperator = SystemOperator()
    participants: Annotated[Mapping[str, Participant], Field(min_length=1)]
    leader: Leader | None = None
    """A participant who sets prices for the others; none if missing."""
    bargaining: Bargaining = Bargaining()
    design: Design | None = None
    """Design mode: what may be bought and laid; only operation where missing."""
    coupling: CouplingSection = CouplingSection()
    verification: VerificationSection = VerificationSection()
    solver: SolverSection = SolverSection()

    @property
    def leads(self) -> str | None:
        """The participant that sets prices for the others; None without a leader."""
        return None if self.leader is None else self.leader.participant

    @property
    def followers(self) -> tuple[str, ...]:
        """Every participant but the leader, in the order of the file."""
        return tuple(name for name in self.participants if name != self.leads)

    @model_validator(mode="after")
    def _one_network_per_kind(self) -> ScenarioConfig:
        kinds = [network.kind for network in self.networks.values()]
        double = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        if double:
            raise ValueError(f"more than one {double[0]} network; give one network per kind")
        return self


CARRIER_OF_KIND: Mapping[str, Carrier] = {
    "electric": "electricity",
    "heat": "heat",
    "cooling": "cooling",
    "gas": "gas",
}

__all__ = [
    "BARGAINING_METHODS",
    "CARRIER_OF_KIND",
    "AllocationMethod",
    "Bargaining",
    "Carbon",
    "CarbonTrading",
    "CouplingSection",
    "Fraction",
    "HorizonSection",
    "Link",
    "LossRule",
    "PeakCharge",
    "PowerRule",
    "Quota",
    "ScenarioConfig",
    "Sharing",
    "SolverSection",
    "SystemOperator",
    "Tariff",
    "TimeSection",
]
