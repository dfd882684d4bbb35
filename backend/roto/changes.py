"""What was said differently since the last finished run: why frames were made anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backend.frame_ranges import frame_ranges
from backend.pipeline.atomic import write_text
from shared.shot import ShotFolder

from .cut.hints import Hints
from .ownership import PRIVATE

Prints = dict[str, dict[str, str]]
"""Label -> plate number -> fingerprint of the hints."""


def prints_of(hints: Mapping[str, Mapping[int, Hints]]) -> Prints:
    return {label: {str(number): _print(at) for number, at in frames.items()} for label, frames in hints.items()}


def _print(hints: Hints) -> str:
    digest = hashlib.blake2b(repr(hints.strokes).encode(), digest_size=12)
    for array in (hints.include, hints.exclude, hints.boxes):
        digest.update(array.tobytes() + b"\0")
    if hints.mask is not None:
        digest.update(np.packbits(hints.mask).tobytes())
    return digest.hexdigest() + ("-" if hints.absent else "")


def reasons(before: Mapping[str, Mapping[str, str]] | None, now: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Label -> what is new of it, "" when nothing is. before: None when there was no run."""
    return {label: _reason(None if before is None else before.get(label), frames) for label, frames in now.items()}


def _reason(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    if before is None:
        return "it is new"
    parts = {
        "added": [int(number) for number in now if number not in before],
        "changed": [int(number) for number in now if before.get(number, now[number]) != now[number]],
        "removed": [int(number) for number in before if number not in now],
    }
    return "; ".join(f"hints {word} at frame {frame_ranges(sorted(at))}" for word, at in parts.items() if at)


def read_before(shot: ShotFolder) -> Prints | None:
    """Of the last finished run; None when there was none, or when its record cannot be read."""
    try:
        said = json.loads(_file(shot).read_text(encoding="utf-8"))
        return {str(label): {str(n): str(value) for n, value in frames.items()} for label, frames in said.items()}
    except (OSError, ValueError, AttributeError):
        return None


def record(shot: ShotFolder, now: Prints) -> None:
    write_text(_file(shot), json.dumps(now))


def _file(shot: ShotFolder) -> Path:
    return shot.private_dir / PRIVATE / "hints.json"
