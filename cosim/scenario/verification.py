"""The `verification` section: what is re-run in pandapower and pandapipes, and how long runs go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.scenario.base import Strict


class VerificationSection(Strict):
    """How far batch kernels are trusted: never alone.

    In every round some steps are evaluated again in pandapower and pandapipes and compared with
    the kernels; a network whose kernel misses a gate is left to the reference for the rest of the
    run.
    """

    sample_steps: Annotated[int, Field(ge=0)] = 1
    """Steps drawn at random per network and round; 50 where `final` or `--reference` is `sample`
    and this is not given."""
    near_limit: Annotated[float, Field(ge=0.0, le=1.0)] = 0.001
    """Every step is re-run where something is closer to its limit than this share of the bound
    (of the distance from nominal voltage; of 10 K for temperatures)."""
    worst_per_limit: Annotated[int, Field(ge=0)] = 1
    """Steps re-run per limit type where it is closest, if closer than 5 %."""
    odd_steps: Annotated[int, Field(ge=0)] = 1
    """Steps re-run of each kind that kernels find hard: reversed flow, load below 5 % of the
    highest, a large residual of the energy balance, no state at all."""
    final: Literal["all", "sample"] = "all"
    """The final dispatch is re-run at all steps, or at a sample by the same rules."""
    chunk_steps: Annotated[int, Field(ge=1)] | None = None
    """Steps that are verified and written together in long verifications; 672 with kernels and 96
    in pandapower and pandapipes if missing."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the random steps."""

    @property
    def final_sample_steps(self) -> int:
        """Random steps of a final verification by sample."""
        return self.sample_steps if "sample_steps" in self.model_fields_set else 50
