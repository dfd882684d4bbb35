"""What the viewport shows of a solve. Saved with the scene."""

from __future__ import annotations

import bpy

PATH_COLOURS = (
    ("CONFIDENCE", "Confidence", "Green where the solve trusts the frame, red where it does not"),
    ("ERROR", "Error", "By the frame's mean reprojection error, red from Worst Error on"),
    ("SPEED", "Speed", "Blue where the camera stands, orange where it is fastest"),
)


class SolveOverlaySettings(bpy.types.PropertyGroup):
    """Of the solve overlay."""

    show: bpy.props.BoolProperty(
        name="Solve Overlay",
        description="Draw in the viewport how well the solve fits: over the plate in camera view, along the "
        "camera's path in other views",
        default=False,
    )
    points: bpy.props.BoolProperty(
        name="Points",
        description="Solved points, coloured by their reprojection error: of this frame in camera view, their mean in "
        "other views",
        default=True,
    )
    residuals: bpy.props.BoolProperty(
        name="Residuals",
        description="Rings where the tracker saw the points of this frame, and lines from there towards where the "
        "solved camera sees them",
        default=True,
    )
    magnify: bpy.props.FloatProperty(
        name="Magnify Residuals",
        description="How many times its length a residual is drawn",
        default=10.0, min=1.0, max=1000.0, soft_max=100.0, precision=0,
    )  # fmt: skip
    worst_px: bpy.props.FloatProperty(
        name="Worst Error",
        description="Reprojection error that is shown as red, px of the plate",
        default=2.0, min=0.05, max=100.0, soft_max=10.0, precision=2,
    )  # fmt: skip
    size: bpy.props.FloatProperty(
        name="Point Size", description="Px of the screen", default=7.0, min=1.0, max=40.0, precision=0
    )
    path: bpy.props.BoolProperty(
        name="Camera Path", description="Where the camera went, in views other than its own", default=True
    )
    frusta: bpy.props.BoolProperty(
        name="Frusta",
        description="What the camera saw, at frames spread over the shot and at those with problems",
        default=True,
    )
    path_colour: bpy.props.EnumProperty(
        name="Colour Path By", description="What the colours of path and frusta tell", items=PATH_COLOURS
    )
    words: bpy.props.BoolProperty(
        name="Numbers", description="Error, points and confidence of the frame, and what the colours mean", default=True
    )


CLASSES = (SolveOverlaySettings,)
