"""Small tasks that other processes can import."""

import os

import numpy as np

from cosim.errors import Infeasible, Problem, ScenarioError


def cube(item: int) -> int:
    return item**3


def weigh(shared: np.ndarray, item: int) -> float:
    return float(shared[item] * np.sqrt(2.0))


def break_at_three(item: int) -> int:
    if item == 3:
        raise ScenarioError([Problem("here", "three", "anything else", "leave it out")])
    return item


def no_solution(item: int) -> int:
    raise Infeasible("nothing fits", reason="kInfeasible")


def process_id(item: int) -> tuple[int, str]:
    return os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS", "")
