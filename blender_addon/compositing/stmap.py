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
from .trees import Builder

_NEWTON_STEPS = 12
UNDISTORT, REDISTORT = "undistort", "redistort"


def distort(x: np.ndarray, y: np.ndarray, lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    """Normalised coordinates through the lens: COLMAP's OPENCV model, y down."""
    r2 = x * x + y * y
    radial = 1 + lens.k1 * r2 + lens.k2 * r2 * r2
    return (
        x * radial + 2 * lens.p1 * x * y + lens.p2 * (r2 + 2 * x * x),
        y * radial + 2 * lens.p2 * x * y + lens.p1 * (r2 + 2 * y * y),
    )


def undistort(x: np.ndarray, y: np.ndarray, lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `distort`, by Newton steps with the exact Jacobian."""
    u, v = x.copy(), y.copy()
    for _ in range(_NEWTON_STEPS):
        found_x, found_y = distort(u, v, lens)
        r2 = u * u + v * v
        radial = 1 + lens.k1 * r2 + lens.k2 * r2 * r2
        slope = 2 * lens.k1 + 4 * lens.k2 * r2
        cross = slope * u * v + 2 * lens.p1 * u + 2 * lens.p2 * v
        along_x = radial + slope * u * u + 2 * lens.p1 * v + 6 * lens.p2 * u
        along_y = radial + slope * v * v + 2 * lens.p2 * u + 6 * lens.p1 * v
        error_x, error_y = x - found_x, y - found_y
        determinant = along_x * along_y - cross * cross
        u += (along_y * error_x - cross * error_y) / determinant
        v += (along_x * error_y - cross * error_x) / determinant
    return u, v


def pixel_map(lens: Intrinsics, kind: str) -> np.ndarray:
    """float64 [H,W,2]: for each pixel centre of the result, where in the source picture it comes from, px."""
    k = np.median([(f.fx, f.fy, f.cx, f.cy) for f in lens.frames], axis=0)
    x, y = np.meshgrid(np.arange(lens.width) + 0.5, np.arange(lens.height) + 0.5)
    bend = distort if kind == UNDISTORT else undistort
    x, y = bend((x - k[2]) / k[0], (y - k[3]) / k[1], lens)
    return np.stack([x * k[0] + k[2], y * k[1] + k[3]], axis=-1)


def load_map(root: Path, lens: Intrinsics, kind: str, known: bpy.types.Image | None) -> bpy.types.Image:
    """The STMap as an image of the file: written beside the shot's other private files, or packed into the
    .blend when the shot cannot be written to."""
    coordinates = pixel_map(lens, kind)
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
