from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.grids.gas import GasGrid
from tests.support.gas import build


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., GasGrid]:
    """Return `build` bound to a fresh folder."""

    def maker(net: Any, *args: Any, **kwargs: Any) -> GasGrid:
        return build(net, tmp_path, *args, **kwargs)

    return maker
