"""Cameras that another program has solved, as the camera of this scene's shot."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import api, known, runtime
from ..file_handler import is_given
from ..properties import folder_path, import_options
from ..requests import has_plate, ingest_request, own_blender
from ..shared.axes import ROTATION_ORDERS
from ..shared.errors import BacklotError
from ..shared.import_messages import IMPORT_AXES, CameraImport
from ..shared.wire import pack
from .importing import report_import
from .reporting import FINISHED, refuse
from .world import start_backend

KINDS = "*.abc;*.fbx;*.usd;*.usda;*.usdc;*.chan;*.jsx;cameras.bin;cameras.txt;images.bin;images.txt"
_AXES = (
    ("auto", "Auto", "As the file's program has them"),
    *(
        (name, name.replace("-", " ").title(), f"As {name.replace('-', ' ').title()} has them")
        for name in IMPORT_AXES[1:]
    ),
)
_ORDERS = (
    ("auto", "ZXY", "Nuke's"),
    *((order, order.upper(), f"Turns about {', '.join(order)}, in this order") for order in ROTATION_ORDERS),
)


class BACKLOT_OT_import_camera(bpy.types.Operator, ImportHelper):
    """Make a camera that another program has solved the camera of this scene's shot: Alembic, FBX, USD, Nuke .chan,
    After Effects .jsx, or a COLMAP model (choose its cameras file). The later stages then use it"""

    bl_idname = "backlot.import_camera"
    bl_label = "Import Camera into Shot"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    filter_glob: bpy.props.StringProperty(default=KINDS, options={"HIDDEN"})
    replace: bpy.props.BoolProperty(
        name="Replace Camera", description="Put it in the place of the camera that the shot has", default=False
    )
    axes: bpy.props.EnumProperty(name="Axes", description="Axes of the numbers in the file", items=_AXES)
    rotation_order: bpy.props.EnumProperty(name="Rotation Order", description="Of a .chan file", items=_ORDERS)
    frame_offset: bpy.props.IntProperty(name="Frame Offset", description="Added to the file's frame numbers")
    scale: bpy.props.FloatProperty(
        name="Scale", description="Multiplies the file's lengths", default=1.0, min=1e-6, soft_max=1000.0
    )
    camera: bpy.props.StringProperty(
        name="Camera", description="Which camera of the file, by its name; empty takes the first"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.backlot
        if not settings.clip and not known.has_plate(folder_path(settings)):
            cls.poll_message_set("Choose the clip in the Backlot tab first")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if is_given(self):  # dropped: only what is to be decided is asked
            return context.window_manager.invoke_props_dialog(self, title=f"Import {Path(self.filepath).name}")
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            wanted = self._wanted(scene)
            if bpy.app.background:
                report_import(self, api.import_camera(scene, wanted))
                return FINISHED
            _Import(scene, wanted).begin()
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED

    def _wanted(self, scene: bpy.types.Scene) -> CameraImport:
        return CameraImport(
            shot=str(folder_path(scene.backlot)),
            file=str(Path(bpy.path.abspath(self.filepath)).absolute()),
            replace=self.replace,
            axes=self.axes,
            rotation_order=self.rotation_order,
            frame_offset=self.frame_offset,
            scale=self.scale,
            camera=self.camera,
            blender=own_blender(),
        )


class _Import:
    """The plate if it is not there yet, then the camera, then the scene; nothing waits."""

    def __init__(self, scene: bpy.types.Scene, wanted: CameraImport) -> None:
        self._scene, self._wanted = scene.name, wanted
        self._folder = Path(wanted.shot)

    def begin(self) -> None:
        if has_plate(self._folder):
            self._send()
        else:
            request = ingest_request(bpy.data.scenes[self._scene])
            runtime.pump().follow_ups.submit(request, lambda _: self._send())
        start_backend()

    def _send(self) -> None:
        session = runtime.session()

        def failed(error: BacklotError) -> None:
            session.error = error

        session.ask("camera.import", pack(self._wanted), self._answered, failed)

    def _answered(self, _: Any) -> None:
        runtime.session().refresh_summary(self._folder)
        scene = bpy.data.scenes.get(self._scene)
        if scene is not None:
            runtime.pump().import_later(scene, self._folder, import_options(scene.backlot))


CLASSES = (BACKLOT_OT_import_camera,)
