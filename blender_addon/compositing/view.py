"""Keeping a view transform away from the plate.

A plate is a finished picture: shown through AgX it would be tone-mapped a second time, and AgX cannot be
undone for saturated colours. So the set-up turns things round: the render, and only the render, goes
through the scene's view transform inside the compositor; the plate goes over it as it is; and the scene's
own view becomes Standard, which gives sRGB pixels back bit for bit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import bpy

from .trees import Builder

_RECORD = "backlot_render_view"
_PLAIN = "Standard"
# Blender's configuration has these views as colour spaces too; before 5.0 nodes reach them only so.
_AS_COLOUR_SPACE = {
    "AgX": "AgX Base sRGB",
    "Filmic": "Filmic sRGB",
    "Khronos PBR Neutral": "Khronos PBR Neutral sRGB",
}


@dataclass(frozen=True)
class RenderView:
    """How the scene showed its render before the set-up."""

    transform: str
    look: str
    exposure: float
    gamma: float

    @property
    def is_plain(self) -> bool:
        return (self.transform, self.look, self.exposure, self.gamma) == (_PLAIN, "None", 0.0, 1.0)


def take_over(scene: bpy.types.Scene) -> RenderView:
    """Notes the scene's view and sets Standard. A second call returns the view noted first, unless the
    artist has chosen another one since."""
    settings = scene.view_settings
    now = RenderView(settings.view_transform, settings.look or "None", settings.exposure, settings.gamma)
    noted = scene.get(_RECORD)
    view = RenderView(**json.loads(noted)) if noted and now.is_plain else now
    scene[_RECORD] = json.dumps(asdict(view))
    settings.look = "None"
    settings.view_transform = _PLAIN
    settings.exposure, settings.gamma = 0.0, 1.0
    settings.use_curve_mapping = False
    # Dither would change the plate's last bit; it brings its own grain.
    scene.render.dither_intensity = 0.0
    return view


def give_back(scene: bpy.types.Scene) -> None:
    """Restores the view that `take_over` noted."""
    noted = scene.get(_RECORD)
    if noted:
        view = RenderView(**json.loads(noted))
        settings = scene.view_settings
        settings.view_transform, settings.look = view.transform, view.look
        settings.exposure, settings.gamma = view.exposure, view.gamma
        del scene[_RECORD]


def apply(build: Builder, picture: Any, view: RenderView) -> tuple[Any, str]:
    """Nodes that show premultiplied scene-linear `picture` through a view, back in scene-linear values, and
    a sentence about what could not be kept ("" when everything was)."""
    if view.is_plain:
        return picture, ""
    straight = build.node("CompositorNodePremulKey", picture)
    _set_alpha_kind(straight, "To Straight", "PREMUL_TO_STRAIGHT")
    shown, lost = _shown(build, straight, view)
    linear = _convert(build, shown, "sRGB", _scene_linear())
    result = build.node("CompositorNodePremulKey", linear)
    _set_alpha_kind(result, "To Premultiplied", "STRAIGHT_TO_PREMUL")
    return result, lost


def _shown(build: Builder, picture: Any, view: RenderView) -> tuple[Any, str]:
    """Display codes (0..1, sRGB) of a straight scene-linear picture."""
    if view.exposure:
        picture = build.node("CompositorNodeExposure", picture)
        picture.inputs["Exposure"].default_value = view.exposure
    if hasattr(bpy.types, "CompositorNodeConvertToDisplay"):
        shown, lost = build.node("CompositorNodeConvertToDisplay", picture), ""
        shown.display_settings.display_device = "sRGB"
        shown.view_settings.view_transform = view.transform
        shown.view_settings.look = view.look
    else:
        shown = _convert(build, picture, _scene_linear(), _AS_COLOUR_SPACE.get(view.transform, "sRGB"))
        lost = _what_is_lost(view)
    if view.gamma != 1.0:
        shown = build.node("ShaderNodeGamma" if bpy.app.version >= (5, 0, 0) else "CompositorNodeGamma", shown)
        shown.inputs["Gamma"].default_value = 1 / view.gamma
    return shown, lost


def _what_is_lost(view: RenderView) -> str:
    lost = [] if view.look == "None" else [f"the look {view.look}"]
    if view.transform not in _AS_COLOUR_SPACE and view.transform != _PLAIN:
        lost.append(f"the view {view.transform}")
    return f"This Blender's compositor cannot apply {' and '.join(lost)}" if lost else ""


def _convert(build: Builder, picture: Any, source: str, target: str) -> Any:
    node = build.node("CompositorNodeConvertColorSpace", picture)
    node.from_color_space, node.to_color_space = source, target
    return node


def _scene_linear() -> str:
    spaces = bpy.types.ColorManagedInputColorspaceSettings.bl_rna.properties["name"].enum_items
    return "scene_linear" if "scene_linear" in spaces else "Linear Rec.709"


def _set_alpha_kind(node: Any, menu: str, mapping: str) -> None:
    if "Type" in node.inputs:
        node.inputs["Type"].default_value = menu
    else:
        node.mapping = mapping
