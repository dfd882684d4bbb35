"""What the extension keeps in a scene about its objects.

As in `properties.py`, the groups hold no Python functions. An object's hints are text (JSON) in it, so that Blender's
undo takes back a click like anything else; `prompts_sync.py` brings the shot's file after it.
"""

from __future__ import annotations

import bpy

MOST_BRUSH_PX = 500.0


class RotoObject(bpy.types.PropertyGroup):
    """An object of the plate. Its name is what the artist sees and edits; `label` is the last one that was good."""

    label: bpy.props.StringProperty(options={"HIDDEN"})
    color: bpy.props.FloatVectorProperty(
        name="Colour",
        description="Colour that the object is drawn with",
        subtype="COLOR_GAMMA",
        size=3,
        min=0.0,
        max=1.0,
    )
    moving: bpy.props.BoolProperty(
        name="Moves", description="It moves by itself: the camera solve ignores its pixels", default=True
    )
    text: bpy.props.StringProperty(
        name="Text", description="What it is in words, for engines that find by text; person finds every person"
    )
    visible: bpy.props.BoolProperty(name="Visible", description="Draw its mask and hints over the plate", default=True)
    frames: bpy.props.StringProperty(default="{}", options={"HIDDEN"})


class RotoResult(bpy.types.PropertyGroup):
    """What was imported of a label. Its name is the label. mask_state: see `mask_import.py`."""

    mask_image: bpy.props.PointerProperty(type=bpy.types.Image, options={"HIDDEN"})
    matte_image: bpy.props.PointerProperty(type=bpy.types.Image, options={"HIDDEN"})
    mask: bpy.props.PointerProperty(type=bpy.types.Mask, options={"HIDDEN"})
    mask_state: bpy.props.StringProperty(options={"HIDDEN"})
    group: bpy.props.PointerProperty(type=bpy.types.NodeTree, options={"HIDDEN"})
    visible: bpy.props.BoolProperty(name="Visible", description="Draw its mask over the plate", default=True)


class RotoSettings(bpy.types.PropertyGroup):
    """Objects, what was imported, and how both are shown. folder, revision: of the prompts that the objects are."""

    objects: bpy.props.CollectionProperty(type=RotoObject)
    active: bpy.props.IntProperty(name="Active Object", description="The object that a click belongs to")
    folder: bpy.props.StringProperty(options={"HIDDEN"})
    revision: bpy.props.IntProperty(options={"HIDDEN"})
    results: bpy.props.CollectionProperty(type=RotoResult)
    plate: bpy.props.PointerProperty(type=bpy.types.Image, options={"HIDDEN"})
    markers: bpy.props.StringProperty(options={"HIDDEN"})
    show: bpy.props.BoolProperty(
        name="Overlay", description="Draw masks and hints over the plate in the Image Editor", default=True
    )
    opacity: bpy.props.FloatProperty(
        name="Fill",
        description="How strongly a mask colours the plate",
        subtype="FACTOR",
        default=0.2,
        min=0.0,
        max=1.0,
    )
    outline: bpy.props.FloatProperty(
        name="Outline", description="Width of a mask's outline on the screen; 0 for none", subtype="PIXEL",
        default=1.5, min=0.0, max=10.0, precision=1,
    )  # fmt: skip
    brush_radius: bpy.props.FloatProperty(
        name="Brush", description="Radius of a stroke, in pixels of the plate", subtype="PIXEL",
        default=8.0, min=0.5, max=MOST_BRUSH_PX, precision=1,
    )  # fmt: skip
    painted: bpy.props.PointerProperty(
        type=bpy.types.Image, name="Painted Image",
        description="An image of the plate's size: what is bright and opaque in it is the object",
    )  # fmt: skip
    drawn: bpy.props.PointerProperty(
        type=bpy.types.Mask, name="Mask", description="Mask splines: what they enclose at this frame is the object"
    )


CLASSES = (RotoObject, RotoResult, RotoSettings)
