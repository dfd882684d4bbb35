"""What must be true of a shot folder whatever happened to the job that worked on it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np

from backend.pipeline.atomic import PARTIAL
from tests.contract.backend_process import wait_until


def assert_nothing_half_written(shot: Path) -> None:
    """No unfinished file is left, once the server has swept behind a worker's death; every file under a final name is
    whole."""
    if not shot.exists():
        return
    assert wait_until(lambda: not _unfinished(shot)), f"left over: {_unfinished(shot)}"
    for path in sorted(shot.rglob("*")):
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


def _unfinished(shot: Path) -> list[Path]:
    walked = os.walk(shot)  # which does not mind what is removed meanwhile
    return [Path(folder, name) for folder, *names in walked for some in names for name in some if PARTIAL in name]


def frames_of(shot: Path) -> list[str]:
    folder = shot / "source" / "frames"
    return sorted(path.name for path in folder.glob("frame_*.png")) if folder.is_dir() else []


def is_complete(shot: Path, stage: str) -> bool:
    return (shot / ".backlot" / "manifests" / f"{stage}.json").is_file()
