"""A ground that shows only the shadows that fall on it."""

from __future__ import annotations

import bpy
import numpy as np

from ..importers import ownership
from ..importers.contents import Cloud, ShotContents
from .composite import CompositeSetUp, set_up_composite

_BINS = 60


def set_up_shadow_catcher(
    scene: bpy.types.Scene, collection: bpy.types.Collection, contents: ShotContents, overscan: bool = True
) -> CompositeSetUp:
    """The composite, and a shadow-catching ground under the cloud. Raises `ArtifactMissing`."""
    made = set_up_composite(scene, collection, contents, overscan)
    notes = list(made.notes)
    if scene.render.engine != "CYCLES":
        scene.render.engine = "CYCLES"
        notes.append("The render engine is Cycles now: only Cycles catches shadows")
    _ground(scene, collection, contents)
    return CompositeSetUp(made.group, tuple(notes))


def ground_level(cloud: Cloud, highest: float) -> tuple[float, np.ndarray]:
    """Height of the ground, and the box [[x0,y0],[x1,y1]] of the points.

    The ground is the densest thin layer of points below `highest` (the lowest camera), in the lower half
    of them: floors give more points at one height than anything that stands on them.
    """
    box = np.percentile(cloud.xyz[:, :2], (2, 98), axis=0)
    heights = cloud.xyz[:, 2].astype(np.float64)
    below = heights[heights < highest]
    heights = below if len(below) >= 10 else heights
    low, high = np.percentile(heights, (1, 60))
    layer = heights[(heights >= low - 1e-9) & (heights <= high + 1e-9)]
    count, edges = np.histogram(layer, bins=_BINS, range=(low, max(high, low + 1e-6)))
    densest = int(np.argmax(count))
    inside = layer[(layer >= edges[densest]) & (layer <= edges[densest + 1])]
    return float(np.median(inside)) if len(inside) else float(low), box


def _ground(scene: bpy.types.Scene, collection: bpy.types.Collection, contents: ShotContents) -> bpy.types.Object:
    """The ground: placed when it is made, and the artist's to move from then on."""
    known = ownership.recall(collection, ownership.GROUND)
    if known is not None:
        ownership.place(scene, collection, known)
        known.is_shadow_catcher = True
        return known
    height, box = _place(contents)
    mesh = bpy.data.meshes.new("Backlot Ground")
    centre, half = box.mean(axis=0), (box[1] - box[0]) * 0.75
    corners = [(sx * half[0], sy * half[1], 0.0) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    ground, _ = ownership.ensure_object(scene, collection, ownership.GROUND, "Backlot Ground", mesh)
    ground.parent = ownership.recall(collection, ownership.ROOT)
    ground.location = (float(centre[0]), float(centre[1]), height)
    ground.is_shadow_catcher = True
    ground.display_type = "WIRE"
    return ground


def _place(contents: ShotContents) -> tuple[float, np.ndarray]:
    if contents.cloud is None or len(contents.cloud.xyz) == 0:
        spread = np.ptp(contents.path.location, axis=0).max() + 1.0
        middle = contents.path.location.mean(axis=0)[:2]
        return 0.0, np.array([middle - spread, middle + spread])
    return ground_level(contents.cloud, float(contents.path.location[:, 2].min()))
