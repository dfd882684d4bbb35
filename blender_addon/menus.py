"""Backlot in Blender's own menus: File > Import and > Export, and a menu of everything in the editors' View menus,
where the search (F3) finds it under its name."""

from __future__ import annotations

import bpy

from .importers import ownership

_EXPORTS = (
    ("nk", "Nuke Script (.nk)"),
    ("chan", "Nuke, 3DEqualizer, SynthEyes (.chan)"),
    ("fbx", "Maya, Unreal, Unity (.fbx)"),
    ("abc", "Alembic (.abc)"),
    ("usda", "USD (.usda)"),
    ("usdc", "USD, Binary (.usdc)"),
    ("clip", "Houdini Channels (.clip)"),
    ("jsx", "After Effects (.jsx)"),
    ("csv", "Table (.csv)"),
)
"""Formats that are one file, by the programs that read them."""

_EVERYTHING: tuple[tuple[str, ...], ...] = (
    ("open_clip", "check_clip", "read_clip", "import_shot", "open_folder"),
    ("run_all", "queue_scenes", "queue_clips", "cancel_all_jobs", "clear_jobs", "show_job_log"),
    ("solve_camera", "update_scene", "solve_with_tracks", "import_camera", "export_camera"),
    ("suggest_ground", "set_origin", "set_floor", "set_axis", "set_scale", "set_camera_height", "reset_world"),
    ("compare", "take_render", "show_problem", "apply_root"),
    ("roto_show_plate", "roto_add_object", "roto_propagate", "import_roto", "make_mattes"),
    ("estimate_depth", "import_depth"),
    ("capture_motion", "import_mocap", "retarget_motion"),
    ("setup_composite", "setup_shadow_catcher", "setup_depth_of_field", "setup_fog"),
    ("show_models", "set_up_backend", "start_backend", "stop_backend", "save_diagnostics"),
)
"""Operators by groups."""

_VIEWS = ("VIEW3D_MT_view", "IMAGE_MT_view", "CLIP_MT_view")


class BACKLOT_MT_export(bpy.types.Menu):
    bl_idname = "BACKLOT_MT_export"
    bl_label = "Backlot Camera"

    def draw(self, context: bpy.types.Context) -> None:
        collection = ownership.current_shot(context.scene)
        name = collection.name if collection is not None else "camera"
        for kind, text in _EXPORTS:
            operator = self.layout.operator("backlot.export_camera_file", text=text)
            operator.format, operator.filepath = kind, f"{name}.{kind}"


class BACKLOT_MT_everything(bpy.types.Menu):
    bl_idname = "BACKLOT_MT_everything"
    bl_label = "Backlot"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator_context = "INVOKE_REGION_WIN"
        for index, group in enumerate(_EVERYTHING):
            if index:
                self.layout.separator()
            for name in group:
                self.layout.operator(f"backlot.{name}")


def draw_import(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """File > Import."""
    self.layout.operator("backlot.open_clip", text="Backlot Clip (video, image sequence)")
    self.layout.operator("backlot.import_shot", text="Backlot Shot (shot.json)")
    text = "Backlot Camera (.abc, .chan, .jsx, .fbx, .usd, COLMAP)"
    self.layout.operator("backlot.import_camera", text=text)


def draw_export(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """File > Export."""
    self.layout.menu("BACKLOT_MT_export")


def draw_view(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """View > Backlot."""
    self.layout.separator()
    self.layout.menu("BACKLOT_MT_everything")


CLASSES = (BACKLOT_MT_export, BACKLOT_MT_everything)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    bpy.types.TOPBAR_MT_file_import.append(draw_import)
    bpy.types.TOPBAR_MT_file_export.append(draw_export)
    for name in _VIEWS:
        getattr(bpy.types, name).append(draw_view)


def unregister() -> None:
    for name in _VIEWS:
        getattr(bpy.types, name).remove(draw_view)
    bpy.types.TOPBAR_MT_file_export.remove(draw_export)
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
