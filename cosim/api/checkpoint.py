"""An interrupted run resumes from its last finished round."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

from cosim.coupling.outcome import LoopMemory


class Checkpoint:
    """Memory of one loop, kept beside the run folder until the run is complete.

    The file is a pickle that only cosim writes and that is read only if it belongs to the same
    inputs and the same version of cosim.

    Args:
        folder: the run folder to be.
        key: hash of all inputs plus the version.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._file = folder.with_name(f".{folder.name}.checkpoint")
        self._key = key

    @property
    def folder(self) -> Path:
        """Where parts of the job after the loop keep what they have finished."""
        return self._file.with_name(self._file.name + ".parts")

    def load(self) -> LoopMemory | None:
        """Return the memory of an interrupted run of the same inputs, None if there is none."""
        try:
            with self._file.open("rb") as stream:
                key, memory = pickle.load(stream)
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError):
            return None
        return memory if key == self._key and isinstance(memory, LoopMemory) else None

    def save(self, memory: LoopMemory) -> None:
        """Keep the memory; an older one stays until the new one is complete."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_name(self._file.name + ".part")
        with partial.open("wb") as stream:
            pickle.dump((self._key, memory), stream)
        partial.replace(self._file)

    def clear(self) -> None:
        """Forget: the run is complete."""
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
