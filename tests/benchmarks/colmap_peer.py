"""COLMAP as a peer: its command line as a user would run it on a video (sequential matcher, CPU, one camera), with
or without masks; and pycolmap's own pipeline with SIFT, sequential matching and incremental mapping.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pycolmap

from tests.benchmarks.peer_cache import cache_key, cached
from tests.benchmarks.runs import Clock, CommandFailed, Run, call
from tests.benchmarks.scoring import Lens
from tests.benchmarks.truth import MaskOf, pictures_in

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
_OPTIONS = ("sequential", "overlap 10", "SIMPLE_RADIAL", "single camera", "cpu")


def run_colmap(frames: Path, count: int, cache: Path | None, name: str, masks: MaskOf | None = None) -> Run:
    """The command line; a run that failed with "not installed" where there is none. masks: truth masks of what
    moves; the features in them are ignored."""
    solver = "colmap" if masks is None else "colmap+masks"
    colmap = shutil.which("colmap")
    if colmap is None:
        return Run(solver, float("nan"), float("nan"), {}, None, "not installed")
    pictures = pictures_in(frames)
    with tempfile.TemporaryDirectory(prefix="bench-colmap-") as work:
        folder = None if masks is None else _write_masks(pictures, masks, Path(work) / "masks")
        files = [*pictures, *(sorted(folder.iterdir()) if folder else [])]
        key = cache_key(solver, _version(colmap), _OPTIONS, files)
        return cached(cache, f"{name}.{solver}", key, lambda: _command_line(colmap, frames, Path(work), folder, count))


def run_pycolmap(frames: Path, count: int, cache: Path | None, name: str) -> Run:
    """pycolmap's pipeline."""
    key = cache_key("pycolmap", pycolmap.__version__, _OPTIONS, pictures_in(frames))
    with tempfile.TemporaryDirectory(prefix="bench-pycolmap-") as work:
        return cached(cache, f"{name}.pycolmap", key, lambda: _pipeline(frames, Path(work), count))


def _version(colmap: str) -> str:
    said = subprocess.run(
        [colmap, "-h"], capture_output=True, text=True, check=False, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ).stdout
    return next((line.strip() for line in said.splitlines() if line.strip()), "unknown")


def _write_masks(pictures: Sequence[Path], masks: MaskOf, folder: Path) -> Path:
    """COLMAP's masks: NAME.png for each picture, black where features are ignored."""
    folder.mkdir(parents=True)
    for picture in pictures:
        moving = masks(frame_index(picture.name))
        if moving is not None:
            cv2.imwrite(str(folder / f"{picture.name}.png"), np.where(moving, 0, 255).astype(np.uint8))
    return folder


def _command_line(colmap: str, frames: Path, out: Path, masks: Path | None, count: int) -> Run:
    solver = "colmap" if masks is None else "colmap+masks"
    (out / "sparse").mkdir(parents=True)
    database, images = ["--database_path", str(out / "database.db")], ["--image_path", str(frames)]
    reader = ["--ImageReader.single_camera", "1", "--ImageReader.camera_model", "SIMPLE_RADIAL"]
    reader += [] if masks is None else ["--ImageReader.mask_path", str(masks)]
    commands = (
        ["feature_extractor", *database, *images, *reader, "--SiftExtraction.use_gpu", "0"],
        ["sequential_matcher", *database, "--SiftMatching.use_gpu", "0", "--SequentialMatching.overlap", "10"],
        ["mapper", *database, *images, "--output_path", str(out / "sparse")],
    )
    clock = Clock()
    try:
        for command in commands:
            call([colmap, *command], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    except CommandFailed as failed:
        return Run(solver, *clock.read(), {}, None, str(failed))
    return _read_models(solver, out / "sparse", clock.read(), count)


def _pipeline(frames: Path, out: Path, count: int) -> Run:
    clock = Clock()
    try:
        call([sys.executable, "-c", _PYCOLMAP, str(frames), str(out)])
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
