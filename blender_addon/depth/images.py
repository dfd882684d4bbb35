"""Frame sequences as image datablocks, for Geometry Nodes, materials and the compositor.

Where a node has a frame input (Geometry Nodes), that number is the file's. Other nodes count from where the sequence
begins in the scene, and add an offset.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..importers import ownership

DATA = "Non-Color"
"""Colour space of depth and confidence: numbers, not light."""


def load_sequence(
    collection: bpy.types.Collection, role: str, first: Path, name: str, *, is_data: bool
) -> bpy.types.Image:
    """The image of a role of the shot, with its first file. A file that another import has changed is read again."""
    image = ownership.recall(collection, role)
    if image is None:
        image = bpy.data.images.load(str(first))
        image.name = name
        ownership.remember(collection, role, image)
    elif bpy.path.abspath(image.filepath) != str(first):
        image.filepath = str(first)
    else:
        image.reload()
    image.source = "SEQUENCE"
    if is_data:
        image.colorspace_settings.name = DATA
        image.alpha_mode = "CHANNEL_PACKED"
    return image


def show_frames(user: Any, first: int, last: int) -> None:
    """Makes an image user (of a texture, or a compositor's image node) show file N in scene frame N."""
    user.frame_start = first
    user.frame_offset = first - 1
    user.frame_duration = last - first + 1
    user.use_cyclic = False
    user.use_auto_refresh = True
