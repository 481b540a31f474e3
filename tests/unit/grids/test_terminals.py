from pathlib import Path

import numpy as np
import pytest

from cosim.errors import GridError
from cosim.grids.terminals import check_points, some, terminal_points
from cosim.records import Background, NetworkInputs, Point, Terminal
from tests.support.electric import axis

TERMINALS = (
    Terminal("school", (Point(4, 0.25), Point(7, 0.75))),
    Terminal("plant", (), at_slack=True),
    Terminal("home", (Point(4, 1.0),)),
)


def test_points_are_laid_out_terminal_by_terminal():
    points = terminal_points(TERMINALS)
    assert points.names == ("school", "plant", "home")
    assert points.labels == ["school", "school", "home"]
    assert points.id.tolist() == [4, 7, 4]
    assert points.of(2).tolist() == [2]
    assert points.of(1).size == 0


def test_power_is_spread_by_share_and_gathered_at_nodes():
    points = terminal_points(TERMINALS)
    values = np.array([[8.0, 100.0, 1.0], [-4.0, 0.0, 2.0]])
    assert points.spread(values).tolist() == [[2.0, 6.0, 1.0], [-1.0, -3.0, 2.0]]
    nodes = points.at_nodes(np.array([1, 0, 1]), 3)
    assert (nodes @ values.T).T.tolist() == [[6.0, 3.0, 0.0], [-3.0, 1.0, 0.0]]


def test_missing_elements_are_named():
    inputs = NetworkInputs(
        "electric", "electric", Path("town.json"), axis(1), TERMINALS, Background(), None
    )
    check_points(inputs, [4, 7], "bus")
    with pytest.raises(GridError, match=r"town\.json: no bus 7"):
        check_points(inputs, [4], "bus")
    assert some([1, 2, 3, 4, 5, 6, 7]) == "1, 2, 3, 4, 5 and 2 more"
