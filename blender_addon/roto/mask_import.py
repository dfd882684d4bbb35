"""Bézier outlines as Blender's own mask: sparse shape keys, one layer for each spline.

Measured in Blender 4.2, 4.5 and 5.0: points of a mask cannot be animated by F-curves, only by shape keys, and only
`mask.shape_key_insert` makes those. It keys, at the scene's frame, every layer that has a selected point. So each
spline gets a layer of its own, and its own key frames; `hide_render` of the layer says when it is there. The keys
are made in an empty scene: the artist's own is not taken through all frames.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..importers.animation import CONSTANT, KEYFRAME, assign, channels, remove_curve, write_curve
from ..overriding import overridden
from .results import LabelFiles, RotoContents, Spline

_AT_ONCE = 4
"""Key frames in one step."""
_BORROWED = ("IMAGE_EDITOR", "CLIP_EDITOR", "PROPERTIES", "OUTLINER", "DOPESHEET_EDITOR")
"""Kinds of areas that keys may be made in, the best first: each is what it was afterwards."""
_DIGITS = 5
_SAMPLES = 3
Size = tuple[int, int]


@dataclass(frozen=True)
class ImportedMask:
    """state: text that the next import wants to see. is_kept: the artist has changed the mask since the import before,
    so that it stays as it was."""

    mask: bpy.types.Mask
    state: str
    is_kept: bool = False


def import_mask(
    mask: bpy.types.Mask | None, state: str, contents: RotoContents, label: LabelFiles, name: str
) -> Iterator[ImportedMask | None]:
    """Makes or updates a label's mask, in short steps; the last one yields the result. state: of the import before, ""
    at first. Layers of the artist's own stay."""
    facts = contents.facts
    frames = (facts.frame_start, facts.frame_end)
    if mask is not None and state and _signature(mask, json.loads(state)) != json.loads(state)["signature"]:
        yield ImportedMask(mask, state, is_kept=True)
        return
    if mask is None:
        mask = bpy.data.masks.new(name)
    _remove_layers(mask, json.loads(state)["layers"] if state else [])
    mask.frame_start, mask.frame_end = frames
    layers = [_add_layer(mask, spline, index) for index, spline in enumerate(label.splines)]
    _animate_visibility(mask, layers, label.splines, frames)
    space = MaskSpace((facts.width, facts.height), facts.pixel_aspect)
    yield None
    numbers = sorted({number for spline in label.splines for number in spline.keys})
    for at in range(0, len(numbers), _AT_ONCE):
        _insert_keys(mask, layers, label.splines, numbers[at : at + _AT_ONCE], space)
        yield None
    made = {"layers": [layer.name for layer in layers], "frames": _sampled(label.splines)}
    made["signature"] = _signature(mask, made)
    yield ImportedMask(mask, json.dumps(made))


class MaskSpace:
    """Blender's mask coordinates: the longer side of the picture is 1 long, the middle is (0.5, 0.5), y up."""

    def __init__(self, size: Size, pixel_aspect: float = 1.0) -> None:
        self._size, self._side, self._aspect = size, max(size), pixel_aspect

    def from_plate(self, places: np.ndarray) -> np.ndarray:
        """places: float64 [...,2], px of the plate, y down, edges at integers."""
        x = 0.5 + (places[..., 0] - self._size[0] / 2) / self._side
        y = 0.5 + (self._size[1] / 2 - places[..., 1]) / (self._side * self._aspect)
        return np.stack([x, y], axis=-1)

    def to_plate(self, places: np.ndarray) -> np.ndarray:
        x = (places[..., 0] - 0.5) * self._side + self._size[0] / 2
        y = self._size[1] / 2 - (places[..., 1] - 0.5) * self._side * self._aspect
        return np.stack([x, y], axis=-1)


def _add_layer(mask: bpy.types.Mask, spline: Spline, index: int) -> bpy.types.MaskLayer:
    layer = mask.layers.new(name=f"Backlot {'Hole' if spline.subtract else 'Shape'} {index + 1}")
    layer.blend = "SUBTRACT" if spline.subtract else "MERGE_ADD"
    made = layer.splines.new()
    count = len(next(iter(spline.keys.values())))
    made.points.add(count - len(made.points))
    made.use_cyclic = True
    for point in made.points:
        point.handle_left_type = point.handle_right_type = "FREE"
    return layer


def _animate_visibility(
    mask: bpy.types.Mask, layers: list[Any], splines: tuple[Spline, ...], frames: tuple[int, int]
) -> None:
    """Hides a layer in renders where its spline is not there."""
    for layer, spline in zip(layers, splines, strict=True):
        if (spline.first, spline.last) == frames:
            continue
        keys = [(spline.first, 0.0)]
        if spline.first > frames[0]:
            keys.insert(0, (frames[0], 1.0))
        if spline.last < frames[1]:
            keys.append((spline.last + 1, 1.0))
        count = len(keys)
        write_curve(
            _curves(mask), f'layers["{layer.name}"].hide_render', 0, np.array([frame for frame, _ in keys], float),
            np.array([value for _, value in keys]), np.full(count, CONSTANT), np.full(count, KEYFRAME),
        )  # fmt: skip


