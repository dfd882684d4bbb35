"""The solved camera as an animated Blender camera."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from . import animation, lens, ownership
from .contents import CameraPath, ShotContents

_LENS_TOLERANCE = 1e-5
"""Relative change of the focal length below which it counts as constant: 0.01 px at 1000 px."""
_SHIFT_TOLERANCE = 1e-5


def import_root(scene: bpy.types.Scene, collection: bpy.types.Collection, name: str) -> bpy.types.Object:
    """The empty that camera and cloud are children of: artists move, turn and scale the shot by it."""
    root, made = ownership.ensure_object(scene, collection, ownership.ROOT, f"{name} Root", None)
    if made:
        root.empty_display_type = "PLAIN_AXES"
    return root


def import_camera(
    scene: bpy.types.Scene, collection: bpy.types.Collection, root: bpy.types.Object, contents: ShotContents, name: str
) -> Iterator[bpy.types.Object]:
    """Makes the camera or updates its lens and its keys; constraints, parents and other settings stay. Yields it after
    each curve."""
    remembered = ownership.recall(collection, ownership.CAMERA)
    data = remembered.data if remembered is not None else bpy.data.cameras.new(f"{name} Camera")
    camera, made = ownership.ensure_object(scene, collection, ownership.CAMERA, f"{name} Camera", data)
    if made:
        camera.parent = root
        _first_settings(camera, contents)
    camera.rotation_mode = "QUATERNION"
    camera.data.sensor_fit = "HORIZONTAL"
    for _ in _key_poses(collection, camera, contents.path, name):
        yield camera
    _key_lens(collection, camera.data, contents, name)
    yield camera


def widen(collection: bpy.types.Collection, contents: ShotContents, factor: float) -> None:
    """Lets the camera see `factor` times the plate's width and height, with the plate behind it as small as that."""
    camera = ownership.recall(collection, ownership.CAMERA)
    if camera is None:
        return
    ownership.set_overscan(collection, factor)
    _key_lens(collection, camera.data, contents, camera.name)
    clip = ownership.recall(collection, ownership.PLATE)
    for shown in camera.data.background_images:
        if shown.source == "MOVIE_CLIP" and shown.clip == clip:
            shown.scale = 1.0 / factor


def _first_settings(camera: bpy.types.Object, contents: ShotContents) -> None:
    """Settings of a new camera, sized to the shot; from then on they are the artist's."""
    camera.data.clip_start = min(0.1, contents.depth.near / 10)
    camera.data.clip_end = max(100.0, contents.depth.far * 10)
    camera.data.display_size = min(max(contents.depth.near / 5, 1e-3), 1e3)
    camera.data.show_passepartout = True
    camera.data.passepartout_alpha = 0.9


def _key_poses(
    collection: bpy.types.Collection, camera: bpy.types.Object, path: CameraPath, name: str
) -> Iterator[None]:
    action = _action(collection, ownership.CAMERA_ACTION, f"{name} Camera", camera)
    curves = animation.channels(action, camera)
    marks = animation.gap_marks(path.frames)
    kinds = np.where(path.interpolated, animation.BREAKDOWN, animation.KEYFRAME)
    for data_path, values in (("location", path.location), ("rotation_quaternion", path.rotation)):
        for axis in range(values.shape[1]):
            animation.write_curve(curves, data_path, axis, path.frames, values[:, axis], marks, kinds)
            yield
    animation.assign_first(camera, action)


def _key_lens(collection: bpy.types.Collection, data: bpy.types.Camera, contents: ShotContents, name: str) -> None:
    """Sets the lens; keys only what varies."""
    intrinsics = contents.camera.intrinsics
    overscan = ownership.overscan(collection)
    data.sensor_width = contents.sensor_mm * overscan
    optics = lens.to_blender(intrinsics, contents.sensor_mm, overscan)
    frames = np.array([f.frame for f in intrinsics.frames])
    channels = (
        ("lens", optics.lens_mm, _LENS_TOLERANCE * float(np.median(optics.lens_mm))),
        ("shift_x", optics.shift_x, _SHIFT_TOLERANCE),
        ("shift_y", optics.shift_y, _SHIFT_TOLERANCE),
    )
    moving = [channel for channel in channels if lens.varies(channel[1], channel[2])]
    known = ownership.recall(collection, ownership.LENS_ACTION)
    if moving or known is not None:
        action = _action(collection, ownership.LENS_ACTION, f"{name} Lens", data)
        curves = animation.channels(action, data)
        marks, kinds = animation.gap_marks(frames), np.full(len(frames), animation.KEYFRAME)
        for data_path, values, tolerance in channels:
            if lens.varies(values, tolerance):
                animation.write_curve(curves, data_path, 0, frames, values, marks, kinds)
            else:
                animation.remove_curve(curves, data_path)
        animation.assign_first(data, action)
    for data_path, values, _ in channels:
        setattr(data, data_path, float(np.median(values)))


def _action(collection: bpy.types.Collection, role: str, name: str, owner: bpy.types.ID) -> bpy.types.Action:
    known = ownership.recall(collection, role)
    if known is not None:
        return known
    made = bpy.data.actions.new(name)
    ownership.remember(collection, role, made)
    return made
