"""What the artist can do. Operators check, hand over, and report; the work is elsewhere."""

import bpy

from . import (
    backend,
    compare,
    compositing,
    depth,
    diagnostics,
    exporting,
    footage,
    import_camera,
    importing,
    job_log,
    jobs,
    mocap,
    presets,
    queue_clips,
    recovery,
    retargeting,
    roto,
    roto_hints,
    roto_run,
    roto_session,
    run_all,
    set_up,
    solving,
    tracks,
    weights,
    world,
    world_adjust,
    world_points,
)

CLASSES = (
    *footage.CLASSES,
    *solving.CLASSES,
    *run_all.CLASSES,
    *queue_clips.CLASSES,
    *jobs.CLASSES,
    *job_log.CLASSES,
    *diagnostics.CLASSES,
    *importing.CLASSES,
    *backend.CLASSES,
    *recovery.CLASSES,
    *set_up.CLASSES,
    *weights.CLASSES,
    *compositing.CLASSES,
    *compare.CLASSES,
    *exporting.CLASSES,
    *import_camera.CLASSES,
    *tracks.CLASSES,
    *world_points.CLASSES,
    *world.CLASSES,
    *world_adjust.CLASSES,
    *depth.CLASSES,
    *roto.CLASSES,
    *roto_run.CLASSES,
    *roto_hints.CLASSES,
    *roto_session.CLASSES,
    *mocap.CLASSES,
    *retargeting.CLASSES,
    *presets.CLASSES,
)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
