"""What the free view shows: the cloud by its errors, the camera's path and frusta. As they stand in the scene now."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..importers import animation, ownership, world_record
from ..importers.quality import SPEED
from ..importers.world_move import curve_keys, read_keys
from .camera_path import Lines, Track, frustum_lines, path_colours, path_lines, shown_frusta
from .colours import badness_colours
from .settings import SolveOverlaySettings
from .worst import FrameQuality, worst_frames

CURVES = {"CONFIDENCE": "solve_confidence", "ERROR": "solve_error_px", "SPEED": SPEED}
_MOST_POINTS = 200_000


@dataclass(frozen=True)
class CloudDots:
    """xyz float32 [N,3] in the cloud's own space, colours float32 [N,4]."""

    xyz: np.ndarray
    colours: np.ndarray


def cloud_key(collection: bpy.types.Collection, cloud: bpy.types.Object) -> Hashable:
    """Changes when the cloud's points do: by an import, an undo, or a change of the world."""
    record = world_record.read(collection)
    mesh = cloud.data
    return mesh.session_uid, mesh.as_pointer(), len(mesh.vertices), record.revision if record is not None else None


def cloud_dots(cloud: bpy.types.Object, worst_px: float) -> CloudDots:
    """The cloud's points, coloured by their mean errors; a sample of a very large one."""
    count = len(cloud.data.vertices)
    held = cloud.data.attributes.get("error")
    error = np.full(count, np.nan, np.float32)
    xyz = np.empty(3 * count, np.float32)
    cloud.data.vertices.foreach_get("co", xyz)
    if held is not None and len(held.data) == count:
        held.data.foreach_get("value", error)
    some = slice(None, None, max(1, -(-count // _MOST_POINTS)))
    return CloudDots(xyz.reshape(-1, 3)[some], badness_colours(error[some] / worst_px))


def camera_track(collection: bpy.types.Collection, camera: bpy.types.Object, kind: str) -> Track | None:
    """The camera's keys as they are in the scene, the artist's changes included; None when there are none."""
    action = ownership.recall(collection, ownership.CAMERA_ACTION)
    if action is None:
        return None
    curves = animation.channels(action, camera)
    located, turned = read_keys(curves, "location", 3), read_keys(curves, "rotation_quaternion", 4)
    if located is None or turned is None or len(located[1]) != len(turned[1]):
        return None
    frames = located[0][0]
    return Track(frames, located[1], turned[1], _values(curves, kind, frames))


def worst_of(collection: bpy.types.Collection, camera: bpy.types.Object, count: int) -> list[FrameQuality]:
    """The frames of the solve that are worth a look, by the curves on the camera."""
    action = ownership.recall(collection, ownership.CAMERA_ACTION)
    located = read_keys(animation.channels(action, camera), "location", 3) if action is not None else None
    if located is None:
        return []
    frames, curves = located[0][0], animation.channels(action, camera)
    return worst_frames(frames, _values(curves, "ERROR", frames), _values(curves, "CONFIDENCE", frames), count)


def _values(curves: Any, kind: str, frames: np.ndarray) -> np.ndarray:
    """float64 [T]: what the solve told of these frames; nan where it did not."""
    told = curves.find(f'["{CURVES[kind]}"]')
    if told is None or not len(told.keyframe_points):
        return np.full(len(frames), np.nan)
    keys = curve_keys(told)
    here = np.clip(np.searchsorted(keys[:, 0], frames), 0, len(keys) - 1)
    return np.where(keys[here, 0] == frames, keys[here, 1], np.nan)


def track_key(track: Track) -> Hashable:
    return hash((track.frames.tobytes(), track.location.tobytes(), track.rotation.tobytes(), track.value.tobytes()))


def camera_lines(
    track: Track, camera: bpy.types.Object, settings: SolveOverlaySettings, marked: tuple[int, ...]
) -> tuple[Lines, Lines]:
    """Path and frusta."""
    colours = path_colours(track.value, settings.path_colour, settings.worst_px)
    corners = np.array(camera.data.view_frame(), float)
    corners *= camera.data.display_size / max(float(np.abs(corners[:, 2]).max()), 1e-9)
    return path_lines(track, colours), frustum_lines(track, shown_frusta(track.frames, marked), corners, colours)


def path_matrix(camera: bpy.types.Object) -> Matrix:
    """From the space of the camera's keys to the scene's world, as its parent stands now."""
    if camera.parent is None:
        return Matrix.Identity(4)
    return camera.parent.matrix_world @ camera.matrix_parent_inverse
