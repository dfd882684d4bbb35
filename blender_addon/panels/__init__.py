"""The Backlot tab of the 3D viewport's sidebar, and of those of Image Editor and Clip Editor."""

import bpy

from . import depth, exporting, inspect, jobs, mocap, roto, shot, solve, tracks, trouble, world

CLASSES = (
    *trouble.CLASSES,
    *shot.CLASSES,
    *solve.CLASSES,
    *inspect.CLASSES,
    *tracks.CLASSES,
    *world.CLASSES,
    *depth.CLASSES,
    *roto.CLASSES,
    *mocap.CLASSES,
    *exporting.CLASSES,
    *jobs.CLASSES,
)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
