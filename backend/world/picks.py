"""Places of the set that the artist points at: world coordinates, or a pixel of a plate frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.export.lens_distortion import lens_of
from shared.artifacts import frame_name
from shared.camera_files import FrameIntrinsics, SolvedCamera
from shared.errors import InvalidRequest
from shared.shot import ShotFolder
from shared.world_messages import Pick

from .person import Ray

Floats = NDArray[np.float64]

_REACH = 0.012
"""How far from the pixel a solved point may be, as a share of the picture's diagonal (26 px in 1920x1080)."""


class Picker:
    """Resolves picks of one shot; reads the points once, when the first pick needs them."""

    def __init__(self, shot: ShotFolder, camera: SolvedCamera) -> None:
        self._shot, self._camera = shot, camera
        self._seen: dict[int, tuple[Floats, Floats]] | None = None

    def place(self, pick: Pick) -> Floats:
        """[3] in the present world. Raises `InvalidRequest`."""
        if pick.xyz is not None:
            return np.array(pick.xyz, np.float64)
        if pick.frame is None or pick.x is None or pick.y is None:
            raise InvalidRequest("A pick has neither world coordinates nor a pixel of a frame.", "Pick it again.")
        pixels, xyz = self._points_in(pick.frame)
        wanted = np.array([pick.x, pick.y])
        reach = _REACH * float(np.hypot(self._camera.intrinsics.width, self._camera.intrinsics.height))
        away = np.linalg.norm(pixels - wanted, axis=1)
        if not len(away) or away.min() > reach:
            near = f"the nearest is {away.min():.0f} px away" if len(away) else "that frame sees none"
            raise InvalidRequest(
                f"No solved point lies within {reach:.0f} px of ({pick.x:.0f}, {pick.y:.0f}) in frame {pick.frame}: "
                f"{near}.",
                "Pick a corner or a spot that was tracked, or another frame.",
            )
        return np.asarray(xyz[int(away.argmin())])

    def places(self, picks: Sequence[Pick]) -> list[Floats]:
        return [self.place(pick) for pick in picks]

    def ray(self, pick: Pick) -> Ray:
        """From the camera of the pick's frame through its pixel. Raises `InvalidRequest`."""
        if pick.frame is None or pick.x is None or pick.y is None:
            raise InvalidRequest("A pixel of a frame is needed here, not a place of the world.", "Pick it in a frame.")
        lens, pose = self._camera_in(pick.frame)
        seen = (np.array([[pick.x, pick.y]]) - (lens.cx, lens.cy)) / (lens.fx, lens.fy)
        flat = lens_of(self._camera.intrinsics).undistort(seen)[0]
        direction = pose[:3, :3] @ np.array([flat[0], flat[1], 1.0])
        return Ray(pose[:3, 3], direction / np.linalg.norm(direction))

    def _camera_in(self, frame: int) -> tuple[FrameIntrinsics, Floats]:
        known = [inner for inner in self._camera.intrinsics.frames if inner.frame == frame]
        pose = next((f.world_from_camera for f in self._camera.extrinsics.frames if f.frame == frame), None)
        if not known or pose is None:
            raise InvalidRequest(f"Frame {frame} has no camera pose.", "Pick in a frame that was solved.")
        return known[0], np.array(pose)

    def _points_in(self, frame: int) -> tuple[Floats, Floats]:
        """Pixels [N, 2] and places [N, 3] of what the frame sees."""
        lens, pose = self._camera_in(frame)
        tracked = self._tracked().get(frame)
        return tracked if tracked is not None else self._projected(lens, pose)

    def _tracked(self) -> dict[int, tuple[Floats, Floats]]:
        """What the solver saw in each frame: only these are surely not hidden behind something."""
        if self._seen is None:
            self._seen = self._read_model() if (self._shot.sparse_dir / "points3D.bin").is_file() else {}
        return self._seen

    def _read_model(self) -> dict[int, tuple[Floats, Floats]]:
        import pycolmap

        numbers = {frame_name(frame.frame): frame.frame for frame in self._camera.extrinsics.frames}
        model = pycolmap.Reconstruction(str(self._shot.sparse_dir))
        places = {number: point.xyz for number, point in model.points3D.items()}
        seen = {}
        for image in model.images.values():
            spots = [spot for spot in image.points2D if spot.has_point3D()]
            if spots and image.name in numbers:
                xyz = np.array([places[spot.point3D_id] for spot in spots])
                seen[numbers[image.name]] = (np.array([spot.xy for spot in spots]), xyz)
        return seen

    def _projected(self, lens: FrameIntrinsics, pose: Floats) -> tuple[Floats, Floats]:
        """All points of the cloud in front of the camera: a camera that was imported has no tracks."""
        if not self._shot.cloud.is_file():
            return np.zeros((0, 2)), np.zeros((0, 3))
        with np.load(self._shot.cloud) as stored:
            xyz = stored["xyz"].astype(np.float64)
        seen = (xyz - pose[:3, 3]) @ pose[:3, :3]
        ahead = seen[:, 2] > 1e-6 * np.abs(seen[:, 2]).max(initial=0.0)
        flat = seen[ahead, :2] / seen[ahead, 2:]
        pixels = lens_of(self._camera.intrinsics).distort(flat) * (lens.fx, lens.fy) + (lens.cx, lens.cy)
        inside = np.isfinite(pixels).all(axis=1)
        return pixels[inside], xyz[ahead][inside]
