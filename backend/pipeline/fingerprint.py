"""Content fingerprints of inputs, and the key of a stage's run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WHOLE_BYTES = 64 * 1024 * 1024
_SAMPLES = 64
_SAMPLE_BYTES = 256 * 1024


def of_file(path: Path) -> str:
    """BLAKE2b of a file's content; of its size and 64 evenly spread pieces when it is over 64 MiB, since
    reading a whole camera original would take longer than the question is worth."""
    digest = hashlib.blake2b(digest_size=20)
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        if size <= _WHOLE_BYTES:
            digest.update(file.read())
        else:
            for i in range(_SAMPLES):
                file.seek((size - _SAMPLE_BYTES) * i // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def of_sequence(paths: list[Path]) -> str:
    """Of a frame sequence: names, sizes and times of all files, content of the first and the last. Reading
    every frame of a film scan would cost as much as ingesting it."""
    digest = hashlib.blake2b(digest_size=20)
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    for path in dict.fromkeys((paths[0], paths[-1])) if paths else ():  # a set has another order in every process
        digest.update(of_file(path).encode())
    return digest.hexdigest()


def of_files(paths: list[Path], root: Path) -> str:
    """Of small files by their whole content and their place under `root`."""
    digest = hashlib.blake2b(digest_size=20)
    for path in sorted(paths):
        digest.update(f"{path.relative_to(root).as_posix()}\0{of_file(path)}\n".encode())
    return digest.hexdigest()


def key_of(stage: str, engine: str, version: int, params: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """The key under which a stage's files are up to date."""
    plain = {"stage": stage, "engine": engine, "version": version, "params": dict(params), "inputs": dict(inputs)}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
