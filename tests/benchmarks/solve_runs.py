"""Backlot and its peers solving one clip, each in processes of its own: what they cost and what they found.

Peers: the `colmap` command line as a user would run it on a video (sequential matcher, CPU, one camera), when
it is installed; and pycolmap's own pipeline with SIFT, sequential matching and incremental mapping.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap

from shared.camera_files import read_camera
from tests.benchmarks.scoring import Array, Lens

ROOT = Path(__file__).resolve().parents[2]

_PYCOLMAP = """
import sys, pathlib, pycolmap
frames, out = map(pathlib.Path, sys.argv[1:])
database = out / "database.db"
reader = pycolmap.ImageReaderOptions(camera_model="SIMPLE_RADIAL")
pycolmap.extract_features(database, frames, camera_mode=pycolmap.CameraMode.SINGLE, reader_options=reader)
pycolmap.match_sequential(database)
(out / "sparse").mkdir()
pycolmap.incremental_mapping(database, frames, out / "sparse")
"""


@dataclass(frozen=True)
class Run:
    """seconds: wall time from start to exit of everything. cpu_seconds: of all processes. poses: solved
    world_from_camera by frame index. lens: K for each of the clip's frames. failure: why it gave nothing."""

    solver: str
    seconds: float
    cpu_seconds: float
    poses: dict[int, Array]
    lens: Lens | None
    failure: str = ""


class CommandFailed(Exception):
    """The line in which a command said why it gave up."""


def run_backlot(footage: Path, shot: Path, count: int, quality: str) -> Run:
    """`python -m backend run`: ingest and solve, from the footage to the files."""
    command = [sys.executable, "-m", "backend", "run", str(footage), "-s", "ingest,solve", "--shot", str(shot)]
    clock = _Clock()
    try:
        _call([*command, "--quality", quality, "--json"], cwd=ROOT)
    except CommandFailed as failed:
        return Run("backlot", *clock.read(), {}, None, str(failed))
    seconds = clock.read()
    camera = read_camera(shot)
    first = camera.extrinsics.frames[0].frame
    poses = {
        frame.frame - first: np.array(frame.world_from_camera)
        for frame in camera.extrinsics.frames
        if frame.world_from_camera is not None
    }
    inner = camera.intrinsics
    k = np.array([[[f.fx, 0.0, f.cx], [0.0, f.fy, f.cy], [0.0, 0.0, 1.0]] for f in inner.frames])
    return Run("backlot", *seconds, poses, Lens(k, (inner.k1, inner.k2, inner.p1, inner.p2)))


def run_colmap(frames: Path, out: Path, count: int) -> Run | None:
    """The command line; None when it is not installed."""
    colmap = shutil.which("colmap")
    if colmap is None:
        return None
    (out / "sparse").mkdir(parents=True)
    database, images = ["--database_path", str(out / "database.db")], ["--image_path", str(frames)]
    one_camera = ["--ImageReader.single_camera", "1", "--ImageReader.camera_model", "SIMPLE_RADIAL"]
    commands = (
        ["feature_extractor", *database, *images, *one_camera, "--SiftExtraction.use_gpu", "0"],
        ["sequential_matcher", *database, "--SiftMatching.use_gpu", "0", "--SequentialMatching.overlap", "10"],
        ["mapper", *database, *images, "--output_path", str(out / "sparse")],
    )
    clock = _Clock()
    try:
        for command in commands:
            _call([colmap, *command], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    except CommandFailed as failed:
        return Run("colmap", *clock.read(), {}, None, str(failed))
    return _read_models("colmap", out / "sparse", clock.read(), count)


def run_pycolmap(frames: Path, out: Path, count: int) -> Run:
    """pycolmap's pipeline."""
    out.mkdir(parents=True)
    clock = _Clock()
    try:
        _call([sys.executable, "-c", _PYCOLMAP, str(frames), str(out)])
    except CommandFailed as failed:
        return Run("pycolmap", *clock.read(), {}, None, str(failed))
    return _read_models("pycolmap", out / "sparse", clock.read(), count)


def _read_models(solver: str, sparse: Path, seconds: tuple[float, float], count: int) -> Run:
    """The model with most frames of those that a mapper left."""
    models = [pycolmap.Reconstruction(str(path)) for path in sorted(sparse.iterdir()) if path.is_dir()]
    if not models:
        return Run(solver, *seconds, {}, None, "no model")
    model = max(models, key=lambda m: m.num_reg_images())
    poses = {}
    for image in model.images.values():
        if image.has_pose:
            pose = np.eye(4)
            pose[:3] = image.cam_from_world().inverse().matrix()
            poses[frame_index(image.name)] = pose
    (camera, *_) = model.cameras.values()
    focal, cx, cy, k1 = camera.params
    k = np.array([[focal, 0.0, cx], [0.0, focal, cy], [0.0, 0.0, 1.0]])
    return Run(solver, *seconds, poses, Lens(np.broadcast_to(k, (count, 3, 3)), (k1, 0.0, 0.0, 0.0)))


def frame_index(name: str) -> int:
    """`frame_0001.png` -> 0."""
    return int(re.findall(r"\d+", Path(name).stem)[-1]) - 1


class _Clock:
    """Wall and processor seconds (of child processes) since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._children()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, self._children() - self._cpu

    @staticmethod
    def _children() -> float:
        times = os.times()
        return times.children_user + times.children_system


def _call(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
        if not lines:
            raise CommandFailed(f"exit status {done.returncode}")
        raise CommandFailed(lines[-1] if lines[0].startswith("Traceback") else lines[0])
