"""What is drawn over the plate: masks, hints, and in words what they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import gpu

from ..shared.errors import BacklotError
from ..shared.roto_prompts import FramePrompt
from . import edits, objects
from .editor import BRUSH, POINTS, SESSION, Plate, PlateView, hint_tool, plate_of, plate_view, shows_plate
from .gesture import Gesture
from .hint_drawing import Colour, HintPen
from .mask_files import MaskFiles, Shown
from .previews import Asked, Previews

if TYPE_CHECKING:
    from .mask_shader import MaskShader
    from .stroke_shader import StrokeShader

_WHITE: Colour = (1.0, 1.0, 1.0, 1.0)
_GREY: Colour = (0.8, 0.8, 0.8, 1.0)
_WARNING: Colour = (1.0, 0.65, 0.25, 1.0)
_OTHERS_FILL = 0.6
_MARGIN_PX = 12.0
_LETTERS = 90
_CLICK = "Click on an object, or drag a box around it"
_HOW = {POINTS: _CLICK, SESSION: _CLICK, BRUSH: "Paint on an object"}
"""What makes the first hint."""


@dataclass(frozen=True)
class Layer:
    """A mask to draw, in its object's colour."""

    shown: Shown
    color: tuple[float, float, float]
    is_active: bool


class Overlay:
    """The draw handlers of both editors. gesture: what the hand is about now."""

    def __init__(self, previews: Previews, masks: MaskFiles) -> None:
        self._previews, self._masks = previews, masks
        self._shader: MaskShader | None = None
        self._strokes: StrokeShader | None = None
        self._handles: list[tuple[Any, Any]] = []
        self.gesture: Gesture | None = None

    def start(self) -> None:
        for space in (bpy.types.SpaceImageEditor, bpy.types.SpaceClipEditor):
            self._handles.append((space, space.draw_handler_add(self.draw, (), "WINDOW", "POST_PIXEL")))

    def stop(self) -> None:
        for space, handle in self._handles:
            space.draw_handler_remove(handle, "WINDOW")
        self._handles.clear()

    def draw(self) -> None:
        """Called by Blender for every region of the editors' kinds."""
        context = bpy.context
        scene = context.scene
        if not objects.of_scene(scene).show or not shows_plate(scene, context.space_data):
            return
        try:
            plate = plate_of(scene)
        except BacklotError:
            return
        view = plate_view(context.region, plate.size)
        if view.width < 1.0 or view.height < 1.0:
            return
        scale = context.preferences.system.ui_scale
        gpu.state.blend_set("ALPHA")
        self._draw_masks(scene, plate, view, scale)
        self._draw_hints(scene, plate, view, scale)
        gpu.state.blend_set("NONE")

    def _draw_masks(self, scene: bpy.types.Scene, plate: Plate, view: PlateView, scale: float) -> None:
        from .mask_shader import MaskShader

        layers = self.layers(scene, plate)
        if layers and self._shader is None:
            self._shader = MaskShader()
        state = objects.of_scene(scene)
        for layer in sorted(layers, key=lambda layer: layer.is_active):
            assert self._shader is not None
            fill = state.opacity * (1.0 if layer.is_active else _OTHERS_FILL)
            self._shader.draw(layer.shown, view, layer.color, fill, state.outline * scale)

    def layers(self, scene: bpy.types.Scene, plate: Plate) -> list[Layer]:
        """The masks of this frame that are there: a preview before what the stage has written."""
        state, number = objects.of_scene(scene), plate.number(scene)
        active = objects.active_object(scene)
        found = []
        playing = bpy.context.screen is not None and bpy.context.screen.is_animation_playing
        for thing in state.objects:
            if not thing.visible:
                continue
            if playing:  # so that it is there in time
                self._masks.find(plate.folder, thing.label, number + 1)
            asked = Asked(plate.folder, thing.label, number, objects.prompt_at(thing, number))
            shown = self._previews.find(asked) or self._masks.find(plate.folder, thing.label, number)
            if shown is not None:
                found.append(Layer(shown, tuple(thing.color), thing == active))
        known = {thing.label for thing in state.objects}
        for index, result in enumerate(state.results):
            if result.name not in known and result.visible:
                shown = self._masks.find(plate.folder, result.name, number)
                if shown is not None:
                    found.append(Layer(shown, objects.colour_of(len(known) + index), False))
        return found

    def _draw_hints(self, scene: bpy.types.Scene, plate: Plate, view: PlateView, scale: float) -> None:
        from .stroke_shader import StrokeShader

        self._strokes = self._strokes or StrokeShader()
        pen, number = HintPen(view, scale, self._strokes), plate.number(scene)
        active = objects.active_object(scene)
        for thing in objects.of_scene(scene).objects:
            if thing.visible and thing != active:
                pen.prompt(objects.prompt_at(thing, number), tuple(thing.color))
        color = tuple(active.color) if active is not None else objects.colour_of(0)
        prompt = objects.prompt_at(active, number) if active is not None else FramePrompt()
        if active is not None and active.visible:
            pen.prompt(prompt, color)
        if self.gesture is not None:
            pen.gesture(self.gesture, color)
        margin, (left, top) = _MARGIN_PX * scale, free_corner(bpy.context.area, bpy.context.region)
        lines = self.words(active.name if active is not None else "", number, prompt)
        pen.text(lines, max(view.left, left) + margin, min(view.bottom + view.height, top) - margin)

    def words(self, name: str, number: int, prompt: FramePrompt) -> list[tuple[str, Colour]]:
        """What is seen, in short lines with their colours."""
        if not name:
            how = _HOW.get(hint_tool(bpy.context))
            return [(f"Frame {number}", _GREY), (how, _WHITE)] if how else []
        lines = [(f"{name}, frame {number}: {edits.in_words(prompt)}", _WHITE)]
        if self._previews.error is not None:
            lines += [(text[:_LETTERS], _WARNING) for text in (self._previews.error.message,)]
        elif self._previews.waiting:
            lines.append(("Preview…", _GREY))
        return lines


def free_corner(area: bpy.types.Area, region: bpy.types.Region) -> tuple[float, float]:
    """The upper left corner of what toolbar and header leave of a region that they lie over, px of the region."""
    left, top = 0, region.height
    for other in area.regions:
        if other.width <= 1 or other.height <= 1:
            continue
        if other.type == "TOOLS" and other.alignment == "LEFT":
            left = max(left, other.x + other.width - region.x)
        if other.type in ("HEADER", "TOOL_HEADER") and other.alignment == "TOP":
            top = min(top, other.y - region.y)
    return left, top
