"""Where a viewport shows the shot's camera frame."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
from mathutils import Matrix, Vector

from ..importers import ownership


@dataclass(frozen=True)
class CameraFrame:
    """Px of the region: the lower left corner, width and height."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def matrix(self) -> Matrix:
        """From the frame's coordinates, 0 to 1, to the region's."""
        stretched = Matrix.Diagonal((self.width, self.height, 1.0, 1.0))
        return Matrix.Translation((self.left, self.bottom, 0.0)) @ stretched


def looks_through(context: bpy.types.Context, camera: bpy.types.Object | None) -> bool:
    """Whether the viewport that is drawn looks through this camera."""
    space, view = context.space_data, context.region_data
    if camera is None or view is None or view.view_perspective != "CAMERA":
        return False
    return (space.camera if space.use_local_camera else context.scene.camera) == camera


def camera_frame(context: bpy.types.Context, camera: bpy.types.Object) -> CameraFrame | None:
    """The frame in the viewport that is drawn, which looks through `camera`; None when it is nowhere.

    In camera view the view matrix undoes the camera's own, so that only the lens and the window's matrix matter."""
    window, region = context.region_data.window_matrix, context.region
    spots = []
    for corner in camera.data.view_frame(scene=context.scene):
        seen = window @ Vector((*corner, 1.0))
        if seen.w <= 0.0:
            return None
        spots.append(((seen.x / seen.w + 1.0) * region.width / 2, (seen.y / seen.w + 1.0) * region.height / 2))
    (left, bottom), (right, top) = map(min, zip(*spots, strict=True)), map(max, zip(*spots, strict=True))
    if right - left < 1.0 or top - bottom < 1.0:
        return None
    return CameraFrame(left, bottom, right - left, top - bottom)


def plate_is_undistorted(collection: bpy.types.Collection, camera: bpy.types.Object) -> bool:
    """Whether the camera's background shows the plate without its lens distortion."""
    clip = ownership.recall(collection, ownership.PLATE)
    shown = (b for b in camera.data.background_images if b.source == "MOVIE_CLIP" and b.clip == clip)
    background = next(shown, None)
    return background is None or background.clip_user.use_render_undistorted
