"""Full masks from what the artist painted or drew in Blender."""

from __future__ import annotations

import bpy
import numpy as np

from ..shared.errors import InvalidRequest
from .mask_import import MaskSpace
from .rasterise import filled, flattened

_HALF = 0.5
_TAKING_AWAY = ("SUBTRACT", "MERGE_SUBTRACT")
_CUTTING = ("MUL", "DARKEN")


def of_image(image: bpy.types.Image, size: tuple[int, int]) -> np.ndarray:
    """bool [H,W], first row on top: where an image is bright and opaque. Raises `InvalidRequest` for another size than
    the plate's."""
    width, height = image.size
    if (width, height) != tuple(size):
        raise InvalidRequest(
            f"{image.name} has {width} x {height} pixels, the plate {size[0]} x {size[1]}.",
            "Choose or make an image of the plate's size.",
        )
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    rows = pixels.reshape(height, width, image.channels)[::-1]
    bright = rows[..., : min(image.channels, 3)].max(axis=2)
    if image.channels == 4:
        bright = bright * rows[..., 3]
    return bright >= _HALF


def of_mask(mask: bpy.types.Mask, scene: bpy.types.Scene, size: tuple[int, int]) -> np.ndarray:
    """bool [H,W]: what a mask's splines enclose at the scene's frame, layer by layer as the compositor does; without
    feather. Raises `InvalidRequest` for a mask without a closed spline."""
    seen = mask.evaluated_get(bpy.context.evaluated_depsgraph_get())
    aspect = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    space, found, any_spline = MaskSpace(size, aspect), np.zeros(size[::-1], bool), False
    for layer in seen.layers:
        if layer.hide_render or layer.alpha < _HALF:
            continue
        own = np.zeros_like(found)
        for spline in layer.splines:
            if spline.use_cyclic and spline.use_fill and len(spline.points) > 1:
                any_spline = True
                own ^= filled(flattened(space.to_plate(_points(spline))), *size)
        own ^= layer.invert
        if layer.blend in _TAKING_AWAY:
            found &= ~own
        elif layer.blend in _CUTTING:
            found &= own
        elif layer.blend == "DIFFERENCE":
            found ^= own
        else:
            found |= own
    if not any_spline:
        raise InvalidRequest(f"{mask.name} has no closed spline at this frame.", "Close one (Alt C) and try again.")
    return found


def _points(spline: bpy.types.MaskSpline) -> np.ndarray:
    """[N,3,2] of left handle, place and right handle."""
    return np.array([(point.handle_left, point.co, point.handle_right) for point in spline.points], np.float64)
