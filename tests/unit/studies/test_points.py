"""Tasks of a study: order, common random numbers, distributions."""

import numpy as np
import pytest
from scipy import stats

from cosim.studies.points import numbers, points_of
from cosim.studies.spec import StudySpec

BASE = {"name": "s", "base": "x"}


def spec(**content: object) -> StudySpec:
    return StudySpec.model_validate(BASE | content)


def test_every_combination_in_the_order_of_the_file() -> None:
    points = points_of(spec(sweep={"a.b": [1, 2], "c": ["x", "y"]}, set={"d": 7}))
    assert [tuple(p.varied.values()) for p in points] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
    assert [p.number for p in points] == [0, 1, 2, 3]
    assert points[3].changes == {"d": 7, "a.b": 2, "c": "y"}
    assert points[3].sample is None


def test_without_any_change_there_is_one_task() -> None:
    (point,) = points_of(spec())
    assert point.changes == {}


def test_samples_are_the_same_at_every_point_of_the_sweep() -> None:
    fields = {"x": {"distribution": "uniform", "low": 2.0, "high": 4.0}}
    points = points_of(
        spec(sweep={"a": [1, 2]}, monte_carlo={"samples": 3, "seed": 5, "fields": fields})
    )
    first, second = points[:3], points[3:]
    assert [p.varied["x"] for p in first] == [p.varied["x"] for p in second]
    assert [p.sample for p in points] == [0, 1, 2, 0, 1, 2]
    assert all(2.0 <= p.varied["x"] <= 4.0 for p in points)
    assert len({p.varied["x"] for p in first}) == 3


def test_another_field_or_more_samples_change_no_number() -> None:
    assert numbers(1, "x", 3).tolist() == numbers(1, "x", 10)[:3].tolist()
    assert numbers(1, "x", 3).tolist() != numbers(1, "y", 3).tolist()
    assert numbers(1, "x", 3).tolist() != numbers(2, "x", 3).tolist()


def drawn(how: dict[str, object], samples: int = 4000) -> np.ndarray:
    content = {"samples": samples, "seed": 3, "fields": {"x": how}}
    return np.array([p.varied["x"] for p in points_of(spec(monte_carlo=content))])


def test_uniform_and_normal_follow_their_distributions() -> None:
    uniform = drawn({"distribution": "uniform", "low": -1.0, "high": 3.0})
    assert stats.kstest(uniform, stats.uniform(-1.0, 4.0).cdf).pvalue > 0.01
    normal = drawn({"distribution": "normal", "mean": 10.0, "std": 2.0})
    assert stats.kstest(normal, stats.norm(10.0, 2.0).cdf).pvalue > 0.01


def test_bounds_of_a_normal_distribution_hold() -> None:
    values = drawn({"distribution": "normal", "mean": 0.0, "std": 1.0, "low": -0.5, "high": 1.0})
    assert values.min() == -0.5
    assert values.max() == 1.0
    assert np.mean(values == -0.5) == pytest.approx(stats.norm.cdf(-0.5), abs=0.03)


def test_choices_come_as_often_as_their_weights_say() -> None:
    values = drawn({"distribution": "choice", "values": ["a", "b", "c"], "weights": [3, 1, 0]})
    assert np.mean(values == "a") == pytest.approx(0.75, abs=0.03)
    assert set(values) == {"a", "b"}
