"""What can be traded, stored and consumed."""

from __future__ import annotations

from typing import Literal

Carrier = Literal["electricity", "heat", "cooling", "hydrogen", "gas"]
CARRIERS: tuple[Carrier, ...] = ("electricity", "heat", "cooling", "hydrogen", "gas")
