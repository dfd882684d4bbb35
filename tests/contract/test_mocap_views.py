"""Two calibrated shots of the same moments, from the command line to the motion."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.importers.imported_camera import ImportedCamera, ImportedFrame, ImportOptions, write_into_shot
from backend.pipeline.shot_lock import shot_lock
from backend.roto.people.environment import VARIABLE
from shared.artifacts import frame_name
from shared.mocap_report import read_mocap_report
from shared.shot import ShotFolder, document_text
from tests.contract.fake_people import people_python

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, FRAMES = 192, 108, 5
FRONT = ((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, -4.0), (0.0, -1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0))
LEFT = ((0.0, 0.0, -1.0, 4.0), (1.0, 0.0, 0.0, 0.0), (0.0, -1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0))
"""World-from-camera: both look at the same place from 4 m away."""


def backlot(*arguments: str) -> None:
    command = [sys.executable, "-m", "backend", "run", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


def draw(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(1, FRAMES + 1):
        cv2.imwrite(str(folder / frame_name(number)), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))


def stand(shot: ShotFolder, pose: tuple[tuple[float, ...], ...]) -> None:
    """Imports the camera."""
    frame = ImportedFrame(pose, 160.0, 160.0, WIDTH / 2, HEIGHT / 2)  # type: ignore[arg-type]
    camera = ImportedCamera(shot.root, dict.fromkeys(range(1, FRAMES + 1), frame), "metres")
    with shot_lock(shot):
        write_into_shot(camera, shot, ImportOptions())


def test_two_shots_become_one_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(people_python(tmp_path / "people")))
    front, left = ShotFolder(tmp_path / "front"), ShotFolder(tmp_path / "left")
    draw(tmp_path / "frames")
    backlot(str(tmp_path / "frames"), "-s", "ingest", "--shot", str(front.root))
    stand(front, FRONT)
    draw(left.frames_dir)
    left.shot_json.write_text(document_text(replace(front.read(), id="left")), encoding="utf-8")
    stand(left, LEFT)
    backlot("-s", "mocap", "--shot", str(front.root), "--mocap-views", "left")
    assert list(read_mocap_report(front).people["person_00"].facts["views"]) == ["left"]
    assert not (left.root / "mocap").exists()
