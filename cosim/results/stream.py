"""A table of the run folder written piece by piece: what is long is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cosim.errors import ResultsError
from cosim.results.columns import Table
from cosim.results.parquet import ROWS_PER_GROUP, arrow_table, encoding

_TEXT = pa.dictionary(pa.int32(), pa.string())


class TableStream:
    """One table, appended to frame by frame; each frame becomes row groups of its own.

    The file appears under its name only when the stream is closed without an error; until then it
    is beside it with the suffix `.part`. A stream without any frame becomes an empty table.

    Args:
        path: file to write; its folder is made.
        table: what it should be.
        where: name of the file in messages.
    """

    def __init__(self, path: Path, table: Table, where: str) -> None:
        self._path = path
        self._table = table
        self._where = where
        self._partial = path.with_name(path.name + ".part")
        self._writer: pq.ParquetWriter | None = None

    def append(self, frame: pd.DataFrame) -> None:
        """Write a frame behind what is there; one without rows changes nothing.

        Raises:
            ResultsError: if it does not fit the table, or has other columns than the first frame.
        """
        if len(frame):
            self._write(arrow_table(frame, self._table, self._where))

    def append_arrow(self, content: pa.Table) -> None:
        """Write a table, already checked, behind what is there."""
        if content.num_rows:
            self._write(content)

    def append_file(self, part: Path) -> None:
        """Write a file of the same table behind what is there; one without rows adds nothing."""
        with pq.ParquetFile(part) as source:
            for group in range(source.num_row_groups):
                self.append_arrow(source.read_row_group(group))

    def close(self) -> None:
        """Finish the file and put it under its name."""
        if self._writer is None:
            self._write(arrow_table(pd.DataFrame(), self._table, self._where))
        self._release()
        self._partial.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._release()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> TableStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _write(self, content: pa.Table) -> None:
        content = _plain_index(content)
        self._writer = self._writer or self._open(content.schema)
        schema = self._writer.schema
        if content.column_names != schema.names:
            raise ResultsError(
                f"{self._where}: columns {', '.join(content.column_names)}; expected those of the "
                f"rows before, {', '.join(schema.names)}"
            )
        self._writer.write_table(content.cast(schema), row_group_size=ROWS_PER_GROUP)

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        self._partial.parent.mkdir(parents=True, exist_ok=True)
        return pq.ParquetWriter(self._partial, schema, **encoding(schema))


def join_tables(parts: Iterable[Path], to: Path, table: Table, where: str) -> None:
    """Write part files of one table behind one another into one file.

    The result depends on the parts and their order only, so a run that was interrupted between
    parts ends with the same bytes as one that was not.

    Args:
        parts: finished files of `TableStream` or `write_table`, in order.
        to: file to write.
        table: what they are.
        where: name of the file in messages.
    """
    with TableStream(to, table, where) as stream:
        for part in parts:
            stream.append_file(part)


def _plain_index(content: pa.Table) -> pa.Table:
    """Return the table with text columns indexed alike, however many words a frame has."""
    for k, entry in enumerate(content.schema):
        if pa.types.is_dictionary(entry.type) or pa.types.is_string(entry.type):
            column = content.column(k)
            if column.type != _TEXT:
                plain = column.cast(pa.string())
                content = content.set_column(k, entry.name, plain.dictionary_encode().cast(_TEXT))
    return content
