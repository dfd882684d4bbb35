"""Hints by hand: clicks, boxes and strokes over the plate, and hints from what was painted or drawn in Blender."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from .. import runtime
from ..roto import edits, objects
from ..roto.editor import Plate, plate_of, plate_place, plate_view, shows_plate
from ..roto.gesture import BOX, POINT, STROKE, Gesture
from ..shared.artifacts import frame_name
from ..shared.errors import BacklotError, InvalidParameter, InvalidRequest, ShotReadOnly
from ..shared.roto_prompts import painted_mask
from ..shared.shot import ShotFolder
from .reporting import CANCELLED, FINISHED, refuse
from .roto import change, redraw

_TOOLS = ((POINT, "Points", "A click is a point, a drag a box"), (STROKE, "Brush", "A drag is a stroke"))
_KINDS = ((POINT, "Point", "One place"), (BOX, "Box", "Two corners"), (STROKE, "Stroke", "A painted line"))
_REACH_PX = 12.0
_PASSED = ("MIDDLEMOUSE", "WHEEL", "TRACKPAD", "NDOF", "TIMER", "WINDOW")


class BACKLOT_OT_roto_hint(bpy.types.Operator):
    """Say what belongs to the active object: click, drag a box, or paint. Without an object, the first click makes
    one"""

    bl_idname = "backlot.roto_hint"
    bl_label = "Roto Hint"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    tool: bpy.props.EnumProperty(name="Tool", items=_TOOLS, options={"SKIP_SAVE"})
    kind: bpy.props.EnumProperty(name="Kind", items=_KINDS, options={"SKIP_SAVE"})
    include: bpy.props.BoolProperty(
        name="Include", description="On the object, or off it", default=True, options={"SKIP_SAVE"}
    )
    path: bpy.props.StringProperty(
        name="Places", description="x,y;x,y;... in pixels of the plate, y down, the top left corner is 0,0",
        options={"SKIP_SAVE"},
    )  # fmt: skip
    radius: bpy.props.FloatProperty(
        name="Radius", description="Of a stroke, px of the plate", default=8.0, min=0.01, options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        scene = context.scene
        if not shows_plate(scene, context.space_data):
            return refuse(self, InvalidRequest("This editor does not show the plate.", "Press Show Plate."))
        try:
            self._plate = plate_of(scene)
        except BacklotError as error:
            return refuse(self, error)
        self._region = context.region
        radius = objects.of_scene(scene).brush_radius
        screen = (event.mouse_x - self._region.x, event.mouse_y - self._region.y)
        self._gesture = Gesture(self.tool, self.include, screen, [self._place(screen)], radius)
        runtime.pump().roto.overlay.gesture = self._gesture
        context.window_manager.modal_handler_add(self)
        self._region.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            if event.type.startswith(_PASSED):
                return {"PASS_THROUGH"}
            if event.type in {"ESC", "RIGHTMOUSE"}:
                self._end()
                return CANCELLED
            if event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE", "LEFTMOUSE"}:
                self._move(event)
            if event.type == "LEFTMOUSE" and event.value == "RELEASE":
                return self._finish(context)
        except ReferenceError:  # another file was opened meanwhile
            runtime.pump().roto.overlay.gesture = None
            return CANCELLED
        return {"RUNNING_MODAL"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender ends the gesture, for instance because it quits."""
        runtime.pump().roto.overlay.gesture = None

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            path = _places(self.path)
        except BacklotError as error:
            return refuse(self, error)

        def edit(plate: Plate) -> Any:
            number = plate.number(context.scene)
            thing = objects.active_object(context.scene)
            prompt = self._added(objects.prompt_at(thing, number) if thing is not None else edits.NOTHING, path, plate)
            thing = thing or objects.add(context.scene, objects.free_label(context.scene))
            objects.set_prompt(thing, number, prompt)
            return thing

        return change(self, context.scene, edit)

    def _added(self, prompt: Any, path: list[tuple[float, float]], plate: Plate) -> Any:
        if self.kind == POINT:
            return edits.with_point(prompt, path[0], self.include, plate.size)
        if self.kind == BOX:
            return edits.with_box(prompt, path[0], path[-1], plate.size)
        return edits.with_stroke(prompt, path, self.radius, self.include, plate.size)

    def _move(self, event: bpy.types.Event) -> None:
        screen = (event.mouse_x - self._region.x, event.mouse_y - self._region.y)
        self._gesture.move(screen, self._place(screen))
        self._region.tag_redraw()

    def _finish(self, context: bpy.types.Context) -> set[str]:
        gesture = self._gesture
        self._end()
        self.kind, self.radius = gesture.kind, gesture.radius
        path = gesture.path[:1] if gesture.kind == POINT else gesture.path
        self.path = ";".join(f"{x:.3f},{y:.3f}" for x, y in path)
        return self.execute(context)

    def _end(self) -> None:
        runtime.pump().roto.overlay.gesture = None
        redraw()

    def _place(self, screen: tuple[float, float]) -> tuple[float, float]:
        return plate_place(self._region, self._plate.size, *screen)


