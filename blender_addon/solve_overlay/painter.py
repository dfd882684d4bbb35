"""Draws the solve overlay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from mathutils import Matrix

from ..importers import ownership
from ..roto.hint_drawing import draw_text
from ..session import Session
from .camera_frame import CameraFrame, Viewport, plate_is_undistorted
from .colours import STEPS, badness_colours, speed_colours
from .dots import DotShader, LineShader
from .drawing import Batches, PlateBatches, dot_size, plate_batches, plate_drawing
from .marks import SolveMarks
from .scene_view import camera_lines, camera_track, cloud_dots, cloud_key, path_matrix, track_key
from .settings import SolveOverlaySettings
from .shot_files import ShotMarks
from .words import Line, frame_words, legend_words

_PATH_PX, _FRUSTUM_PX, _RESIDUAL_PX = 2.5, 1.2, 1.5
_RING_GROWS, _HOLE = 1.7, 0.8
_BESIDE_GIZMO = 0.4
"""Points lie in front of what is dragged: they are this much smaller while there is something to drag."""
_MARGIN_PX, _LEGEND_PX = 12.0, (110.0, 8.0)
_WHITE = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class _Pens:
    """Made when something is first drawn: there is no graphics card before."""

    dots: DotShader
    lines: LineShader


class SolvePainter:
    """Draws in the viewports of scenes that want it."""

    def __init__(self, session: Session, hurry: Callable[[], None]) -> None:
        self.shots = ShotMarks(session, hurry)
        self._batches = Batches()
        self._pens: _Pens | None = None

    def draw(self, context: bpy.types.Context, viewport: Viewport) -> None:
        """In the viewport that Blender is drawing."""
        settings = context.scene.backlot_solve_overlay
        collection = ownership.current_shot(context.scene)
        camera = ownership.recall(collection, ownership.CAMERA) if collection is not None else None
        marks = self.shots.find(Path(collection.get(ownership.SHOT_FOLDER, ""))) if collection is not None else None
        if camera is None or marks is None:
            return
        self._pens = self._pens or _Pens(DotShader(), LineShader())
        gpu.state.blend_set("ALPHA")
        scale = context.preferences.system.ui_scale
        if viewport.looks_through(camera):
            frame = viewport.camera_frame(camera)
            if frame is not None:
                self._draw_on_plate(context.scene, collection, camera, marks, frame, scale)
            kind = "POINTS"
        else:
            self._draw_in_space(context, collection, camera, marks, scale)
            kind = settings.path_colour if settings.path else "POINTS"
        if settings.words:
            draw_words(context, frame_words(context.scene.frame_current, marks.pose(context.scene.frame_current)), kind)
        gpu.state.blend_set("NONE")

    # -- camera view ----------------------------------------------------------------------------------

    def _draw_on_plate(
        self,
        scene: bpy.types.Scene,
        collection: bpy.types.Collection,
        camera: bpy.types.Object,
        marks: SolveMarks,
        frame: CameraFrame,
        scale: float,
    ) -> None:
        settings, pens = scene.backlot_solve_overlay, self._pens
        assert pens is not None
        batches = self._plate_batches(scene, collection, camera, marks, settings)
        if batches is None:
            return
        size = dot_size(settings.size * scale, batches.count, frame.width, frame.height)
        with gpu.matrix.push_pop():
            gpu.matrix.multiply_matrix(frame.matrix)
            if settings.residuals:
                pens.lines.draw(batches.residuals, _RESIDUAL_PX * scale)
                pens.dots.draw(batches.rings, size * _RING_GROWS, _HOLE)
            if settings.points:
                pens.dots.draw(batches.dots, size)

    def _plate_batches(
        self,
        scene: bpy.types.Scene,
        collection: bpy.types.Collection,
        camera: bpy.types.Object,
        marks: SolveMarks,
        settings: SolveOverlaySettings,
    ) -> PlateBatches | None:
        undistorted, overscan = plate_is_undistorted(collection, camera), ownership.overscan(collection)
        number, pens = scene.frame_current, self._pens
        assert pens is not None

        def make() -> PlateBatches | None:
            found = marks.at(number)
            if found is None:
                return None
            drawing = plate_drawing(
                found,
                marks.camera.intrinsics,
                settings.worst_px,
                settings.magnify,
                undistorted=undistorted,
                overscan=overscan,
            )
            return plate_batches(drawing, pens.dots, pens.lines)

        key = ("plate", marks, number, settings.worst_px, settings.magnify, undistorted, overscan)
        return self._batches.find(key, make)

    # -- other views ----------------------------------------------------------------------------------

    def _draw_in_space(
        self,
        context: bpy.types.Context,
        collection: bpy.types.Collection,
        camera: bpy.types.Object,
        marks: SolveMarks,
        scale: float,
    ) -> None:
        settings = context.scene.backlot_solve_overlay
        with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
            gpu.matrix.load_projection_matrix(context.region_data.perspective_matrix)
            gpu.matrix.load_matrix(Matrix.Identity(4))
            if settings.points:
                shrunk = _BESIDE_GIZMO if context.scene.backlot_adjust_world else 1.0
                self._draw_cloud(collection, settings, shrunk * scale)
            if settings.path or settings.frusta:
                self._draw_camera(collection, camera, marks, settings, scale)

    def _draw_cloud(self, collection: bpy.types.Collection, settings: SolveOverlaySettings, scale: float) -> None:
        cloud, pens = ownership.recall(collection, ownership.CLOUD), self._pens
        if cloud is None or cloud.mode == "EDIT":
            return
        assert pens is not None

        def make() -> Any:
            found = cloud_dots(cloud, settings.worst_px)
            return pens.dots.batch(found.xyz, found.colours)

        batch = self._batches.find(("cloud", cloud_key(collection, cloud), settings.worst_px), make)
        with gpu.matrix.push_pop():
            gpu.matrix.multiply_matrix(cloud.matrix_world)
            pens.dots.draw(batch, settings.size * scale)

    def _draw_camera(
        self,
        collection: bpy.types.Collection,
        camera: bpy.types.Object,
        marks: SolveMarks,
        settings: SolveOverlaySettings,
        scale: float,
    ) -> None:
        track, pens = camera_track(collection, camera, settings.path_colour), self._pens
        if track is None or not len(track.frames):
            return
        assert pens is not None

        def make() -> tuple[Any, Any]:
            path, frusta = camera_lines(track, camera, settings, marks.weak_frames)
            return pens.lines.batch(path.places, path.colours), pens.lines.batch(frusta.places, frusta.colours)

        lens = (camera.data.display_size, camera.data.lens, camera.data.sensor_width)
        key = ("camera", track_key(track), settings.path_colour, settings.worst_px, marks, lens)
        path, frusta = self._batches.find(key, make)
        with gpu.matrix.push_pop():
            gpu.matrix.multiply_matrix(path_matrix(camera))
            if settings.frusta:
                pens.lines.draw(frusta, _FRUSTUM_PX * scale)
            if settings.path:
                pens.lines.draw(path, _PATH_PX * scale)


def draw_words(context: bpy.types.Context, lines: list[Line], kind: str) -> None:
    """The frame's numbers and the legend of the colours, in the lower left corner."""
    settings, scale = context.scene.backlot_solve_overlay, context.preferences.system.ui_scale
    left, bottom = _free_corner(context.area, context.region)
    left, bottom = left + _MARGIN_PX * scale, bottom + _MARGIN_PX * scale
    low, high = legend_words(kind, settings.worst_px)
    width, height = (side * scale for side in _LEGEND_PX)
    row = 2.2 * height
    right, _ = draw_text([(low, _WHITE)], left, bottom + row + 0.6 * height, scale)
    _draw_ramp(right, bottom, width, row, kind)
    draw_text([(high, _WHITE)], right + width, bottom + row + 0.6 * height, scale)
    top = bottom + row + 1.2 * height + len(lines) * 22.0 * scale
    draw_text(lines, left, top, scale)


