"""The plate without its lens: `camera/undistorted/`, with the intrinsics of its own pixels beside the frames."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
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
    sampling: _Sampling | None = None
    for frame in plate.frames:
        step(frame.frame)
        target = half_done / frame_name(frame.frame)
        if target.is_file() and is_whole_png(target):
            continue
        if sampling is None or not _same_lens(sampling.frame, frame):
            sampling = _sampling(plate, frame, picture)
        with atomic_path(target) as beside:
            beside.write_bytes(encode_png(_undistorted(read_image(shot.frame_path(frame.frame)), sampling)))
    with atomic_folder(folder) as beside:
        for path in half_done.glob("frame_*.png"):
            shutil.move(path, beside / path.name)
        write_text(beside / "intrinsics.json", document_text(picture.intrinsics(plate)))


def _same_lens(a: FrameIntrinsics, b: FrameIntrinsics) -> bool:
    return (a.fx, a.fy, a.cx, a.cy) == (b.fx, b.fy, b.cx, b.cy)


@dataclass(frozen=True)
class _Sampling:
    """places: float32 [H',W',2] for cv2.remap, which counts px from the first pixel's centre. outside: bool
    [H',W'], where the plate has nothing."""

    frame: FrameIntrinsics
    places: NDArray[np.float32]
    outside: NDArray[np.bool_]


def _sampling(plate: Intrinsics, frame: FrameIntrinsics, picture: UndistortedPicture) -> _Sampling:
    places = undistort_positions(plate, frame, picture)
    # NaN, beyond the lens model, compares as outside too.
    x, y = places[..., 0], places[..., 1]
    inside = (x >= 0.0) & (x <= plate.width) & (y >= 0.0) & (y <= plate.height)
    places -= np.float32(0.5)
    places[~inside] = 0.0
    return _Sampling(frame, places, ~inside)


def _undistorted(image: NDArray[Any], sampling: _Sampling) -> NDArray[Any]:
    """Cubic: as sharp as the plate allows without the halos of longer kernels. At the plate's edge its last
    pixels are repeated: blending with black would overshoot there."""
    # The second map is not needed, which OpenCV's type hints do not know.
    remap: Any = cv2.remap
    sampled: NDArray[Any] = remap(image, sampling.places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    sampled[sampling.outside] = 0
    return sampled
