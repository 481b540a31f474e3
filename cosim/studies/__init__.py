"""Many runs of one scenario: sweeps, Monte Carlo, hosting capacity."""

from __future__ import annotations

from cosim.studies.runner import StudyResult, study

__all__ = ["StudyResult", "study"]
