"""The Backlot tab of the 3D viewport's sidebar, and of those of Image Editor and Clip Editor."""

import bpy

from . import (
    compositing,
    depth,
    exporting,
    inspect,
    jobs,
    mocap,
    preset_menu,
    roto,
    shot,
    solve,
    tracks,
    trouble,
    world,
)

CLASSES = (
    *preset_menu.CLASSES,
    *trouble.CLASSES,
    *shot.CLASSES,
    *solve.CLASSES,
    *inspect.CLASSES,
    *tracks.CLASSES,
    *world.CLASSES,
    *roto.CLASSES,
    *depth.CLASSES,
    *mocap.CLASSES,
    *compositing.CLASSES,
    *exporting.CLASSES,
    *jobs.CLASSES,
)

DECLARED = (solve.SOLVE, roto.ROTO, roto.MATTE, depth.DEPTH, mocap.MOCAP, exporting.EXPORT)
"""Panels of stages; those in other editors are copies."""

WITHOUT_PANEL = {"ingest": "the Shot panel shows it"}
"""Stages that are declared nowhere above, and why."""


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
