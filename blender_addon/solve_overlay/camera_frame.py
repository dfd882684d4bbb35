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


@dataclass(frozen=True)
class Viewport:
    """One of the viewports of an area: its region, and what that looks through."""

    scene: bpy.types.Scene
    space: bpy.types.SpaceView3D
    region: bpy.types.Region
    view: bpy.types.RegionView3D

    def looks_through(self, camera: bpy.types.Object | None) -> bool:
        """Whether it shows this camera's view."""
        if camera is None or self.view.view_perspective != "CAMERA":
            return False
        return (self.space.camera if self.space.use_local_camera else self.scene.camera) == camera

    def camera_frame(self, camera: bpy.types.Object) -> CameraFrame | None:
        """Where it shows the frame of `camera`, which it looks through; None when it does nowhere.

        In camera view the view matrix undoes the camera's own, so that only the lens and the window's matrix matter."""
        spots = []
        for corner in camera.data.view_frame(scene=self.scene):
            seen = self.view.window_matrix @ Vector((*corner, 1.0))
            if seen.w <= 0.0:
                return None
            x, y = seen.x / seen.w, seen.y / seen.w
            spots.append(((x + 1.0) * self.region.width / 2, (y + 1.0) * self.region.height / 2))
        (left, bottom), (right, top) = map(min, zip(*spots, strict=True)), map(max, zip(*spots, strict=True))
        if right - left < 1.0 or top - bottom < 1.0:
            return None
        return CameraFrame(left, bottom, right - left, top - bottom)


def drawn_viewport(context: bpy.types.Context) -> Viewport | None:
    """The viewport that is being drawn, or that an event is about; None elsewhere."""
    if context.region_data is None or context.region.type != "WINDOW":
        return None
    return Viewport(context.scene, context.space_data, context.region, context.region_data)


def main_viewport(context: bpy.types.Context) -> Viewport | None:
    """The viewport of the current area, which may be in its sidebar; None in other editors."""
    area = context.area
    if area is None or area.type != "VIEW_3D":
        return None
    region = next(region for region in area.regions if region.type == "WINDOW")
    return Viewport(context.scene, area.spaces.active, region, area.spaces.active.region_3d)


def plate_is_undistorted(collection: bpy.types.Collection, camera: bpy.types.Object) -> bool:
    """Whether the camera's background shows the plate without its lens distortion."""
    clip = ownership.recall(collection, ownership.PLATE)
    shown = (b for b in camera.data.background_images if b.source == "MOVIE_CLIP" and b.clip == clip)
    background = next(shown, None)
    return background is None or background.clip_user.use_render_undistorted
