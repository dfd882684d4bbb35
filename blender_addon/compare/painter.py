"""Draws the comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np

from ..importers import ownership
from ..shared.shot import ShotFolder
from ..solve_overlay.camera_frame import CameraFrame, plate_is_undistorted
from ..solve_overlay.dots import LineShader
from ..solve_overlay.drawing import Batches
from ..solve_overlay.marks import SolveMarks
from ..solve_overlay.shot_files import ShotMarks
from .choice import ghosts, render_path
from .pictures import Pictures
from .settings import DIFFERENCE, ONION, WIPE
from .shader import CompareShader
from .wipe import WipeLine, wipe_line

_LINE_PX = 2.0
_LINE_COLOUR = np.array([(1.0, 1.0, 1.0, 0.9)] * 2, np.float32)


@dataclass(frozen=True)
class _Pens:
    """Made when something is first drawn: there is no graphics card before."""

    pictures: CompareShader
    lines: LineShader


class ComparePainter:
    """shots: the cameras of the shots."""

    def __init__(self, shots: ShotMarks) -> None:
        self._shots = shots
        self._batches = Batches()
        self._pens: _Pens | None = None
        self._last: dict[str, Path] = {}
        self.pictures = Pictures()

    def draw(self, context: bpy.types.Context, shown: CameraFrame) -> None:
        """shown: the shot's camera frame in the viewport that Blender is drawing."""
        scene, collection = context.scene, ownership.current_shot(context.scene)
        folder = Path(collection.get(ownership.SHOT_FOLDER, ""))
        marks = self._shots.find(folder)
        if marks is None:
            return
        settings, aspect = scene.backlot_compare, shown.width / shown.height
        self._pens = self._pens or _Pens(CompareShader(), LineShader())
        gpu.state.blend_set("ALPHA_PREMULT")
        with gpu.matrix.push_pop():
            gpu.matrix.multiply_matrix(shown.matrix)
            self._draw_pictures(scene, folder, self._batch(collection, marks), aspect)
            if settings.mode == WIPE:
                gpu.state.blend_set("ALPHA")
                line = wipe_line(settings.position, settings.angle, aspect)
                self._draw_line(line, context.preferences.system.ui_scale)
        gpu.state.blend_set("NONE")

    def _batch(self, collection: bpy.types.Collection, marks: SolveMarks) -> Any:
        camera, pens = ownership.recall(collection, ownership.CAMERA), self._pens
        undistorted, overscan = plate_is_undistorted(collection, camera), ownership.overscan(collection)
        assert pens is not None

        def make() -> gpu.types.GPUBatch:
            return pens.pictures.batch(marks.camera.intrinsics, undistorted=undistorted, overscan=overscan)

        return self._batches.find((marks, undistorted, overscan), make)

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
