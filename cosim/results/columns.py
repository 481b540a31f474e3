"""How a table of the run folder is described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Kind = Literal["time", "text", "integer", "number", "flag"]

WHAT: Mapping[Kind, str] = {
    "time": "time stamps with a time zone",
    "text": "text",
    "integer": "whole numbers",
    "number": "numbers",
    "flag": "true or false",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: as in the file.
        kind: what it holds.
        about: meaning and unit.
        optional: may be missing.
    """

    name: str
    kind: Kind
    about: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the run folder.

    Attributes:
        about: what a row is.
        columns: in their order.
        open: further columns of numbers, text or flags are welcome.
        large: text is kept as categories in memory.
    """

    about: str
    columns: tuple[Column, ...]
    open: bool = False
    large: bool = False

    @property
    def names(self) -> list[str]:
        """Names of all columns that must be there."""
        return [column.name for column in self.columns if not column.optional]

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        frame = {c.name: pd.Series(dtype=EMPTY[c.kind]) for c in self.columns if not c.optional}
        return pd.DataFrame(frame)


EMPTY: Mapping[Kind, Any] = {
    "time": "datetime64[ns, UTC]",
    "text": "object",
    "integer": "int64",
    "number": "float64",
    "flag": "bool",
}
