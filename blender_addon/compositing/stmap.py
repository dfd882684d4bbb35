"""The lens's distortion as an image node set-up.

Blender's Movie Distortion node reads the same lens from the clip, but in 4.5 and 5.0 it moves the picture
by up to some pixels (it grows the canvas by a different number of pixels on each side and then centres
it), so the set-up maps pixels by STMaps instead: float images that say for every pixel where in the other
picture it comes from (u right, v up, 0..1). They are computed here from the solve and are exact.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..shared.camera_files import Intrinsics
from ..shared.shot import ShotFolder
from .lens_maps import pixel_map
from .trees import Builder


def load_map(
    root: Path, lens: Intrinsics, kind: str, overscan: float, known: bpy.types.Image | None
) -> bpy.types.Image:
    """The STMap as an image of the file: written beside the shot's other private files, or packed into the
    .blend when the shot cannot be written to. overscan: of the render, see `lens_maps`."""
    coordinates = pixel_map(lens, kind, overscan)
    pixels = np.ones((lens.height, lens.width, 4), dtype=np.float32)
    pixels[..., 0] = coordinates[..., 0] / lens.width
    pixels[..., 1] = 1 - coordinates[..., 1] / lens.height
    image = bpy.data.images.new(
        f"Backlot {kind.capitalize()}", lens.width, lens.height, alpha=True, float_buffer=True, is_data=True
    )
    image.pixels.foreach_set(pixels[::-1].ravel())
    image.file_format = "OPEN_EXR"
    path = ShotFolder(root).private_dir / "blender" / f"{kind}.exr"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.filepath_raw = str(path)
        image.save()
    except (OSError, RuntimeError):
        image.filepath_raw = ""
        image.pack()
    if known is not None:
        known.user_remap(image)
        bpy.data.images.remove(known)
    return image


def sample(build: Builder, picture: object, image: bpy.types.Image, size: tuple[int, int]) -> object:
    """Nodes that fetch `picture` (premultiplied) at the places the STMap names, bilinearly."""
    places = build.node("CompositorNodeImage", label=image.name)
    places.image = image
    node = build.node("CompositorNodeMapUV", picture, places)
    if "Interpolation" in node.inputs:
        node.inputs["Interpolation"].default_value = "Bilinear"
        return node
    build.tree.nodes.remove(node)
    return _four_taps(build, picture, places, size)


def sample_nearest(build: Builder, picture: object, image: bpy.types.Image) -> object:
    """As `sample`, without any mixing of neighbours: for depth."""
    places = build.node("CompositorNodeImage", label=image.name)
    places.image = image
    node = build.node("CompositorNodeMapUV", picture, places)
    if "Interpolation" in node.inputs:
        node.inputs["Interpolation"].default_value = "Nearest"
    else:
        node.filter_type = "NEAREST"
    return node


def _four_taps(build: Builder, picture: object, places: object, size: tuple[int, int]) -> object:
    """Before 5.0 Map UV knows nearest (half a pixel off) and an anisotropic filter (a quarter of a pixel
    off), so the four neighbours are fetched one by one and mixed."""
    split = build.node("CompositorNodeSeparateColor", places)
    column, across = _floor_and_rest(build, split.outputs[0], size[0])
    row, up = _floor_and_rest(build, split.outputs[1], size[1])
    taps = [[_tap(build, picture, column, row, dx, dy, size) for dx in (0, 1)] for dy in (0, 1)]
    rows = [build.mix(across, left, right) for left, right in taps]
    colour = build.mix(up, rows[0], rows[1])
    alphas = [[build.node("CompositorNodeSeparateColor", tap).outputs[3] for tap in pair] for pair in taps]
    edges = [build.mix(across, left, right) for left, right in alphas]
    alpha = build.mix(up, edges[0], edges[1])
    result = build.node("CompositorNodeSetAlpha", colour, alpha)
    result.mode = "REPLACE_ALPHA"
    return result


def _floor_and_rest(build: Builder, coordinate: object, size: int) -> tuple[object, object]:
    """Index of the pixel centre at or below a coordinate (0..1 over `size` pixels), and the rest, 0..1."""
    pixels = build.math("SUBTRACT", build.math("MULTIPLY", coordinate, float(size)), 0.5)
    index = build.math("FLOOR", pixels)
    return index, build.math("SUBTRACT", pixels, index)


def _tap(
    build: Builder, picture: object, column: object, row: object, dx: int, dy: int, size: tuple[int, int]
) -> object:
    u = build.math("DIVIDE", build.math("ADD", column, 0.5 + dx), float(size[0]))
    v = build.math("DIVIDE", build.math("ADD", row, 0.5 + dy), float(size[1]))
    place = build.node("CompositorNodeCombineColor", u, v)
    place.inputs[2].default_value = 1.0  # Map UV takes the third channel for coverage
    tap = build.node("CompositorNodeMapUV", picture, place)
    tap.filter_type = "NEAREST"
    return tap
