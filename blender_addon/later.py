"""What enabling need not wait for: modules that are used by a click or an import, read in by the pump afterwards.

Those who use them import them where they do: in a script, and for an artist who is quicker than the pump.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager

MODULES = (
    "shared.camera_files", "importers.world_record", "shared.motion_arrays", "summary", "importers.contents",
    "importers.camera", "importers.cloud", "importers.plate", "depth.grid_nodes", "depth.grid", "depth.scene_import",
    "compositing.trees", "compositing.view", "compositing.composite", "compositing.depth_effects",
    "importers.world_move", "importers.shot_import", "shared.solve_hints", "track_hints", "roto.png", "roto.results",
    "roto.scene_import", "roto.sources", "mocap.rig", "mocap.contents", "mocap.cleaning", "mocap.scene_import",
    "mocap.retarget", "mocap.retargeting", "compositing.shadow_catcher", "roto.holdout", "diagnostics.report",
    "weights.drawing", "solve_overlay.marks", "solve_overlay.scene_view", "solve_overlay.painter", "compare.painter",
    "clip_facts", "shared.footage_messages", "importers.lens", "importers.tracks", "mocap.painter",
    "roto.mask_shader", "roto.stroke_shader", "picking.drag", "picking.modal",
)  # fmt: skip
"""In an order in which each brings few others along: a turn of the pump takes one."""


def load_numpy() -> None:
    """Reads in the one library that most of `MODULES` need and that Blender itself starts without. On a thread: it is
    more than a turn of the pump."""
    importlib.import_module("numpy")


def load(package: str) -> Iterator[str]:
    """Reads in a module at each step, and yields its name."""
    for name in MODULES:
        importlib.import_module(f"{package}.{name}")
        yield name


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside, Python looks for no garbage: while hundreds of classes are made there is none, and each look goes through
    all of Blender's own objects."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
