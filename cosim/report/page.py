"""The parts a report is made of, before they become HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from matplotlib.figure import Figure

from cosim.report.svg import svg

Tone = Literal["good", "bad", "open"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what is written.
        tone: coloured where it says something good or bad.
        strong: set in bold.
        link: page that it leads to, relative to the report; none if empty.
    """

    text: str
    tone: Tone | None = None
    strong: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a sentence that says what it shows.

    Attributes:
        head: column titles.
        rows: cells, as many per row as there are titles.
        caption: one sentence.
        left: columns set to the left; the others hold numbers.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    caption: str = ""
    left: frozenset[int] = frozenset({0})
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with a sentence that says what to see.

    Attributes:
        name: file name without suffix.
        svg: the drawing.
        caption: one sentence.
        width_inch: of the figure.
    """

    name: str
    svg: str
    caption: str
    width_inch: float
    kind: Literal["picture"] = "picture"

    @property
    def source(self) -> str:
        """The drawing as a data address, so that its ids stay its own."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph, or a list of them."""

    lines: Sequence[str]
    listed: bool = False
    kind: Literal["words"] = "words"


Block = Table | Picture | Words


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the report.

    Attributes:
        anchor: name for links.
        title: heading.
        lead: the finding in a sentence or two.
        blocks: what follows; sub-headings are strings.
    """

    anchor: str
    title: str
    lead: str = ""
    blocks: Sequence[Block | str] = field(default=())


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure.

    Attributes:
        name: what it is.
        value: with its unit.
        note: how to read it.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict.

    Attributes:
        tone: colour.
        word: the verdict in one or two words.
        sentence: what it means.
        details: what is missed and where, worst first.
        advice: what to do.
    """

    tone: Tone
    word: str
    sentence: str
    details: Sequence[str] = field(default=())
    advice: Sequence[str] = field(default=())


def picture(name: str, drawn: Figure | None, caption: str) -> list[Block]:
    """Return a figure as a block; nothing where there is none."""
    if drawn is None:
        return []
    return [Picture(name, svg(drawn), caption, float(drawn.get_figwidth()))]


def listed_table(found: Table | None) -> list[Block]:
    """Return a table as a block; nothing where there is none."""
    return [] if found is None else [found]
