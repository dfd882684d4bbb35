"""A COLMAP model, binary or text, as the shot's camera and points.

Images are matched to plate frames by the last number in their names. Radial and tangential lenses up to
COLMAP's OPENCV model are taken over; a model of another picture size is scaled to the plate's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from shared import axes
from shared.artifacts import frame_name
from shared.camera_files import Matrix4
from shared.errors import FootageUnreadable, InvalidRequest
from shared.shot import SourceFacts

from .imported_camera import ImportedCamera, ImportedFrame, ImportedPoints, ImportOptions

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
}
"""Camera model -> the meaning of its parameters."""


@dataclass(frozen=True)
class _Lens:
    """K in px of the plate, and k1 k2 p1 p2."""

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float]


def read_colmap(folder: Path, plate: SourceFacts, options: ImportOptions) -> ImportedCamera:
    """Raises `FootageUnreadable`, `InvalidRequest`."""
    import pycolmap

    try:
        model: Any = pycolmap.Reconstruction(str(folder))
    except (ValueError, RuntimeError, OSError) as bad:
        raise FootageUnreadable(
            f"{folder} holds no COLMAP model: {bad}.", "Pick the folder of cameras and images."
        ) from bad
    turn = axes.transpose(options.convention(axes.BACKLOT).world)
    model.transform(pycolmap.Sim3d(options.scale, pycolmap.Rotation3d(np.array(turn)), np.zeros(3)))
    images = {_number(image.name) + options.frame_offset: image for image in model.images.values() if image.has_pose}
    if not images:
        raise FootageUnreadable(f"The COLMAP model in {folder} has no image with a pose.", "Solve it again.")
    lenses = {number: _lens(image.camera, plate) for number, image in images.items()}
    bends = {lens.distortion for lens in lenses.values()}
    if len(bends) > 1:
        raise InvalidRequest(
            f"The cameras of {folder} have {len(bends)} different lens distortions; a shot has one.",
            "Solve with one shared lens, or import an undistorted model.",
        )

    def write_model(target: Path) -> None:
        for number, image in images.items():
            image.name = frame_name(number)
        model.write_binary(str(target))

    return ImportedCamera(
        source=folder,
        frames={number: _frame(image, lenses[number]) for number, image in images.items()},
        units="arbitrary",
        distortion=bends.pop(),
        points=_points(model),
        focal_source="solved",
        write_model=write_model,
    )


def _number(name: str) -> int:
    digits = re.findall(r"\d+", Path(name).stem)
    if not digits:
        raise InvalidRequest(f"The image {name!r} of the model has no frame number in its name.", "Number the images.")
    return int(digits[-1])


def _lens(camera: Any, plate: SourceFacts) -> _Lens:
    name = str(camera.model.name)
    if name not in _PARAMETERS:
        raise InvalidRequest(
            f"The lens model {name} is not one that Backlot knows.", f"Solve with one of {', '.join(_PARAMETERS)}."
        )
    values = dict(zip(_PARAMETERS[name], map(float, camera.params), strict=True))
    across, up = plate.width / camera.width, plate.height / camera.height
    if abs(across / up - 1.0) > 0.01:
        raise InvalidRequest(
            f"The model's pictures have {camera.width}x{camera.height} px, the plate {plate.width}x{plate.height}.",
            "Import a model of this shot's plate.",
        )
    k1, k2, p1, p2 = (values.get(key, 0.0) for key in ("k1", "k2", "p1", "p2"))
    fx, fy = (values.get(key, values.get("f", 0.0)) for key in ("fx", "fy"))
    return _Lens(fx * across, fy * up, values["cx"] * across, values["cy"] * up, (k1, k2, p1, p2))


def _frame(image: Any, lens: _Lens) -> ImportedFrame:
    inverse = image.cam_from_world().inverse()
    first, second, third = inverse.matrix().tolist()
    pose = ((*first,), (*second,), (*third,), (0.0, 0.0, 0.0, 1.0))
    return ImportedFrame(cast(Matrix4, pose), lens.fx, lens.fy, lens.cx, lens.cy, None, int(image.num_points3D))


def _points(model: Any) -> ImportedPoints:
    points = list(model.points3D.values())
    return ImportedPoints(
        np.array([point.xyz for point in points], np.float32).reshape(-1, 3),
        np.array([point.color for point in points], np.uint8).reshape(-1, 3),
        np.array([point.error for point in points], np.float32),
        np.array([point.track.length() for point in points], np.int32),
    )
