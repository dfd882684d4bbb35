"""The draw handler of the comparison, in viewports that look through the shot's camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np

from ..importers import ownership
from ..shared.shot import ShotFolder
from ..solve_overlay.camera_frame import CameraFrame, Viewport, drawn_viewport, plate_is_undistorted
from ..solve_overlay.dots import LineShader
from ..solve_overlay.drawing import Batches
from ..solve_overlay.shot_files import ShotMarks
from .files import frame_file
from .pictures import Pictures
from .settings import DIFFERENCE, OFF, ONION, RENDER, SEQUENCE, VIEWPORT, WIPE, CompareSettings
from .shader import CompareShader
from .wipe import WipeLine, wipe_line

_BEFORE, _AFTER = (1.0, 0.55, 0.5), (0.5, 0.7, 1.0)
_FADING = 0.6
"""Each ghost is so much fainter than the one before it."""
_LINE_PX = 2.0
_LINE_COLOUR = np.array([(1.0, 1.0, 1.0, 0.9)] * 2, np.float32)


@dataclass(frozen=True)
class _Pens:
    """Made when something is first drawn: there is no graphics card before."""

    pictures: CompareShader
    lines: LineShader


class CompareOverlay:
    """shots: the cameras of the shots."""

    def __init__(self, shots: ShotMarks) -> None:
        self._shots = shots
        self._batches = Batches()
        self._pens: _Pens | None = None
        self._handle: Any = None
        self._last: dict[str, Path] = {}
        self.pictures = Pictures()

    def start(self) -> None:
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self.draw, (), "WINDOW", "POST_PIXEL")

    def stop(self) -> None:
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None
        self._batches.clear()
        self._pens = None
        self.pictures.drop()

    def draw(self) -> None:
        """Called by Blender for every viewport's region. Renders do not come here."""
        context = bpy.context
        settings = context.scene.backlot_compare
        if settings.mode == OFF:
            return
        shown = compared_frame(drawn_viewport(context))
        collection = ownership.current_shot(context.scene)
        if shown is None or collection is None:
            return
        folder = Path(collection.get(ownership.SHOT_FOLDER, ""))
        marks = self._shots.find(folder)
        if marks is None:
            return
        self._pens = self._pens or _Pens(CompareShader(), LineShader())
        pens, camera = self._pens, ownership.recall(collection, ownership.CAMERA)
        undistorted, overscan = plate_is_undistorted(collection, camera), ownership.overscan(collection)

        def make() -> gpu.types.GPUBatch:
            return pens.pictures.batch(marks.camera.intrinsics, undistorted=undistorted, overscan=overscan)

        batch = self._batches.find((marks, undistorted, overscan), make)
        gpu.state.blend_set("ALPHA_PREMULT")
        with gpu.matrix.push_pop():
            gpu.matrix.multiply_matrix(shown.matrix)
            self._draw_pictures(context.scene, folder, batch, shown.width / shown.height)
            if settings.mode == WIPE:
                gpu.state.blend_set("ALPHA")
                self._draw_line(
                    wipe_line(settings.position, settings.angle, shown.width / shown.height),
                    context.preferences.system.ui_scale,
                )
        gpu.state.blend_set("NONE")

    def _draw_pictures(self, scene: bpy.types.Scene, folder: Path, batch: Any, aspect: float) -> None:
        settings, pens = scene.backlot_compare, self._pens
        assert pens is not None
        plate = self._texture("plate", ShotFolder(folder).frame_path(scene.frame_current), scene)
        path = render_path(scene)
        render = self._texture("render", path, scene) if path is not None else None
        if plate is None or (settings.mode == DIFFERENCE and render is None):
            return
        pens.pictures.draw(
            batch,
            settings.mode,
            plate,
            render,
            line=wipe_line(settings.position, settings.angle, aspect),
            opacity=settings.opacity,
            gain=settings.gain,
            is_distorted=settings.is_distorted,
        )
        for number, opacity, tint in ghosts(settings, scene.frame_current):
            ghost = self.pictures.find(ShotFolder(folder).frame_path(number), scene.name)
            if ghost is not None:
                pens.pictures.draw(batch, ONION, ghost, opacity=opacity, tint=tint)

    def _texture(self, role: str, path: Path, scene: bpy.types.Scene) -> Any:
        """The picture, or for the moment in which it is being loaded the one before it."""
        found = self.pictures.find(path, scene.name)
        if found is not None:
            self._last[role] = path
        elif role in self._last and path.is_file():
            found = self.pictures.find(self._last[role], scene.name)
        return found

    def _draw_line(self, line: WipeLine, scale: float) -> None:
        ends = line.ends()
        if ends is None:
            return
        assert self._pens is not None
        pen = self._pens.lines
        pen.draw(pen.batch(np.array(ends), _LINE_COLOUR), _LINE_PX * scale)


def compared_frame(viewport: Viewport | None) -> CameraFrame | None:
    """The camera frame of a viewport that looks through the shot's camera; None of others."""
    if viewport is None:
        return None
    collection = ownership.current_shot(viewport.scene)
    camera = ownership.recall(collection, ownership.CAMERA) if collection is not None else None
    return viewport.camera_frame(camera) if viewport.looks_through(camera) else None


def render_path(scene: bpy.types.Scene) -> Path | None:
    """The file of the render that the plate is compared with; None for the viewport, and when there is none."""
    settings = scene.backlot_compare
    if settings.source == RENDER and settings.taken:
        return Path(settings.taken)
    if settings.source == SEQUENCE and settings.path:
        return frame_file(bpy.path.abspath(settings.path), scene.frame_current)
    return None


def missing(scene: bpy.types.Scene) -> str:
    """What has to be done before there is something to compare, "" when nothing has to."""
    settings = scene.backlot_compare
    if settings.mode == OFF:
        return ""
    if settings.source == VIEWPORT:
        return "A difference needs a render or files" if settings.mode == DIFFERENCE else ""
    path = render_path(scene)
    if path is None:
        return "Take the render first" if settings.source == RENDER else "Choose a frame of the files"
    return "" if path.is_file() else f"{path.name} is missing"


def ghosts(settings: CompareSettings, frame: int) -> list[tuple[int, float, tuple[float, float, float]]]:
    """Frame number, opacity and tint of the neighbours that are shown, the farthest first."""
    if settings.mode != ONION:
        return []
    found = []
    for away in range(settings.ghosts, 0, -1):
        opacity = 0.5 * settings.opacity * _FADING ** (away - 1)
        found += [(frame - away, opacity, _BEFORE), (frame + away, opacity, _AFTER)]
    return found
