from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.grids.electric import ElectricGrid
from tests.support.electric import build


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., ElectricGrid]:
    """Return `build` bound to a fresh folder."""

    def maker(net: Any, *args: Any, **kwargs: Any) -> ElectricGrid:
        return build(net, tmp_path, *args, **kwargs)

    return maker
