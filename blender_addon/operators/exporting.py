"""The shot's camera as files for other programs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ExportHelper

from .. import api, runtime, wording
from ..requests import export_request
from ..shared.errors import ArtifactMissing, BacklotError, InvalidRequest, ShotReadOnly
from ..shared.export_formats import EXPORT_FORMATS
from ..shared.messages import JobStatus
from .reporting import FINISHED, refuse
from .world import current_folder, start_backend

SINGLE_FILE = ("abc", "usda", "usdc", "fbx", "chan", "nk", "csv", "jsx", "clip")
FORMATS = tuple(
    (choice.value, wording.title(choice.label), choice.help) for choice in EXPORT_FORMATS if choice.value in SINGLE_FILE
)


class _OnShot:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        folder = current_folder(context.scene)
        if not folder:
            cls.poll_message_set("Import a solved shot first")
            return False
        job = runtime.session().job_of(Path(folder))
        if job is not None and not job.is_over:
            cls.poll_message_set("A job works on this shot")
            return False
        return True


class BACKLOT_OT_export_camera(_OnShot, bpy.types.Operator):
    """Write the solved camera, the points and the lens for other programs into the shot folder, as camera/camera.abc
    and so on. Blender stays usable; the Jobs panel shows the progress"""

    bl_idname = "backlot.export_camera"
    bl_label = "Export Camera"

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(current_folder(context.scene))
        try:
            request = export_request(context.scene, folder)
            if bpy.app.background:
                self._report(api.run(request))
                return FINISHED
        except BacklotError as error:
            return refuse(self, error)
        runtime.pump().follow_ups.submit(request, lambda _: runtime.session().refresh_summary(folder))
        start_backend()
        return FINISHED

    def _report(self, status: JobStatus) -> None:
        made = next(result for result in status.results if result.stage == "export")
        self.report({"INFO"}, f"Exported {made.facts.get('formats', '')}")
        for sentence in made.notices:
            self.report({"INFO"}, sentence)


class BACKLOT_OT_export_camera_file(_OnShot, bpy.types.Operator, ExportHelper):
    """Write the solved camera as one file for another program. Axes, frame offset and scale are those of the Export
    panel"""

    bl_idname = "backlot.export_camera_file"
    bl_label = "Export Backlot Camera"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    filename_ext = ""
    format: bpy.props.EnumProperty(name="Format", description="Kind of file", items=FORMATS)

    def check(self, _context: bpy.types.Context) -> bool:
        wanted = str(Path(self.filepath).with_suffix(f".{self.format}"))
        changed, self.filepath = wanted != self.filepath, wanted
        return changed

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self.filepath:
            return refuse(self, InvalidRequest("No file is named.", "Give a filepath."))
        folder = Path(current_folder(context.scene))
        target = Path(bpy.path.abspath(self.filepath)).with_suffix(f".{self.format}")
        try:
            request = export_request(context.scene, folder, formats=self.format)
            if bpy.app.background:
                api.run(request)
                copy_export(folder, self.format, target)
                self.report({"INFO"}, f"Exported {target}")
                return FINISHED
        except BacklotError as error:
            return refuse(self, error)
        self._later(request, folder, target)
        return FINISHED

    def _later(self, request: object, folder: Path, target: Path) -> None:
        session, kind = runtime.session(), self.format

        def failed(error: BacklotError) -> None:
            session.error = error

        def done(_: JobStatus) -> None:
            session.background(lambda: copy_export(folder, kind, target), lambda _: None, failed)

        runtime.pump().follow_ups.submit(request, done)
        start_backend()


def copy_export(folder: Path, kind: str, target: Path) -> None:
    """From the shot folder to where the artist wants it. Raises `ArtifactMissing`, `ShotReadOnly`."""
    made = folder / "camera" / f"camera.{kind}"
    if not made.is_file():
        raise ArtifactMissing(f"{made} was not written.", "Look into the job's log.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, target)
    except OSError as error:
        raise ShotReadOnly(f"{target} cannot be written: {error.strerror}.") from error


CLASSES = (BACKLOT_OT_export_camera, BACKLOT_OT_export_camera_file)
