"""npz files of arrays, written at once and read without surprises (numpy)."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactMissing, ShotCorrupt

DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file raises."""


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Compressed; puts the file in place at once. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.stem}.{os.getpid()}.partial{path.suffix}")
    with beside.open("wb") as file:
        np.savez_compressed(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_arrays(
    path: Path, remedy: str = "Run the stage that makes it again.", *, missing: str = ""
) -> dict[str, NDArray[Any]]:
    """All arrays; nothing is unpickled. missing: the remedy where there is no file, if it is another. Raises
    `ArtifactMissing`, `ShotCorrupt`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise ArtifactMissing(f"There is no {path}.", missing or remedy) from None
    except DAMAGED as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", remedy) from bad
