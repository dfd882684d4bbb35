"""Small renders for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def render_png(scene: Any, path: Path, frame: int, samples: int = 8) -> np.ndarray:
    """uint8 [H,W,3] of one frame as the scene saves it, 8-bit PNG."""
    import bpy

    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", samples, False
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode, scene.render.image_settings.color_depth = "RGB", "8"
    scene.render.filepath = str(path)
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    return read_png(path)


def render_float(scene: Any, path: Path, frame: int, samples: int = 1) -> np.ndarray:
    """float32 [H,W,4] of one frame in scene-linear values, by way of a float EXR."""
    import bpy

    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", samples, False
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    scene.render.filepath = str(path)
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]


def read_png(path: Path) -> np.ndarray:
    """uint8 [H,W,3] of a PNG."""
    import bpy

    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return np.rint(pixels.reshape(height, width, 4)[::-1, :, :3] * 255).astype(np.uint8)
