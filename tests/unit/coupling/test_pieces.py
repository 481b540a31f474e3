"""States in pieces come together as the whole."""

import numpy as np

from cosim.coupling.pieces import evaluate, joined, joined_notes, pieces_of
from cosim.records import Injections, read_only
from tests.unit.coupling.toy import NAMES, ToyGrid


def test_pieces_put_together_are_the_whole() -> None:
    drawn = np.linspace(10.0, 140.0, 11)
    p_kw = read_only(np.column_stack([-drawn, 0.0 * drawn]))
    steps = read_only(np.arange(20, 31), np.int64)
    entry = Injections("electric", steps, NAMES, p_kw, read_only(0.0 * p_kw))
    grids = {"electric": ToyGrid()}
    pieces = list(pieces_of("electric", entry, "fast", 4))
    assert [len(piece[1].steps) for piece in pieces] == [4, 4, 3]
    found = joined([evaluate(grids, piece) for piece in pieces], entry)
    whole = grids["electric"].verify(entry)
    assert found.failures == whole.failures
    assert len(found.failures) > 0
    for name in ("loss_kw", "slack_kw", "auxiliary_kw"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    for a, b in zip(found.fields, whole.fields, strict=True):
        np.testing.assert_array_equal(a.values, b.values)


def test_notes_are_said_once_and_steps_add_up() -> None:
    parts = [
        ("2 bus(es) without external grid left out: 7, 8", "3 steps needed damped iterations"),
        ("2 bus(es) without external grid left out: 7, 8",),
        ("pandapower computed 1 step(s) that the batch could not settle",),
        ("3 steps needed damped iterations",),
    ]
    assert joined_notes(parts) == (
        "2 bus(es) without external grid left out: 7, 8",
        "6 steps needed damped iterations",
        "pandapower computed 1 step(s) that the batch could not settle",
    )
