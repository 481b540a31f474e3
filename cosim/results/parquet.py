"""One table to and from one Parquet file: small on disk, quick to read in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cosim.errors import ResultsError
from cosim.results.columns import Kind, Table
from cosim.results.schema import NETWORK_SERIES, problems_of

ROWS_PER_GROUP = 131_072
"""Small enough that reading one quantity skips the others by the statistics of its groups."""


def conform(frame: pd.DataFrame, table: Table, where: str) -> pd.DataFrame:
    """Return a frame in the table's column order; a frame without columns becomes an empty table.

    Raises:
        ResultsError: with every column that is missing or of another kind.
    """
    if not len(frame.columns):
        return table.empty()
    found = problems_of(frame, table, where)
    if found:
        raise ResultsError("\n".join(str(problem) for problem in found))
    known = [column.name for column in table.columns if column.name in frame.columns]
    return frame[known + [name for name in frame.columns if name not in known]]


def write_table(path: Path, frame: pd.DataFrame, table: Table, where: str) -> None:
    """Write a frame after checking it.

    Args:
        path: file to write; its folder is made.
        frame: the data.
        table: what it should be.
        where: name of the file in messages.

    Raises:
        ResultsError: if the frame does not fit.
    """
    content = arrow_table(frame, table, where)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, path, row_group_size=ROWS_PER_GROUP, **encoding(content.schema))


def arrow_table(frame: pd.DataFrame, table: Table, where: str) -> pa.Table:
    """Return a frame as it goes into the file, after checking it.

    Raises:
        ResultsError: if the frame does not fit.
    """
    data = conform(frame, table, where)
    kinds: dict[str, Kind] = {column.name: column.kind for column in table.columns}
    arrays = [_arrow(data[name], kinds.get(str(name))) for name in data.columns]
    return pa.Table.from_arrays(arrays, names=[str(name) for name in data.columns])


def encoding(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns are stored: text by dictionary, numbers by split bytes, all compressed."""
    numbers = [f.name for f in schema if pa.types.is_floating(f.type)]
    return {
        "compression": "zstd",
        "use_dictionary": [f.name for f in schema if f.name not in numbers],
        "column_encoding": dict.fromkeys(numbers, "BYTE_STREAM_SPLIT"),
    }


def _arrow(series: pd.Series, kind: Kind | None) -> pa.Array:
    """Return a column for the file: text as a dictionary, numbers as 64 bits, times to the us."""
    if kind == "number":
        return pa.array(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if kind == "integer":
        return pa.array(series.to_numpy(dtype=np.int64))
    if kind == "time":
        stamps = pa.array(series)
        return stamps.cast(pa.timestamp("us", tz=stamps.type.tz), safe=False)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return pa.array(series)
    array = pa.array(series, from_pandas=True)
    return array.dictionary_encode() if pa.types.is_string(array.type) else array


def read_table(path: Path, table: Table, where: str) -> pd.DataFrame:
    """Read a table and check it; text is categorical in large tables and plain in others.

    Raises:
        ResultsError: if the file is missing, unreadable, or does not fit.
    """
    if not path.is_file():
        advice = "the run folder is incomplete; run the scenario again"
        raise ResultsError(f"{where}: no such file; expected {table.about} {advice}")
    try:
        content = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ResultsError(f"{where}: not readable ({error}); expected a Parquet file") from None
    if not table.large:
        content = _plain_text(content)
    frame = content.to_pandas(coerce_temporal_nanoseconds=True)
    return conform(frame, table, where)


def _plain_text(content: pa.Table) -> pa.Table:
    for k, entry in enumerate(content.schema):
        if pa.types.is_dictionary(entry.type):
            content = content.set_column(k, entry.name, content.column(k).cast(pa.string()))
    return content


def read_quantity(path: Path, element: str, quantity: str) -> pd.DataFrame:
    """Return one quantity of one element table as a matrix, without reading the rest.

    Args:
        path: `setpoints/<grid>.parquet` or `states/<grid>.parquet`.
        element: table name.
        quantity: column name.

    Returns:
        Index time, columns element ids, NaN where there is no value; empty if nothing is found.

    Raises:
        ResultsError: if the file is missing.
    """
    if not path.is_file():
        raise ResultsError(f"{path.name}: no such file; expected {NETWORK_SERIES.about}")
    wanted = (pc.field("element") == element) & (pc.field("quantity") == quantity)
    content = pq.read_table(path, columns=["time", "id", "value"], filters=wanted)
    frame = content.to_pandas(coerce_temporal_nanoseconds=True)
    return matrix(frame)


def matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Return long rows (time, id, value) of one quantity as a matrix time x id."""
    times, rows = np.unique(frame["time"].to_numpy(dtype="datetime64[ns]"), return_inverse=True)
    ids, columns = np.unique(frame["id"].to_numpy(), return_inverse=True)
    values = np.full((len(times), len(ids)), np.nan)
    values[rows, columns] = frame["value"].to_numpy()
    index = pd.DatetimeIndex(times, tz="UTC", name="time")
    zone = getattr(frame["time"].dtype, "tz", None)
    return pd.DataFrame(values, index if zone is None else index.tz_convert(zone), ids)


def quantities(path: Path) -> set[tuple[str, str]]:
    """Return the (element, quantity) pairs that a file holds."""
    keys = ["element", "quantity"]
    found: set[tuple[str, str]] = set()
    with pq.ParquetFile(path) as source:
        for group in range(source.num_row_groups):
            content = source.read_row_group(group, columns=keys).unify_dictionaries()
            pairs = content.group_by(keys).aggregate([]).to_pylist()
            found.update((str(pair["element"]), str(pair["quantity"])) for pair in pairs)
    return found
