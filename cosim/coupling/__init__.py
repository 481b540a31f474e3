"""The loop between market and networks, its feedback and its verdict."""

from cosim.coupling.loop import Case, Loop
from cosim.coupling.networks import Networks, Verification
from cosim.coupling.outcome import Cause, Coupled, Iteration

__all__ = ["Case", "Cause", "Coupled", "Iteration", "Loop", "Networks", "Verification"]
