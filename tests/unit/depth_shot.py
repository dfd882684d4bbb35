"""A synthetic solved shot whose floor is known, and the depth stage run on it without the queue."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.pipeline import manifest
from backend.pipeline.context import StageContext
from backend.pipeline.manifest import MANIFEST_VERSION, Manifest
from backend.pipeline.runner import plan
from backend.stages import depth
from shared.artifacts import StageResult
from shared.camera_files import read_camera
from shared.params import to_values
from shared.shot import ShotFolder, document_text
from shared.stages import stage_info, stage_params
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.unit.export_shot import Recorder

PLAN = ShotPlan(width=96, height=54, count=4, focal_px=(90.0, 90.0), points=40)


def shot_with_floor(root: Path, plan: ShotPlan = PLAN, up_source: str = "picked") -> Truth:
    """The synthetic shot, in whose world z = 0 is said to be the floor."""
    truth = write_shot(root, plan)
    shot = ShotFolder(root)
    said = replace(read_camera(root).extrinsics, up_source=up_source)
    shot.extrinsics.write_text(document_text(said), encoding="utf-8")
    return truth


def run_depth(
    root: Path, observer: Recorder | None = None, device: str = "cpu", **params: Any
) -> tuple[StageResult, list[str]]:
    """The result and the notices of engine ground-plane without the consistency step, unless told otherwise."""
    shot = ShotFolder(root)
    checkpoint = shot.checkpoints_dir / "depth" / "-".join(f"{name}={value}" for name, value in sorted(params.items()))
    checkpoint.mkdir(parents=True, exist_ok=True)
    context = StageContext(
        "depth", shot, "", device, checkpoint, observer or Recorder(), logging.getLogger("backlot.depth")
    )
    return depth.run(
        stage_params("depth", {"engine": "ground-plane", "iterations": 0, **params}), context
    ), context.notices


def floor_depth(truth: Truth, index: int, lens: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)) -> np.ndarray:
    """float64 [H, W]: planar depth of z = 0 at every pixel centre of the (distorted) plate, nan above the horizon. The
    lens is inverted by fixed-point iteration: not the way the backend does it."""
    plan = truth.plan
    fx, fy, cx, cy = truth.k[index]
    u, v = np.meshgrid(np.arange(plan.width) + 0.5, np.arange(plan.height) + 0.5)
    bent = ((u - cx) / fx, (v - cy) / fy)
    x, y = bent
    for _ in range(50):
        r2 = x * x + y * y
        radial = 1 + lens[0] * r2 + lens[1] * r2 * r2
        x, y = bent[0] / radial, bent[1] / radial
    pose = truth.poses[index]
    fall = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2]
    with np.errstate(divide="ignore"):
        return np.where(fall < 0.0, -pose[2, 3] / fall, np.nan)


def record(root: Path, result: StageResult, **params: Any) -> None:
    """Writes the manifest of that run, as the runner does."""
    shot = ShotFolder(root)
    wanted = plan(stage_info("depth"), {"engine": "ground-plane", "iterations": 0, **params}, shot, "")
    values, revision = to_values(wanted.params), manifest.world_revision(shot)
    manifest.write(
        shot, "depth", Manifest(MANIFEST_VERSION, wanted.key, values, dict(wanted.inputs), result, revision)
    )  # fmt: skip
