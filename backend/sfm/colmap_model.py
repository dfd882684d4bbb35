"""Writes a solve as a COLMAP model (binary), for every program that reads one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap

from .frames import Indices
from .resection import colmap_camera
from .result import CameraSolve


def colmap_model(solved: CameraSolve, image_name: Callable[[int], str]) -> pycolmap.Reconstruction:
    """The solve as a pycolmap reconstruction. image_name: file name of a plate number."""
    model = pycolmap.Reconstruction()
    cameras = _add_cameras(model, solved)
    seen = solved.observations
    slot = np.zeros(len(seen.track), np.int64)
    for index, frame in enumerate(solved.frames):
        if frame.world_from_camera is None:
            continue
        mine = seen.rows_of(index)
        slot[mine] = np.arange(len(mine))
        image = pycolmap.Image(
            name=image_name(frame.number), keypoints=seen.xy[mine], camera_id=cameras[index], image_id=index + 1
        )  # fmt: skip
        pose = np.linalg.inv(frame.world_from_camera)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pose[:3]))
    posed = np.array([frame.world_from_camera is not None for frame in solved.frames])
    for begin, end, point in _runs(seen.track):
        track = pycolmap.Track()
        for i in range(begin, end):
            if posed[seen.frame[i]]:
                track.add_element(int(seen.frame[i]) + 1, int(slot[i]))
        number = model.add_point3D(solved.cloud.xyz[point], track, solved.cloud.rgb[point])
        model.point3D(number).error = float(solved.cloud.error_px[point])
    return model


def _add_cameras(model: pycolmap.Reconstruction, solved: CameraSolve) -> list[int]:
    """One camera for all frames, or one for each frame of a lens that zooms: the number of each frame's."""
    lenses = solved.lenses if solved.zooms else (solved.lens,)
    for number, lens in enumerate(lenses, start=1):
        model.add_camera_with_trivial_rig(colmap_camera(lens, solved.width, solved.height, number))
    return list(range(1, len(solved.frames) + 1)) if solved.zooms else [1] * len(solved.frames)


def _runs(track: Indices) -> list[tuple[int, int, int]]:
    """(begin, end, value) of every run of equal values."""
    starts = np.r_[0, np.nonzero(np.diff(track))[0] + 1] if len(track) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(track)]
    return [(int(a), int(b), int(track[a])) for a, b in zip(starts, ends, strict=True)]


def write_colmap_model(solved: CameraSolve, folder: Path, image_name: Callable[[int], str]) -> None:
    """Writes cameras.bin, images.bin, points3D.bin (and rigs.bin, frames.bin of newer COLMAPs) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    colmap_model(solved, image_name).write_binary(str(folder))
