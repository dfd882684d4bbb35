"""What must be true of a shot folder whatever happened to the job that worked on it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from backend.pipeline.atomic import PARTIAL


def assert_nothing_half_written(shot: Path) -> None:
    """No unfinished file is left, and every file under a final name is whole."""
    if not shot.exists():
        return
    for path in sorted(shot.rglob("*")):
        assert PARTIAL not in path.name, f"{path} is left over"
        if path.is_dir() or "checkpoints" in path.parts or path.suffix == ".log":
            continue
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".png":
            image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
            assert image is not None, f"{path} is damaged"
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert arrays.files


def frames_of(shot: Path) -> list[str]:
    folder = shot / "source" / "frames"
    return sorted(path.name for path in folder.glob("frame_*.png")) if folder.is_dir() else []


def is_complete(shot: Path, stage: str) -> bool:
    return (shot / ".backlot" / "manifests" / f"{stage}.json").is_file()
