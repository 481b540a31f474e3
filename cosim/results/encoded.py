"""Pieces of a table on their way between processes, and joined into one file at the end.

Pieces are Arrow files: quick to write and to read. The expensive encoding of Parquet is done once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cosim.results.columns import Table
from cosim.results.parquet import arrow_table
from cosim.results.stream import TableStream


def piece_bytes(frame: pd.DataFrame, table: Table, where: str) -> bytes:
    """Return a frame, checked, as the bytes of an Arrow file.

    Text columns are indexed with 32 bits whatever they hold, so that many pieces can be joined
    without touching their text.

    Raises:
        ResultsError: if the frame does not fit.
    """
    content = arrow_table(frame, table, where)
    for k, entry in enumerate(content.schema):
        if pa.types.is_dictionary(entry.type):
            content = content.set_column(k, entry.name, _wide(content.column(k)))
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(sink, content.schema, options=options) as writer:
        writer.write_table(content)
    return bytes(sink.getvalue())


def join_pieces(pieces: Iterable[Path], to: Path, table: Table, where: str) -> None:
    """Write pieces behind one another into one Parquet file.

    Args:
        pieces: files with the bytes of `piece_bytes`, in order.
        to: file to write.
        table: what they are.
        where: name of the file in messages.
    """
    with TableStream(to, table, where) as stream:
        for piece in pieces:
            with pa.OSFile(str(piece)) as source:
                stream.append_arrow(pa.ipc.open_file(source).read_all())


def _wide(column: pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices.cast(pa.int32()), chunk.dictionary.cast(pa.string())
        )
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()))
