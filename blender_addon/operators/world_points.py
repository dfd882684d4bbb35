"""Origin, floor, axis and scale of a shot from picked points of its cloud.

Pressed in the viewport, each starts a picking tool. Called by a script, or with points selected in the cloud's
Edit Mode, each takes those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy

from ..importers import ownership
from ..picking import cloud_points
from ..properties import WORLD_AXES
from ..shared.errors import BacklotError, InvalidRequest
from .reporting import CANCELLED, refuse
from .world import poll_shot, set_world

if TYPE_CHECKING:
    from ..shared.world_messages import Pick

_POINTS = "Vertex numbers of the cloud, separated by spaces; empty: those selected in Edit Mode, or picked by mouse"


class _FromPoints:
    """An operator on `wanted` points of the cloud; at most that many unless `takes_more`."""

    wanted: ClassVar[int] = 1
    takes_more: ClassVar[bool] = False

    points: bpy.props.StringProperty(name="Points", description=_POINTS, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cloud = cloud_points.cloud_of(ownership.current_shot(context.scene))
        if cloud is None and ownership.current_shot(context.scene) is not None:
            cls.poll_message_set("The shot was imported without its points")
            return False
        return poll_shot(cls, context)

    def request(self, context: bpy.types.Context, picks: tuple[Pick, ...]) -> dict[str, Any]:
        """The parts of the `WorldRequest` that the picks become."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        from ..importers import world_record
        from ..picking.modal import PointPicking

        cloud = cloud_points.cloud_of(ownership.current_shot(context.scene))
        in_view = context.area is not None and context.area.type == "VIEW_3D"
        if self.points or not in_view or cloud_points.selected(cloud):
            return self.execute(context)
        if not cloud.visible_get():
            return refuse(self, InvalidRequest("The cloud is hidden.", "Show it to pick its points."))
        record = world_record.read(ownership.current_shot(context.scene))
        self._revision = record.revision if record is not None else None
        self._picking = PointPicking(cloud, context, self.wanted, self.bl_label)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            done = self._picking.hear(event)
        except ReferenceError:  # an undo or an import replaced the cloud
            self._picking.end()
            return CANCELLED
        if done in ("pass", "own"):
            return {"PASS_THROUGH"} if done == "pass" else {"RUNNING_MODAL"}
        self._picking.end()
        if done == "cancel":
            return CANCELLED
        return self._send(context, self._picking.picked, self._revision)

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender ends the tool, for instance because it quits."""
        self._picking.end()

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            indices = cloud_points.named(self.points)
            indices = indices or cloud_points.selected(cloud_points.cloud_of(ownership.current_shot(context.scene)))
            self._check(len(indices))
        except BacklotError as error:
            return refuse(self, error)
        return self._send(context, indices, None)

    def _check(self, count: int) -> None:
        if count < self.wanted or (count > self.wanted and not self.takes_more):
            least = "at least " if self.takes_more else ""
            plural = "s" if self.wanted > 1 else ""
            raise InvalidRequest(
                f"{self.bl_label} needs {least}{self.wanted} point{plural} of the cloud, not {count}.",
                "Select them in the cloud's Edit Mode, name them, or press the button in the viewport and click them.",
            )

    def _send(self, context: bpy.types.Context, indices: list[int], revision: int | None) -> set[str]:
        try:
            picks = cloud_points.picks(cloud_points.cloud_of(ownership.current_shot(context.scene)), indices)
        except BacklotError as error:
            return refuse(self, error)
        noted = {} if revision is None else {"revision": revision}
        return set_world(self, context.scene, **self.request(context, picks), **noted)


class BACKLOT_OT_set_origin(_FromPoints, bpy.types.Operator):
    """Make a picked point of the cloud the world's origin. Everything imported moves, and the shot's files with
    it"""

    bl_idname = "backlot.set_origin"
    bl_label = "Set Origin"

    def request(self, _context: bpy.types.Context, picks: tuple[Pick, ...]) -> dict[str, Any]:
        return {"origin": picks[0]}


class BACKLOT_OT_set_floor(_FromPoints, bpy.types.Operator):
    """Make three picked points of the cloud the floor, z = 0, with the camera above. More points, selected in
    Edit Mode, give the best plane through them"""

    bl_idname = "backlot.set_floor"
    bl_label = "Set Floor"
    wanted = 3
    takes_more = True

    def request(self, _context: bpy.types.Context, picks: tuple[Pick, ...]) -> dict[str, Any]:
        return {"floor": picks}


class BACKLOT_OT_set_axis(_FromPoints, bpy.types.Operator):
    """Turn the shot so that the direction from the first picked point to the second is an axis: X and Y seen from
    above, Z says what up is"""

    bl_idname = "backlot.set_axis"
    bl_label = "Set Axis"
    wanted = 2

    axis: bpy.props.EnumProperty(
        name="Axis", description="Which axis; empty takes the World panel's", items=WORLD_AXES,
        options={"SKIP_SAVE"},
    )  # fmt: skip

    def request(self, context: bpy.types.Context, picks: tuple[Pick, ...]) -> dict[str, Any]:
        axis = self.axis if self.properties.is_property_set("axis") else context.scene.backlot.align.axis
        return {"axis": axis, "axis_points": picks}


class _FromLength(_FromPoints):
    wanted = 2
    is_object: ClassVar[bool] = False

    distance: bpy.props.FloatProperty(
        name="Distance", description="Metres; 0 takes the World panel's", min=0.0, unit="LENGTH", options={"SKIP_SAVE"}
    )

    def request(self, context: bpy.types.Context, picks: tuple[Pick, ...]) -> dict[str, Any]:
        metres = self.distance or context.scene.backlot.align.distance
        return {"distance": metres, "distance_points": picks, "of_object": self.is_object}


class BACKLOT_OT_set_scale(_FromLength, bpy.types.Operator):
    """Scale the shot so that two picked points of the cloud are the panel's distance apart, in metres"""

    bl_idname = "backlot.set_scale"
    bl_label = "Set Scale"


class BACKLOT_OT_set_object_size(_FromLength, bpy.types.Operator):
    """Scale the shot by a known object: pick its two ends, the panel's distance is its size in metres"""

    bl_idname = "backlot.set_object_size"
    bl_label = "Set Scale by Object"
    is_object = True


CLASSES = (
    BACKLOT_OT_set_origin,
    BACKLOT_OT_set_floor,
    BACKLOT_OT_set_axis,
    BACKLOT_OT_set_scale,
    BACKLOT_OT_set_object_size,
)
