"""The plate without its lens: `camera/undistorted/`, with the intrinsics of its own pixels beside the frames."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.media.images import read_image
from backend.media.png import encode_png, is_whole_png
from backend.pipeline.atomic import atomic_folder, atomic_path, write_text
from shared.artifacts import frame_name
from shared.camera_files import FrameIntrinsics, Intrinsics
from shared.shot import ShotFolder, document_text

from .stmap import undistort_positions
from .undistorted_picture import UndistortedPicture

_FAR = -1e4
"""A place outside of every plate, for pixels that the lens model does not reach."""


def write_undistorted(
    folder: Path,
    shot: ShotFolder,
    plate: Intrinsics,
    picture: UndistortedPicture,
    half_done: Path,
    step: Callable[[int], None],
) -> None:
    """Frames go to `half_done` first, where an interrupted run finds them again; `step` is called with each
    frame's number. Black where the plate has nothing."""
    half_done.mkdir(parents=True, exist_ok=True)
    maps: tuple[FrameIntrinsics, NDArray[np.float32]] | None = None
    for frame in plate.frames:
        step(frame.frame)
        target = half_done / frame_name(frame.frame)
        if target.is_file() and is_whole_png(target):
            continue
        if maps is None or not _same_lens(maps[0], frame):
            maps = frame, _sampling_map(plate, frame, picture)
        with atomic_path(target) as beside:
            beside.write_bytes(encode_png(_undistorted(read_image(shot.frame_path(frame.frame)), maps[1])))
    with atomic_folder(folder) as beside:
        for path in half_done.glob("frame_*.png"):
            shutil.move(path, beside / path.name)
        write_text(beside / "intrinsics.json", document_text(picture.intrinsics(plate)))


def _same_lens(a: FrameIntrinsics, b: FrameIntrinsics) -> bool:
    return (a.fx, a.fy, a.cx, a.cy) == (b.fx, b.fy, b.cx, b.cy)


def _sampling_map(plate: Intrinsics, frame: FrameIntrinsics, picture: UndistortedPicture) -> NDArray[np.float32]:
    """[H',W',2] for cv2.remap, which counts px from the first pixel's centre."""
    positions = undistort_positions(plate, frame, picture) - np.float32(0.5)
    positions[~np.isfinite(positions)] = _FAR
    return positions


def _undistorted(image: NDArray[Any], sampling: NDArray[np.float32]) -> NDArray[Any]:
    """Cubic: as sharp as the plate allows without the halos of longer kernels."""
    # The second map is not needed, which OpenCV's type hints do not know.
    remap: Any = cv2.remap
    sampled: NDArray[Any] = remap(image, sampling, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return sampled
