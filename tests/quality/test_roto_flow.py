"""The whole roto stage with engine `flow` on a made clip whose masks are known: from a box, corrected by a click."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.pipeline.runner import run_job
from backend.roto.outputs import read_mask
from shared.artifacts import StageResult, frame_name
from shared.messages import JobRequest
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, read_prompts, write_prompts
from shared.roto_report import read_roto_report
from shared.shot import ShotFolder
from tests.benchmarks.grabcut_peer import box_of
from tests.benchmarks.mask_scores import boundary_accuracy, region_similarity
from tests.unit.export_shot import Recorder

WIDTH, HEIGHT, COUNT = 320, 180, 14


def texture(seed: int, low: int, high: int) -> np.ndarray:
    """[HEIGHT, 2 * WIDTH, 3] float32 blotches of two sizes."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(
            random.uniform(low, high, shape).astype(np.float32), (2 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
        )
        for shape in ((9, 32, 3), (45, 160, 3))
    ]
    return np.mean(layers, axis=0)


def mask_at(name: str, index: int) -> np.ndarray:
    """A disc that swings to the right, and a bar that stands and turns."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    if name == "disc":
        return (x - (80 + 6 * index)) ** 2 + (y - (95 - 2 * index)) ** 2 < 34**2
    angle = 0.4 + 0.03 * index
    along = (x - 245) * math.cos(angle) + (y - 100) * math.sin(angle)
    across = -(x - 245) * math.sin(angle) + (y - 100) * math.cos(angle)
    return (np.abs(along) < 45) & (np.abs(across) < 16)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("roto") / "clip"
    folder.mkdir()
    wall, skin, wood = texture(1, 20, 130), texture(2, 110, 250), texture(3, 0, 255) * (0.2, 0.5, 1.0)
    noise = np.random.default_rng(4)
    for index in range(COUNT):
        picture = wall[:, 2 * index : 2 * index + WIDTH].copy()
        for name, look, shift in (("bar", wood, 0), ("disc", skin, 6 * index)):
            covered = cv2.GaussianBlur(mask_at(name, index).astype(np.float32), (0, 0), 0.7)[..., None]
            picture += covered * (np.roll(look, shift, axis=1)[:, :WIDTH] - picture)
        picture += noise.normal(0, 2, picture.shape)
        cv2.imwrite(str(folder / f"frame_{index + 1:04d}.png"), np.clip(picture, 0, 255).astype(np.uint8))
    return folder


def run_flow(root: Path, footage: Path) -> StageResult:
    return run_job(JobRequest(str(root), str(footage), ("roto",), {"roto": {"engine": "flow"}}), Recorder())[-1]


def scores(root: Path, name: str) -> tuple[float, float]:
    """Mean J and F."""
    found = [read_mask(root / "roto" / name / frame_name(index + 1)) for index in range(COUNT)]
    pairs = [(mask, mask_at(name, index)) for index, mask in enumerate(found)]
    means = [np.mean([measure(*pair) for pair in pairs]) for measure in (region_similarity, boundary_accuracy)]
    return float(means[0]), float(means[1])


def test_two_objects_from_their_boxes_and_a_correction(tmp_path: Path, footage: Path) -> None:
    shot = ShotFolder(tmp_path)
    said = {}
    for name in ("disc", "bar"):
        x0, y0, x1, y1 = map(float, box_of(mask_at(name, 0)))
        said[name] = LabelPrompts(frames={"1": FramePrompt(boxes=((x0, y0, x1, y1),))})
    write_prompts(shot, RotoPrompts(labels=said))
    result = run_flow(tmp_path, footage)
    for name in said:
        j, f = scores(tmp_path, name)
        assert j >= 0.85 and f >= 0.85, (name, j, f)
    assert result.facts["frames_made"] >= COUNT - 1
    known = read_prompts(shot)
    corrected = {**known.labels["disc"].frames, "10": FramePrompt(include=((134.0, 77.0),))}
    disc = replace(known.labels["disc"], frames=corrected)
    write_prompts(shot, replace(known, labels={**known.labels, "disc": disc}))
    run_flow(tmp_path, footage)
    labels = read_roto_report(shot).labels
    assert labels["bar"].facts["frames_made"] == 0
    assert scores(tmp_path, "disc")[0] >= 0.85