def _draw_ramp(left: float, bottom: float, width: float, height: float, kind: str) -> None:
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    colours = speed_colours(STEPS) if kind == "SPEED" else badness_colours(STEPS)
    x = left + width * STEPS
    places = np.zeros((2 * len(x), 3), np.float32)
    places[0::2, 0] = places[1::2, 0] = x
    places[0::2, 1], places[1::2, 1] = bottom, bottom + height
    batch_for_shader(shader, "TRI_STRIP", {"pos": places, "color": np.repeat(colours, 2, axis=0)}).draw(shader)


def _free_corner(area: bpy.types.Area, region: bpy.types.Region) -> tuple[float, float]:
    """The lower left corner of what toolbar and the panel of the last operator leave of a region, px of it."""
    left, bottom = 0, 0
    for other in area.regions:
        if other.width <= 1 or other.height <= 1:
            continue
        if other.type == "TOOLS" and other.alignment == "LEFT":
            left = max(left, other.x + other.width - region.x)
        if other.type == "HUD":
            bottom = max(bottom, other.y + other.height - region.y)
        if other.type in ("HEADER", "TOOL_HEADER", "ASSET_SHELF") and other.alignment == "BOTTOM":
            bottom = max(bottom, other.y + other.height - region.y)
    return left, bottom
