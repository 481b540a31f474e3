from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim.errors import ResultsError
from cosim.results.parquet import quantities, read_quantity, read_table, write_table
from cosim.results.schema import NETWORK_SERIES
from cosim.results.stream import TableStream, join_tables


def frame(day: int, quantity: str = "vm_pu") -> pd.DataFrame:
    """Two buses over three hours; text is plain on even days and categorical on odd ones."""
    time = pd.date_range(f"2023-03-{25 + day}", periods=3, freq="h", tz="Europe/Berlin")
    element: object = "bus" if day % 2 == 0 else pd.Categorical(["bus"] * 6)
    return pd.DataFrame(
        {
            "time": time.repeat(2),
            "element": element,
            "id": np.tile([4, 7], 3),
            "quantity": quantity,
            "value": day + np.arange(6) / 10.0,
        }
    )


def test_a_streamed_table_reads_like_one_written_at_once(tmp_path: Path) -> None:
    frames = [frame(day) for day in range(3)]
    with TableStream(tmp_path / "streamed.parquet", NETWORK_SERIES, "streamed") as stream:
        for part in frames:
            stream.append(part)
    whole = pd.concat(frames, ignore_index=True)
    write_table(tmp_path / "whole.parquet", whole, NETWORK_SERIES, "whole")
    streamed = read_table(tmp_path / "streamed.parquet", NETWORK_SERIES, "streamed")
    expected = read_table(tmp_path / "whole.parquet", NETWORK_SERIES, "whole")
    pd.testing.assert_frame_equal(streamed, expected, check_categorical=False)
    matrix = read_quantity(tmp_path / "streamed.parquet", "bus", "vm_pu")
    assert matrix.shape == (9, 2)
    assert matrix.iloc[8].tolist() == [2.4, 2.5]


def test_text_may_differ_from_frame_to_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with TableStream(path, NETWORK_SERIES, "a.parquet") as stream:
        stream.append(frame(0))
        stream.append(frame(1, "va_degree"))
        stream.append(pd.concat([frame(2, "p_mw"), frame(2)], ignore_index=True))
    assert quantities(path) == {("bus", "vm_pu"), ("bus", "va_degree"), ("bus", "p_mw")}
    assert read_quantity(path, "bus", "vm_pu").shape == (6, 2)
    assert len(read_table(path, NETWORK_SERIES, "a.parquet")) == 24


def test_joined_parts_have_the_bytes_of_one_stream(tmp_path: Path) -> None:
    parts = []
    with TableStream(tmp_path / "whole.parquet", NETWORK_SERIES, "whole") as stream:
        for day in range(3):
            stream.append(frame(day))
            parts.append(tmp_path / f"{day}.parquet")
            with TableStream(parts[-1], NETWORK_SERIES, "part") as one:
                one.append(frame(day))
    join_tables(parts, tmp_path / "joined.parquet", NETWORK_SERIES, "joined")
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_stream_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    with TableStream(tmp_path / "a.parquet", NETWORK_SERIES, "a"):
        pass
    assert read_table(tmp_path / "a.parquet", NETWORK_SERIES, "a").empty


def write_badly(path: Path) -> None:
    with TableStream(path, NETWORK_SERIES, path.name) as stream:
        stream.append(frame(0))
        stream.append(frame(1).assign(colour="red"))


def test_a_failed_stream_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="unexpected columns colour"):
        write_badly(tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_first_part_without_rows_does_not_decide_what_columns_are(tmp_path: Path) -> None:
    parts = [tmp_path / "empty.parquet", tmp_path / "full.parquet"]
    write_table(parts[0], frame(0).iloc[:0], NETWORK_SERIES, "empty")
    write_table(parts[1], frame(1), NETWORK_SERIES, "full")
    join_tables(parts, tmp_path / "joined.parquet", NETWORK_SERIES, "joined")
    found = read_table(tmp_path / "joined.parquet", NETWORK_SERIES, "joined")
    assert found["element"].tolist() == ["bus"] * 6
    assert found["quantity"].tolist() == ["vm_pu"] * 6
