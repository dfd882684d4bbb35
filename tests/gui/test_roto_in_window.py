"""Roto in a real window, with the real backend: real clicks in the Image Editor, masks at once and in every frame.

The plate is a textured disc that crosses a textured wall, so that what the mask should be is known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.artifacts import frame_name
from shared.client import Client
from shared.roto_prompts import read_prompts
from shared.shot import ShotFolder
from tests.gui import chroot, window

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]

FRAMES = 6
WIDTH, HEIGHT, RADIUS = 320, 180, 34.0


def test_clicks_become_masks(tmp_path: Path, home: Path, package: Path) -> None:
    root = tmp_path / "clip_backlot"
    clip = write_clip(tmp_path / "clip")
    with Client(home, name="test", start=False) as client:
        client.run(clip, shot=root, stages=("ingest",))
    x, y = centre(0)
    box = (x - RADIUS - 6, y - RADIUS - 6, x + RADIUS + 6, y + RADIUS + 6)
    outcome = window.run_scenario(
        "roto",
        tmp_path,
        timeout_s=900,
        settings={
            "package": str(package), "shot": str(root), "box": box,
            "outside": (x + RADIUS + 3, y - RADIUS - 3), "inside": (x, y), "last_inside": centre(FRAMES - 1),
            "third_inside": centre(2),
        },
        variables={"BACKLOT_HOME": str(home)},
    )  # fmt: skip
    facts = outcome.facts
    assert facts["tool"] == "backlot.roto_points" and facts["range"] == [1, FRAMES]
    assert facts["after_escape"] == 2 and facts["preview_after_undo"]
    assert facts["label"] == "object" and facts["image"].endswith("frame_0001.png")
    assert facts["splines"] == 1 and facts["spline_iou"] >= 0.97
    assert facts["stepped_to"] == -1 and facts["error"] == "" and facts["after_session"] == 1
    assert facts["areas_stay"]
    said = read_prompts(ShotFolder(root)).labels["object"].frames
    found = said["1"].boxes[0]
    assert np.abs(np.subtract(found, box)).max() < 1.5 and len(said["1"].exclude) == 1
    for index in (FRAMES - 1, 2):
        assert np.abs(np.subtract(said[str(index + 1)].include[0], centre(index))).max() < 1.5
    for index in range(FRAMES):
        mask = cv2.imread(str(root / "roto" / "object" / frame_name(index + 1)), cv2.IMREAD_GRAYSCALE) > 127
        truth = disc(index)
        assert (mask & truth).sum() / (mask | truth).sum() > 0.85, f"frame {index + 1}"
    manifest = json.loads((root / ".backlot" / "manifests" / "roto.json").read_text(encoding="utf-8"))
    assert manifest["result"]["facts"]["frames_made"] <= FRAMES
    before, after = (cv2.imread(str(outcome.pictures[name])).astype(int) for name in ("1_box", "2_preview"))
    changed = np.abs(after - before).max(axis=2) > 20
    assert changed[:, 100:1200].sum() > 5_000  # the overlay covers the object


def write_clip(folder: Path) -> str:
    """Returns the frames' pattern."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    wall = texture(rng, (WIDTH + 40, HEIGHT), (150, 120, 90), 40)
    skin = texture(rng, (WIDTH, HEIGHT), (60, 60, 200), 50)
    for index in range(FRAMES):
        picture = wall[:, index : index + WIDTH].copy()
        x, y = centre(index)
        moved = cv2.warpAffine(skin, np.float32([[1, 0, x - WIDTH / 2], [0, 1, y - HEIGHT / 2]]), (WIDTH, HEIGHT),
                               borderMode=cv2.BORDER_REFLECT)  # fmt: skip
        alpha = cv2.GaussianBlur(disc(index).astype(np.float32), (0, 0), 0.7)[..., None]
        picture = (moved * alpha + picture * (1.0 - alpha)).astype(np.uint8)
        cv2.imwrite(str(folder / f"clip.{index + 1:04d}.png"), picture)
    return str(folder / "clip.####.png")


def texture(rng: np.random.Generator, size: tuple[int, int], colour: tuple[int, int, int], depth: float) -> np.ndarray:
    """uint8 [H,W,3] BGR: blurred noise about a colour."""
    noise = cv2.GaussianBlur(rng.normal(0.0, 1.0, (size[1], size[0])).astype(np.float32), (0, 0), 3.0)
    noise *= depth / noise.std() / 2.0
    return np.clip(np.array(colour) + noise[..., None], 0, 255).astype(np.uint8)


def centre(index: int) -> tuple[float, float]:
    return 110.0 + 14.0 * index, 92.0 - 3.0 * index


def disc(index: int) -> np.ndarray:
    """bool [H,W]."""
    x, y = centre(index)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.hypot(columns - x, rows - y) <= RADIUS