class BACKLOT_OT_roto_delete_hint(bpy.types.Operator):
    """Delete the hint of the active object that is under the mouse"""

    bl_idname = "backlot.roto_delete_hint"
    bl_label = "Delete Hint"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    place: bpy.props.FloatVectorProperty(name="Place", description="Px of the plate, y down", size=2)
    reach: bpy.props.FloatProperty(name="Reach", description="How far off it may be, px of the plate", default=12.0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return objects.active_object(context.scene) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not shows_plate(context.scene, context.space_data):
            return {"PASS_THROUGH"}
        try:
            size = plate_of(context.scene).size
        except BacklotError as error:
            return refuse(self, error)
        region = context.region
        self.place = plate_place(region, size, event.mouse_region_x, event.mouse_region_y)
        self.reach = _REACH_PX * context.preferences.system.ui_scale / max(plate_view(region, size).scale, 1e-3)
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        def edit(plate: Plate) -> Any:
            thing, number = objects.active_object(context.scene), plate.number(context.scene)
            prompt = edits.without_nearest(objects.prompt_at(thing, number), tuple(self.place), self.reach)
            if prompt is None:
                raise InvalidRequest("There is no hint under the mouse.", "Point at one of the active object.")
            objects.set_prompt(thing, number, prompt)
            return thing

        return change(self, context.scene, edit)


class _FromBlender:
    """An operator that makes a full mask of the active object at this frame."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def pixels(self, context: bpy.types.Context, plate: Plate) -> Any:
        """bool [H,W]. Raises `InvalidRequest`."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        import hashlib

        from ..roto.png import encode, write_mask

        def edit(plate: Plate) -> Any:
            mask, number = self.pixels(context, plate), plate.number(context.scene)
            if not mask.any():
                raise InvalidRequest("The mask is empty at this frame.", "Paint or draw over the object first.")
            thing = objects.active_object(context.scene)
            thing = thing or objects.add(context.scene, objects.free_label(context.scene))
            # A file that is never written again: undo finds the earlier one as it was.
            named = painted_mask(thing.label, number).removesuffix(".png")
            file = f"{named}_{hashlib.sha256(encode(mask.astype('uint8'))).hexdigest()[:8]}.png"
            try:
                write_mask(ShotFolder(plate.folder).roto_dir / file, mask)
            except OSError as refused:
                raise ShotReadOnly(f"{file} cannot be written: {refused}") from refused
            objects.set_prompt(thing, number, edits.with_mask(objects.prompt_at(thing, number), file))
            return thing

        return change(self, context.scene, edit)


class BACKLOT_OT_roto_from_image(_FromBlender, bpy.types.Operator):
    """Take a painted image of the plate's size as the object's mask at this frame: what is bright and opaque in it is
    the object"""

    bl_idname = "backlot.roto_from_image"
    bl_label = "Use Painted Image"

    def pixels(self, context: bpy.types.Context, plate: Plate) -> Any:
        from ..roto.sources import of_image

        image = objects.of_scene(context.scene).painted
        if image is None:
            raise InvalidParameter("No painted image is chosen.", "Choose one above the button.")
        return of_image(image, plate.size)


class BACKLOT_OT_roto_from_mask(_FromBlender, bpy.types.Operator):
    """Take what a mask's splines enclose at this frame as the object's mask"""

    bl_idname = "backlot.roto_from_mask"
    bl_label = "Use Mask Splines"

    def pixels(self, context: bpy.types.Context, plate: Plate) -> Any:
        from ..roto.sources import of_mask

        mask = objects.of_scene(context.scene).drawn
        if mask is None:
            raise InvalidParameter("No mask is chosen.", "Choose one above the button.")
        return of_mask(mask, context.scene, plate.size)


class BACKLOT_OT_roto_keep_mask(_FromBlender, bpy.types.Operator):
    """Take the object's mask of this frame, as Propagate made it, as a hint: it stays so, and its neighbours follow
    it"""

    bl_idname = "backlot.roto_keep_mask"
    bl_label = "Keep This Mask"

    def pixels(self, context: bpy.types.Context, plate: Plate) -> Any:
        from ..roto.png import read_grey

        active, number = objects.active_object(context.scene), plate.number(context.scene)
        try:
            if active is None:
                raise FileNotFoundError
            grey = read_grey(ShotFolder(plate.folder).roto_dir / active.label / frame_name(number))
        except FileNotFoundError:
            raise InvalidRequest(f"The object has no mask at frame {number}.", "Press Propagate first.") from None
        if grey.shape != plate.size[::-1]:
            raise InvalidRequest(f"The mask of frame {number} is not of the plate's size.", "Run roto again.")
        return grey > 127


class BACKLOT_OT_setup_roto_holdout(bpy.types.Operator):
    """Put an object of the plate before the render, in the compositor: cut out by its matte, or by its mask where
    there is none"""

    bl_idname = "backlot.setup_roto_holdout"
    bl_label = "Put in Front of Render"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    label: bpy.props.StringProperty(name="Label", description="Of what was imported; empty for the active object's")

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..roto.holdout import set_up_holdout

        active = objects.active_object(context.scene)
        label = self.label or (active.label if active is not None else "")
        result = objects.of_scene(context.scene).results.get(label)
        try:
            if result is None:
                raise InvalidRequest(f"No masks of {label or 'any object'} are in this scene.", "Press Import Masks.")
            for note in set_up_holdout(context.scene, result):
                self.report({"INFO"}, note)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


def _places(text: str) -> list[tuple[float, float]]:
    """Raises `InvalidParameter`."""
    try:
        pairs = [tuple(map(float, pair.split(","))) for pair in text.split(";") if pair.strip()]
        found = [(x, y) for x, y in pairs]
    except ValueError as bad:
        raise InvalidParameter(f"{text!r} is no list of places.", "Write x,y;x,y;...") from bad
    if not found:
        raise InvalidParameter("No place is given.", "Click on the plate, or write x,y;x,y;...")
    return found


CLASSES = (
    BACKLOT_OT_roto_hint,
    BACKLOT_OT_roto_delete_hint,
    BACKLOT_OT_roto_from_image,
    BACKLOT_OT_roto_from_mask,
    BACKLOT_OT_roto_keep_mask,
    BACKLOT_OT_setup_roto_holdout,
)
