"""COLMAP's text model: cameras.txt, images.txt, points3D.txt.

With the solver's own model in the shot its tracks are kept; a camera that came from elsewhere is written
without points. Poses are those of the shot's camera files, so a world set by the artist is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backend.pipeline.atomic import atomic_folder
from shared import axes
from shared.artifacts import frame_name
from shared.camera_files import FrameIntrinsics, Intrinsics, Matrix4, SolvedCamera
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder

from .rotation_curve import number

_SAME_PLACE = 1e-4
"""Of the camera path's size: how far apart two poses may be and still count as the same."""


def write_colmap_text(
    folder: Path, shot: ShotFolder, camera: SolvedCamera, convention: axes.Convention, scale: float
) -> None:
    """convention: only its world is used; COLMAP's cameras are always OpenCV's. Raises `ShotCorrupt` when the
    model in the shot belongs to another solve."""
    with atomic_folder(folder) as beside:
        if (shot.sparse_dir / "cameras.bin").is_file():
            _write_model(beside, shot, camera, convention, scale)
        else:
            write_cameras_only(beside, camera, convention, scale)


def _write_model(folder: Path, shot: ShotFolder, camera: SolvedCamera, world: axes.Convention, scale: float) -> None:
    import pycolmap

    model = pycolmap.Reconstruction(str(shot.sparse_dir))
    if not _is_in_world(model, camera):
        from_solve = camera.world.world_from_solve
        rotation = pycolmap.Rotation3d(np.array(from_solve.rotation))
        model.transform(pycolmap.Sim3d(from_solve.scale, rotation, np.array(from_solve.translation)))
        if not _is_in_world(model, camera):
            raise ShotCorrupt(
                f"{shot.sparse_dir} and {shot.extrinsics} are of different solves.", "Run Solve Camera again."
            )
    model.transform(pycolmap.Sim3d(scale, pycolmap.Rotation3d(np.array(world.world)), np.zeros(3)))
    model.write_text(str(folder))


def _is_in_world(model: Any, camera: SolvedCamera) -> bool:
    """Whether the model's camera centres are those of the shot's poses."""
    known = {
        frame_name(pose.frame): np.array(pose.world_from_camera)[:3, 3]
        for pose in camera.extrinsics.frames
        if pose.world_from_camera is not None
    }
    pairs = [
        (image.projection_center(), known[Path(image.name).name])
        for image in model.images.values()
        if image.has_pose and Path(image.name).name in known
    ]
    if not pairs:
        return False
    theirs, ours = (np.array(side) for side in zip(*pairs, strict=True))
    size = max(float(np.ptp(ours, axis=0).max()), 1e-9)
    return float(np.abs(theirs - ours).max()) <= _SAME_PLACE * size + 1e-9


def write_cameras_only(folder: Path, camera: SolvedCamera, world: axes.Convention, scale: float) -> None:
    cameras: list[str] = []
    images: list[str] = []
    ids: dict[tuple[float, ...], int] = {}
    only_world = axes.Convention(world.name, world.world, axes.BACKLOT.camera)
    for inner, outer in zip(camera.intrinsics.frames, camera.extrinsics.frames, strict=True):
        if outer.world_from_camera is None:
            continue
        lens = (inner.fx, inner.fy, inner.cx, inner.cy)
        if lens not in ids:
            ids[lens] = len(ids) + 1
            cameras.append(_camera_line(ids[lens], camera.intrinsics, inner))
        pose = axes.pose_to(only_world, outer.world_from_camera)
        images.append(_image_lines(len(images) + 1, ids[lens], frame_name(outer.frame), pose, scale))
    (folder / "cameras.txt").write_text("".join(cameras), encoding="utf-8")
    (folder / "images.txt").write_text("".join(images), encoding="utf-8")
    (folder / "points3D.txt").write_text("", encoding="utf-8")


def _camera_line(number_: int, plate: Intrinsics, frame: FrameIntrinsics) -> str:
    values = [frame.fx, frame.fy, frame.cx, frame.cy]
    model = "PINHOLE"
    if plate.model != "PINHOLE":
        model, values = "OPENCV", [*values, plate.k1, plate.k2, plate.p1, plate.p2]
    return f"{number_} {model} {plate.width} {plate.height} {' '.join(repr(value) for value in values)}\n"


def _image_lines(number_: int, camera_id: int, name: str, pose: Matrix4, scale: float) -> str:
    """Two lines: camera_from_world as quaternion (w x y z) and translation; and an empty list of points."""
    camera_from_world = axes.transpose(axes.rotation_of(pose))
    x, y, z = axes.position_of(pose)
    away = axes.apply(camera_from_world, (-x * scale, -y * scale, -z * scale))
    values = " ".join(number(value) for value in (*axes.quaternion_of(camera_from_world), *away))
    return f"{number_} {values} {camera_id} {name}\n\n"
