"""The plate as a movie clip with the solved lens, shown behind the camera."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ..compositing.lens_maps import distinct, distort
from ..shared.camera_files import Intrinsics
from ..shared.shot import ShotFolder
from . import lens, ownership
from .contents import ShotContents

LENS_ERROR = "backlot_lens_error_px"
"""Custom property of the clip: see `measure_lens`."""
_GRID = 33
_AT_ONCE = 16
"""Frames of a zoom that one step measures."""


def import_plate(
    collection: bpy.types.Collection, camera: bpy.types.Object, contents: ShotContents, name: str
) -> bpy.types.MovieClip | None:
    """Loads the plate, sets the tracking camera, and makes it the camera's background. None when the
    shot's frames are not on disk."""
    if not contents.has_plate:
        return None
    first = str(ShotFolder(contents.root).frame_path(contents.shot.facts.frame_start))
    clip = ownership.recall(collection, ownership.PLATE)
    if clip is None:
        clip = bpy.data.movieclips.load(first)
        clip.name = f"{name} Plate"
        ownership.remember(collection, ownership.PLATE, clip)
    elif bpy.path.abspath(clip.filepath) != first:
        clip.filepath = first
    # Scene frame N shows plate frame N: the file that was loaded is the sequence's first.
    clip.frame_start = contents.shot.facts.frame_start
    clip.frame_offset = 0
    set_tracking_camera(clip, contents.camera.intrinsics, contents.sensor_mm)
    distorted = lens.is_distorted(contents.camera.intrinsics)
    _set_background(camera, clip, distorted, ownership.overscan(collection))
    return clip


def set_tracking_camera(clip: bpy.types.MovieClip, intrinsics: Intrinsics, sensor_mm: float) -> None:
    """Puts the solved lens into Blender's own tracking camera.

    Blender's tracking pixels count upwards, so y and cy turn round. Its Brown model is
    x_d = x r + 2 p2 x y + p1 (r2 + 2 x2), which is COLMAP's OPENCV with p1 and p2 exchanged, and with
    y upwards p2 changes its sign. The tracking camera cannot be animated: a zoom gets its median.
    """
    tracking = clip.tracking.camera
    k = np.median([(f.fx, f.fy, f.cx, f.cy) for f in intrinsics.frames], axis=0)
    tracking.sensor_width = sensor_mm
    tracking.pixel_aspect = lens.pixel_aspect(intrinsics)
    tracking.focal_length = float(k[0]) * sensor_mm / intrinsics.width
    # Normalised: -1..1 from edge to edge in both directions, the form that does not need the file read.
    tracking.principal_point = (
        (float(k[2]) - intrinsics.width / 2) / (intrinsics.width / 2),
        (intrinsics.height / 2 - float(k[3])) / (intrinsics.height / 2),
    )
    tracking.distortion_model = "BROWN"
    tracking.brown_k1, tracking.brown_k2 = intrinsics.k1, intrinsics.k2
    tracking.brown_k3 = tracking.brown_k4 = 0.0
    tracking.brown_p1, tracking.brown_p2 = intrinsics.p2, -intrinsics.p1


def measure_lens(clip: bpy.types.MovieClip, intrinsics: Intrinsics) -> Iterator[None]:
    """Notes how far the clip's tracking camera, as Blender holds it in 32 bits, bends a place of the plate to somewhere
    else than the solved lens does: the most over the plate and over every frame, px. A few frames in each step.

    Nearly nothing unless the lens zooms: the clip then has the median focal length. Blender's model, written out:
    x_d = x (1 + k1 r2 + k2 r4) + 2 p2 x y + p1 (r2 + 2 x2) with y upwards.
    """
    held = clip.tracking.camera
    width, height = intrinsics.width, intrinsics.height
    fx = held.focal_length / held.sensor_width * width
    fy = fx * held.pixel_aspect
    middle = np.array((1.0 + held.principal_point[0], 1.0 - held.principal_point[1])) * (width / 2, height / 2)
    worst = 0.0
    for count, frame in enumerate(distinct(intrinsics)):
        x, y = np.meshgrid(np.linspace(0, width, _GRID), np.linspace(0, height, _GRID))
        u, v = distort((x - frame.cx) / frame.fx, (y - frame.cy) / frame.fy, intrinsics)
        away = np.stack([u * frame.fx + frame.cx - x, v * frame.fy + frame.cy - y])
        a, b = (x - middle[0]) / fx, (middle[1] - y) / fy
        r2 = a * a + b * b
        radial = held.brown_k1 * r2 + held.brown_k2 * r2 * r2
        bent_x = a * radial + 2 * held.brown_p2 * a * b + held.brown_p1 * (r2 + 2 * a * a)
        bent_y = b * radial + 2 * held.brown_p1 * a * b + held.brown_p2 * (r2 + 2 * b * b)
        worst = max(worst, float(np.hypot(away[0] - bent_x * fx, away[1] + bent_y * fy).max()))
        if count % _AT_ONCE == _AT_ONCE - 1:
            yield
    clip[LENS_ERROR] = worst


def _set_background(camera: bpy.types.Object, clip: bpy.types.MovieClip, distorted: bool, overscan: float) -> None:
    backgrounds = camera.data.background_images
    shown = next((b for b in backgrounds if b.source == "MOVIE_CLIP" and b.clip == clip), None)
    if shown is None:
        shown = backgrounds.new()
        shown.source = "MOVIE_CLIP"
        shown.clip = clip
        shown.use_camera_clip = False
        # The plate fills the frame by definition: its size is the render's size.
        shown.frame_method = "STRETCH"
        shown.scale = 1.0 / overscan
        shown.alpha = 1.0
        shown.display_depth = "BACK"
        camera.data.show_background_images = True
    # The scene's camera has no distortion, so what it stands before must have none either.
    shown.clip_user.use_render_undistorted = distorted