def _curves(mask: bpy.types.Mask) -> Any:
    held = mask.animation_data
    if held is None or held.action is None:
        assign_new = bpy.data.actions.new(f"{mask.name} Visibility")
        curves = channels(assign_new, mask)
        assign(mask, assign_new)
        return curves
    return channels(held.action, mask)


def _insert_keys(
    mask: bpy.types.Mask, layers: list[Any], splines: tuple[Spline, ...], numbers: list[int], space: MaskSpace
) -> None:
    """At some of the key frames."""
    selected = [(point, point.select) for layer in mask.layers for made in layer.splines for point in made.points]
    for point, _ in selected:
        point.select = False
    with _keying(mask) as scene:
        for number in numbers:
            scene.frame_set(number)  # first: it puts the points where the keys so far want them
            moved = [
                (layer, spline.keys[number])
                for layer, spline in zip(layers, splines, strict=True)
                if number in spline.keys
            ]
            for layer, points in moved:
                _place(layer.splines[0], space.from_plate(points.reshape(-1, 3, 2)), select=True)
            bpy.ops.mask.shape_key_insert()
            for layer, _ in moved:
                layer.splines[0].points.foreach_set("select", [False] * len(layer.splines[0].points))
    for point, was in selected:
        point.select = was
    mask.update_tag()


def _place(made: bpy.types.MaskSpline, places: np.ndarray, *, select: bool) -> None:
    """places: [N,3,2] of place, left and right handle, in the mask's space."""
    for point, (co, left, right) in zip(made.points, places.tolist(), strict=True):
        point.co, point.handle_left, point.handle_right = co, left, right
        point.select = select


@contextmanager
def _keying(mask: bpy.types.Mask) -> Iterator[bpy.types.Scene]:
    """An empty scene, and a context in which mask operators key there. All is put back."""
    scene = bpy.data.scenes.new("Backlot Keys")
    window = bpy.context.window or bpy.context.window_manager.windows[0]
    area = min(window.screen.areas, key=lambda area: _BORROWED.index(area.type) if area.type in _BORROWED else 99)
    kind = area.ui_type  # the type alone makes a dope sheet of a timeline
    area.type = "IMAGE_EDITOR"
    space = area.spaces.active
    mode, shown = space.mode, space.mask
    space.mode, space.mask = "MASK", mask
    region = next(region for region in area.regions if region.type == "WINDOW")
    members = {"window": window, "screen": window.screen, "area": area, "region": region, "space_data": space}
    try:
        # Without edit_mask the operator looks for it where there is nothing in the background, and crashes.
        with overridden(**members, scene=scene, edit_mask=mask):
            yield scene
    finally:
        space.mask, space.mode = shown, mode
        area.ui_type = kind
        bpy.data.scenes.remove(scene)


def _remove_layers(mask: bpy.types.Mask, names: list[str]) -> None:
    held = mask.animation_data
    for name in names:
        layer = mask.layers.get(name)
        if layer is not None:
            mask.layers.remove(layer)
        if held is not None and held.action is not None:
            remove_curve(channels(held.action, mask), f'layers["{name}"].hide_render')


def _sampled(splines: tuple[Spline, ...]) -> list[int]:
    """A few key frames, at which a change of the artist's is looked for."""
    numbers = sorted({number for spline in splines for number in spline.keys})
    if not numbers:
        return []
    return sorted({numbers[round(share * (len(numbers) - 1))] for share in np.linspace(0.0, 1.0, _SAMPLES)})


def _signature(mask: bpy.types.Mask, made: dict[str, Any]) -> str:
    """Of the layers that were imported, as they are at some frames. It needs no change of the artist's scene."""
    digest = hashlib.sha256()
    scene = bpy.data.scenes.new("Backlot Look")
    try:
        for number in made["frames"]:
            scene.frame_set(number)
            seen = mask.evaluated_get(scene.view_layers[0].depsgraph)
            for name in made["layers"]:
                digest.update(_shape(seen.layers.get(name)))
    finally:
        bpy.data.scenes.remove(scene)
    return digest.hexdigest()[:16]


def _shape(layer: bpy.types.MaskLayer | None) -> bytes:
    if layer is None:
        return b"gone"
    said = [layer.blend, str(layer.invert)]
    for made in layer.splines:
        for point in made.points:
            numbers = (*point.co, *point.handle_left, *point.handle_right)
            said.append(" ".join(f"{round(value, _DIGITS) + 0.0:.{_DIGITS}f}" for value in numbers))
    return "\n".join(said).encode()
