from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.grids.heat import HeatGrid
from tests.support.heat import build


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., HeatGrid]:
    """Return `build` bound to a fresh folder."""

    def maker(net: Any, *args: Any, **kwargs: Any) -> HeatGrid:
        return build(net, tmp_path, *args, **kwargs)

    return maker
