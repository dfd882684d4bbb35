"""How the skeletons over the plate are found and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..importers import ownership
from ..roto import objects
from ..roto.editor import Plate, plate_of, plate_view
from ..session import Session
from ..shared.camera_files import SolvedCamera, read_camera
from ..shared.errors import BacklotError
from ..shared.shot import ShotFolder
from . import names
from .keypoint_files import KeypointFiles
from .plate_places import plate_places

_WIDTH_PX, _DOT_PX = 3.0, 7.0
_SEEN, _BRIDGED = 0.95, 0.4
"""Opacity of a frame's skeleton."""
_WHITE, _SEEN_PX = (1.0, 1.0, 1.0, 0.9), 4.0
_DARK = (0.0, 0.0, 0.0, 0.6)
_RIM_PX = 2.0


@dataclass(frozen=True)
class Sticks:
    """A skeleton in the plate. lines [L,2,2], dots [D,2]: px of the plate."""

    label: str
    lines: np.ndarray
    dots: np.ndarray
    is_bridged: bool


class Cameras:
    """Cameras of shots, read on a thread when they are first wanted, and again when their files have changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[Path, tuple[int, SolvedCamera | None]] = {}

    def find(self, folder: Path) -> SolvedCamera | None:
        """None until it is read."""
        try:
            stamp = ShotFolder(folder).extrinsics.stat().st_mtime_ns
        except OSError:
            return None
        known = self._known.get(folder)
        if known is None or known[0] != stamp:
            self._known[folder] = (stamp, known[1] if known is not None else None)
            self._session.background(
                lambda: read_camera(folder), lambda camera: self._read(folder, stamp, camera), _none
            )
        return self._known[folder][1]

    def _read(self, folder: Path, stamp: int, camera: SolvedCamera) -> None:
        self._known[folder] = (stamp, camera)
        self._session.changed = True


class SkeletonPainter:
    """Draws in whichever editor's region Blender draws."""

    def __init__(self, session: Session) -> None:
        self._cameras = Cameras(session)
        self.keypoints = KeypointFiles(session)

    def draw(self) -> None:
        context = bpy.context
        scene = context.scene
        try:
            plate = plate_of(scene)
        except BacklotError:
            return
        camera = self._cameras.find(plate.folder)
        view = plate_view(context.region, plate.size)
        if camera is None or view.width < 1.0:
            return
        scale = context.preferences.system.ui_scale
        gpu.state.blend_set("ALPHA")
        for number, sticks in enumerate(sticks_of(scene, plate, camera)):
            colour = (*objects.colour_of(number), _BRIDGED if sticks.is_bridged else _SEEN)
            lines = [view.place(tuple(at)) for line in sticks.lines for at in line]
            dots = [view.place(tuple(at)) for at in sticks.dots]
            _draw_lines(lines, _DARK, (_WIDTH_PX + _RIM_PX) * scale)
            _draw_lines(lines, colour, _WIDTH_PX * scale)
            _draw_dots(dots, colour, _DOT_PX * scale)
            if scene.backlot_retarget.keypoints:
                seen = self.keypoints.find(plate.folder, sticks.label, plate.number(scene))
                _draw_dots([view.place(tuple(at)) for at in seen], _WHITE, _SEEN_PX * scale)
        gpu.state.blend_set("NONE")


def sticks_of(scene: bpy.types.Scene, plate: Plate, camera: SolvedCamera) -> list[Sticks]:
    """The people of the plate's shot who are seen in its present frame, as their armatures are posed now."""
    found = []
    for collection in ownership.collections_of(str(plate.folder)):
        root = ownership.recall(collection, ownership.ROOT)
        if collection not in scene.collection.children_recursive or root is None:
            continue
        for thing in names.people(collection):
            if thing.get(names.STATE, 2) == 0 or not thing.visible_get():
                continue
            sticks = _sticks(thing, root, camera, plate.number(scene))
            if sticks is not None:
                found.append(sticks)
    return found


def _sticks(thing: bpy.types.Object, root: bpy.types.Object, camera: SolvedCamera, number: int) -> Sticks | None:
    matrix = np.array(root.matrix_world.inverted() @ thing.matrix_world)
    joints = {bone.name: bone for bone in thing.pose.bones if names.CONFIDENCE in bone}
    places = np.array([bone.head for bone in joints.values()]).reshape(-1, 3)
    seen = plate_places(camera, number, places @ matrix[:3, :3].T + matrix[:3, 3])
    if seen is None:
        return None
    index = {name: at for at, name in enumerate(joints)}
    pairs = [(index[b.parent.name], index[b.name]) for b in joints.values() if b.parent and b.parent.name in joints]
    lines = seen[np.array(pairs, int).reshape(-1, 2)]
    return Sticks(
        thing[names.LABEL],
        lines[np.isfinite(lines).all((1, 2))],
        seen[np.isfinite(seen).all(1)],
        thing.get(names.STATE, 2) == 1,
    )


def _draw_lines(places: list[tuple[float, float]], colour: tuple[float, ...], width: float) -> None:
    if not places:
        return
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    shader.uniform_float("lineWidth", width)
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "LINES", {"pos": [(x, y, 0.0) for x, y in places]}).draw(shader)


def _draw_dots(places: list[tuple[float, float]], colour: tuple[float, ...], size: float) -> None:
    """Squares of two triangles: how large points are is the driver's choice."""
    if not places:
        return
    half = 0.5 * size
    corners = [(-half, -half), (half, -half), (half, half), (-half, -half), (half, half), (-half, half)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", colour)
    places3 = [(x + dx, y + dy, 0.0) for x, y in places for dx, dy in corners]
    batch_for_shader(shader, "TRIS", {"pos": places3}).draw(shader)


def _none(_error: BacklotError) -> None:
    """Without a camera nothing is drawn; the panel says what is wrong with the shot."""
