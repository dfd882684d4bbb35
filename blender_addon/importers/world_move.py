"""Moves what was imported from a shot by a change of the shot's world.

Camera keys and cloud points move themselves, because the next import replaces them by what the files say.
Everything else that hangs below the shot's root, camera or cloud keeps its own keys and places: the inverse of its
parent takes the change up. What the artist has placed outside the shot stays.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from ..shared.camera_files import Similarity
from ..shared.similarity import as_matrix
from . import animation, ownership
from .cloud_display import scale_radius
from .quality_curves import scale_speed


def move_shot(collection: bpy.types.Collection, by: Similarity) -> None:
    """Moves the camera's path, the points, what follows them, and lengths that are the import's own."""
    from ..depth.following import move_vertices

    action = ownership.recall(collection, ownership.CAMERA_ACTION)
    camera = ownership.recall(collection, ownership.CAMERA)
    if action is not None and camera is not None:
        curves = animation.channels(action, camera)
        move_keys(curves, by)
        scale_speed(curves, by.scale)
    cloud = ownership.recall(collection, ownership.CLOUD)
    if cloud is not None:
        move_vertices(cloud, Matrix(as_matrix(by)))
    move_followers(collection, by)


def move_followers(collection: bpy.types.Collection, by: Similarity) -> None:
    """Moves only what an import does not replace."""
    from ..compositing.depth_effects import scale_effects
    from ..depth.following import depth_objects, move_depth
    from ..mocap.armature import note_move

    root, camera, cloud = (
        ownership.recall(collection, role) for role in (ownership.ROOT, ownership.CAMERA, ownership.CLOUD)
    )
    depth = depth_objects(collection)
    ours = (camera, cloud, *depth)
    moved, grown = Matrix(as_matrix(by)), Matrix.Scale(by.scale, 4)
    below = [(thing, grown if thing.parent == camera else moved) for thing in depth]
    for parent, change in ((root, moved), (cloud, moved), (camera, grown), *below):
        for child in parent.children if parent is not None else ():
            if child not in ours:
                child.matrix_parent_inverse = change @ child.matrix_parent_inverse
    note_move(collection, moved)
    if camera is not None:
        _grow_camera(camera.data, by.scale)
    if cloud is not None:
        scale_radius(cloud, by.scale)
    move_depth(collection, by)
    scale_effects(collection, by.scale)


def move_keys(curves: Any, by: Similarity) -> None:
    """Moves the keys of a camera's F-curves, location and quaternion, as the artist has left them."""
    turn = np.array(by.rotation)
    place = np.array(by.translation)
    located = read_keys(curves, "location", 3)
    if located is not None:
        frames, values = located
        _write(curves, "location", frames, by.scale * values @ turn.T + place)
    turned = read_keys(curves, "rotation_quaternion", 4)
    if turned is not None:
        frames, values = turned
        _write(curves, "rotation_quaternion", frames, values @ _left_product(Matrix(by.rotation).to_quaternion()).T)


def read_keys(curves: Any, data_path: str, axes: int) -> tuple[list[np.ndarray], np.ndarray] | None:
    """Key frames of each curve [axes] and the values of all curves there [T, axes]. Curves whose keys the artist
    has moved apart are sampled where any of them has a key."""
    found = [curves.find(data_path, index=axis) for axis in range(axes)]
    if any(curve is None or not len(curve.keyframe_points) for curve in found):
        return None
    keys = [curve_keys(curve) for curve in found]
    frames = keys[0][:, 0]
    if all(len(one) == len(frames) and np.array_equal(one[:, 0], frames) for one in keys):
        return [frames] * axes, np.stack([one[:, 1] for one in keys], axis=-1)
    union = np.unique(np.concatenate([one[:, 0] for one in keys]))
    return [union] * axes, np.array([[curve.evaluate(frame) for curve in found] for frame in union])


def curve_keys(curve: Any) -> np.ndarray:
    """float64 [T, 2] frame and value."""
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    return flat.reshape(-1, 2).astype(np.float64)


def _write(curves: Any, data_path: str, frames: list[np.ndarray], values: np.ndarray) -> None:
    for axis, at in enumerate(frames):
        curve = curves.find(data_path, index=axis)
        points = curve.keyframe_points
        if len(points) != len(at):
            marks = animation.gap_marks(at)
            kinds = np.full(len(at), animation.KEYFRAME)
            animation.write_curve(curves, data_path, axis, at, values[:, axis], marks, kinds)
            continue
        points.foreach_set("co", np.stack([at, values[:, axis]], axis=-1).astype(np.float32).ravel())
        curve.update()


def _left_product(q: Quaternion) -> np.ndarray:
    """[4, 4], wxyz: the matrix that multiplies a quaternion by `q` from the left."""
    w, x, y, z = q
    return np.array([(w, -x, -y, -z), (x, w, -z, y), (y, z, w, -x), (z, -y, x, w)])


def _grow_camera(data: bpy.types.Camera, scale: float) -> None:
    """Lengths of the scene that the camera was given: seen range, size of its picture, focus."""
    data.clip_start *= scale
    data.clip_end *= scale
    data.display_size *= scale
    data.dof.focus_distance *= scale
