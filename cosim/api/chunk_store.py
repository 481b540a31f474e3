"""Finished chunks of a long verification, kept until all are finished."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cosim.api.chunks import Found
from cosim.results.encoded import join_pieces
from cosim.results.schema import NETWORK_SERIES

KEY_FILE = "inputs"
LOST_FILE = "handed_over.json"
FOUND_FILE = "found.pickle"


@dataclass(frozen=True, slots=True)
class Join:
    """Pieces of all chunks that become one file of the run folder.

    Attributes:
        root: of the store.
        chunks: how many there are.
        folder: the run folder.
        name: of the file without suffix, such as `states/electric`.
    """

    root: Path
    chunks: int
    folder: Path
    name: str


def join(item: Join) -> None:
    """Write one file of the run folder; a task for any process of this machine."""
    pieces = [chunk_folder(item.root, k) / f"{item.name}.arrow" for k in range(item.chunks)]
    where = f"{item.name}.parquet"
    join_pieces(pieces, item.folder / where, NETWORK_SERIES, where)


def chunk_folder(root: Path, number: int) -> Path:
    """Return where a chunk's tables are, or will be."""
    return root / f"{number:05}"


class ChunkStore:
    """A folder beside the run folder to be, with one folder for every finished chunk.

    What was found is a pickle that only cosim writes; it is read only if it belongs to the same
    inputs, the same way of verifying and the same version of cosim.

    Args:
        folder: the run folder to be.
        key: of all inputs.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.root = folder.with_name(f".{folder.name}.chunks")
        self._key = key

    def begin(self) -> int:
        """Return how many chunks an interrupted run has finished; forget those of other inputs."""
        file = self.root / KEY_FILE
        if not file.is_file() or file.read_text(encoding="utf-8") != self._key:
            shutil.rmtree(self.root, ignore_errors=True)
            self.root.mkdir(parents=True)
            file.write_text(self._key, encoding="utf-8")
        return len(list(self.root.glob(f"[0-9]*/{FOUND_FILE}")))

    def handed_over(self) -> dict[str, tuple[str, ...]]:
        """Return networks left to the reference engine by an interrupted run, with reasons."""
        file = self.root / LOST_FILE
        if not file.is_file():
            return {}
        content: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
        return {name: tuple(reasons) for name, reasons in content.items()}

    def start_again(self, handed_over: Mapping[str, tuple[str, ...]]) -> None:
        """Forget all chunks, since other engines compute them from now on."""
        for part in self.root.glob("[0-9]*"):
            shutil.rmtree(part)
        (self.root / LOST_FILE).write_text(json.dumps(handed_over), encoding="utf-8")

    def load(self, number: int) -> Found | None:
        """Return what a finished chunk came to (without its files), None if there is none."""
        try:
            with (chunk_folder(self.root, number) / FOUND_FILE).open("rb") as stream:
                found = pickle.load(stream)
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError):
            return None
        return found if isinstance(found, Found) else None

    def save(self, found: Found) -> Found:
        """Write a chunk; its folder appears when it is complete. Returns it without its files."""
        partial = self.root / f"part-{found.number}"
        shutil.rmtree(partial, ignore_errors=True)
        for name, content in found.files.items():
            file = partial / f"{name}.arrow"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        light = replace(found, files={})
        with (partial / FOUND_FILE).open("wb") as stream:
            pickle.dump(light, stream, protocol=pickle.HIGHEST_PROTOCOL)
        shutil.rmtree(chunk_folder(self.root, found.number), ignore_errors=True)
        partial.replace(chunk_folder(self.root, found.number))
        return light

    def clear(self) -> None:
        """Forget: the run is complete."""
        shutil.rmtree(self.root, ignore_errors=True)
