"""The world adjusted by hand: dragged by the gizmo at the shot's Root, or taken from where the Root was moved to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy
from mathutils import Matrix

from ..importers import ownership
from ..picking.change import MOVE, SCALE, TURN, change
from ..shared.errors import InvalidRequest
from ..solve_overlay.camera_frame import main_viewport
from .reporting import CANCELLED, FINISHED, refuse
from .world import poll_shot, set_world

if TYPE_CHECKING:
    from ..shared.camera_files import Similarity

KINDS = (
    (MOVE, "Move", "Move the shot along an axis"),
    (TURN, "Turn", "Turn the shot about an axis"),
    (SCALE, "Scale", "Make the shot larger or smaller"),
)
AXES = (("X", "X", "Of the shot's Root"), ("Y", "Y", "Of the shot's Root"), ("Z", "Z", "Of the shot's Root"))
_NOTHING = 1e-9
_EVEN = 1e-4
"""Relative difference of three scales that counts as none."""
_STEPS = {MOVE: 0.1, TURN: math.radians(5.0), SCALE: 0.1}
"""Of a drag with Ctrl."""
Placing = tuple[tuple[float, ...], ...]


def change_world(
    operator: bpy.types.Operator,
    scene: bpy.types.Scene,
    by: Similarity,
    settle: Callable[[bool], None] | None = None,
) -> set[str]:
    """Asks for `by` on top of the present world. Where up and scale come from stays said unless `by` changes them."""
    from ..importers import world_record
    from ..shared.similarity import compose

    record = world_record.read(ownership.current_shot(scene))
    if record is None:
        return refuse(operator, InvalidRequest("The shot's world is not known.", "Import the shot again."))
    tilted = abs(by.rotation[2][2] - 1.0) > _NOTHING
    grown = abs(by.scale - 1.0) > _NOTHING
    return set_world(
        operator,
        scene,
        settle,
        world_from_solve=compose(by, record.world_from_solve),
        up_source="picked" if tilted else record.up_source,
        scale_source="imported" if grown else record.scale_source,
    )


class BACKLOT_OT_adjust_world(bpy.types.Operator):
    """Move, turn or scale the shot in its world by dragging. When the mouse is let go, everything imported and the
    shot's files follow, as one undo step; Esc leaves all as it was"""

    bl_idname = "backlot.adjust_world"
    bl_label = "Adjust World"

    kind: bpy.props.EnumProperty(name="Kind", description="What is done", items=KINDS, options={"SKIP_SAVE"})
    axis: bpy.props.EnumProperty(name="Axis", description="Which axis", items=AXES, options={"SKIP_SAVE"})
    amount: bpy.props.FloatProperty(
        name="Amount", description="Units, radians, or a factor; 0 changes nothing", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        collection = ownership.current_shot(context.scene)
        if collection is not None and ownership.recall(collection, ownership.ROOT) is None:
            cls.poll_message_set("The shot's Root was deleted: Import or Update Scene brings it back")
            return False
        return poll_shot(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.amount == 0.0 or (self.kind == SCALE and self.amount < 0.0):
            return refuse(self, InvalidRequest("No amount was given.", "Drag the gizmo, or give one above 0."))
        return change_world(self, context.scene, change(self.kind, "XYZ".index(self.axis), self.amount))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ..picking.drag import Drag

        viewport = main_viewport(context)
        if self.amount or viewport is None:
            return self.execute(context)
        root = ownership.recall(ownership.current_shot(context.scene), ownership.ROOT)
        self._area, self._region, self._shot = context.area, viewport.region, shot_id(context.scene)
        self._before, self._basis, self._by = placing(root), root.matrix_basis.copy(), 0.0
        view = viewport.view.perspective_matrix @ root.matrix_world
        size = (viewport.region.width, viewport.region.height)
        self._drag = Drag(self.kind, "XYZ".index(self.axis), view, size, self._mouse(event))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        root = ownership.recall(ownership.current_shot(context.scene), ownership.ROOT)
        if root is None or shot_id(context.scene) != self._shot:  # another file or scene
            return CANCELLED
        if event.type == "MOUSEMOVE":
            self._show(root, self._snapped(self._drag.amount(*self._mouse(event)), event.ctrl))
        elif event.type in {"ESC", "RIGHTMOUSE"}:
            self.cancel(context)
            return CANCELLED
        elif event.type in {"LEFTMOUSE", "RET", "NUMPAD_ENTER"}:
            return self._finish(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """By Esc, or because Blender ends the tool."""
        self._area.header_text_set(None)
        put_back(self._shot, self._before)

    def _finish(self, context: bpy.types.Context) -> set[str]:
        self._area.header_text_set(None)
        shot, before = self._shot, self._before
        if self._by == (1.0 if self.kind == SCALE else 0.0) or not self._by:
            put_back(shot, before)
            return CANCELLED
        # The Root stays where it was dragged to until the answer comes and moves what hangs below it.
        by = change(self.kind, "XYZ".index(self.axis), self._by)
        return change_world(self, context.scene, by, lambda _done: put_back(shot, before))

    def _show(self, root: bpy.types.Object, amount: float) -> None:
        from ..shared.similarity import as_matrix

        self._by = amount
        by = change(self.kind, "XYZ".index(self.axis), amount)
        root.matrix_basis = self._basis @ Matrix(as_matrix(by))
        said = {MOVE: f"{amount:.3f}", TURN: f"{math.degrees(amount):.1f}°", SCALE: f"{amount:.3f}"}[self.kind]
        axis = "" if self.kind == SCALE else f" {self.axis}"
        self._area.header_text_set(f"{self.kind.title()}{axis}: {said}   (Ctrl: in steps, Esc: as it was before)")

    def _snapped(self, amount: float, is_snapped: bool) -> float:
        step = _STEPS[self.kind]
        if not is_snapped:
            return amount
        return max(round(amount / step) * step, step if self.kind == SCALE else -math.inf)

    def _mouse(self, event: bpy.types.Event) -> tuple[float, float]:
        return event.mouse_x - self._region.x, event.mouse_y - self._region.y


class BACKLOT_OT_apply_root(bpy.types.Operator):
    """Make where you moved, turned or scaled the shot's Root to the shot's own world: the Root goes back to the origin,
    nothing moves in the scene, and the shot's files follow"""

    bl_idname = "backlot.apply_root"
    bl_label = "Apply Root to World"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return BACKLOT_OT_adjust_world.poll.__func__(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        root = ownership.recall(ownership.current_shot(scene), ownership.ROOT)
        try:
            by = similarity_of(root)
        except InvalidRequest as error:
            return refuse(self, error)
        shot = shot_id(scene)
        done = change_world(self, scene, by, lambda done: put_back(shot, _AT_ORIGIN) if done else None)
        if bpy.app.background and done == FINISHED:
            put_back(shot, _AT_ORIGIN)
        return done


_AT_ORIGIN: Placing = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (1.0, 1.0, 1.0))


def shot_id(scene: bpy.types.Scene) -> str:
    collection = ownership.current_shot(scene)
    return collection[ownership.SHOT_ID] if collection is not None else ""


def placing(thing: bpy.types.Object) -> Placing:
    """Where an object was put, to the last digit of every way to say it."""
    return (
        tuple(thing.location),
        tuple(thing.rotation_quaternion),
        tuple(thing.rotation_euler),
        tuple(thing.rotation_axis_angle),
        tuple(thing.scale),
    )


def put_back(shot: str, to: Placing) -> None:
    """Puts the Root of a shot to where it was, in every scene that has it: an undo may have replaced it meanwhile."""
    for collection in bpy.data.collections:
        root = ownership.recall(collection, ownership.ROOT) if collection.get(ownership.SHOT_ID) == shot else None
        if root is not None:
            root.location, root.rotation_quaternion, root.rotation_euler, root.rotation_axis_angle, root.scale = to


def similarity_of(root: bpy.types.Object) -> Similarity:
    """The Root's own move. Raises `InvalidRequest` when it is none, or stretches."""
    from ..shared.camera_files import Similarity

    place, turn, scale = root.matrix_basis.decompose()
    size = float(sum(scale) / 3.0)
    if min(scale) <= 0.0 or max(abs(one - size) for one in scale) > _EVEN * size:
        raise InvalidRequest("The Root is mirrored or stretched.", "Give it the same scale along X, Y and Z.")
    rotation = tuple(tuple(map(float, row)) for row in turn.to_matrix())
    by = Similarity(size, rotation, tuple(map(float, place)))
    if max(abs(part) for part in (*place, *turn[1:], size - 1.0)) < 1e-7:
        raise InvalidRequest("The Root stands at the origin.", "Move, turn or scale it first.")
    return by


CLASSES = (BACKLOT_OT_adjust_world, BACKLOT_OT_apply_root)
