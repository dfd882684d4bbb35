"""How plate and render are compared. Saved with the scene."""

from __future__ import annotations

import bpy

OFF, WIPE, ONION, DIFFERENCE = "OFF", "WIPE", "ONION", "DIFFERENCE"
VIEWPORT, RENDER, SEQUENCE = "VIEWPORT", "RENDER", "SEQUENCE"
MODES = (
    (OFF, "Off", "The viewport as it is"),
    (WIPE, "Wipe", "The plate on one side of a line that can be dragged"),
    (ONION, "Onion", "The plate over the picture, as opaque as wished, with its neighbour frames if wanted"),
    (DIFFERENCE, "Difference", "How far a render is from the plate; black where they are the same"),
)
SOURCES = (
    (VIEWPORT, "Viewport", "What the viewport shows"),
    (RENDER, "Last Render", "The render that was taken last"),
    (SEQUENCE, "Files", "Rendered frames on disk, by the scene's frame number"),
)


class CompareSettings(bpy.types.PropertyGroup):
    """Of the comparison in camera view."""

    mode: bpy.props.EnumProperty(name="Compare", description="How the plate is compared in camera view", items=MODES)
    source: bpy.props.EnumProperty(name="With", description="What the plate is compared with", items=SOURCES)
    position: bpy.props.FloatProperty(
        name="Line", description="Place of the line across the picture", default=0.5, min=0.0, max=1.0, subtype="FACTOR"
    )
    angle: bpy.props.FloatProperty(
        name="Angle", description="Turn of the line; upright at 0", default=0.0, min=-3.14159265, max=3.14159265,
        subtype="ANGLE",
    )  # fmt: skip
    opacity: bpy.props.FloatProperty(
        name="Opacity", description="Of the plate", default=0.5, min=0.0, max=1.0, subtype="FACTOR"
    )
    ghosts: bpy.props.IntProperty(
        name="Ghosts",
        description="Plate frames before (red) and after (blue) this one that are shown as well, on each side",
        default=0, min=0, max=3,
    )  # fmt: skip
    gain: bpy.props.FloatProperty(
        name="Gain", description="How many times the difference is shown", default=4.0, min=1.0, max=64.0, precision=1
    )
    path: bpy.props.StringProperty(
        name="Frames", description="Any frame of the rendered sequence, or a pattern such as name.####.png",
        subtype="FILE_PATH",
    )  # fmt: skip
    is_distorted: bpy.props.BoolProperty(
        name="Has Lens Distortion",
        description="The render has the plate's lens distortion, as Set Up Undistort / Redistort gives it",
        default=False,
    )
    taken: bpy.props.StringProperty(options={"HIDDEN"})
    taken_frame: bpy.props.IntProperty(options={"HIDDEN"})


CLASSES = (CompareSettings,)
