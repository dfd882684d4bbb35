"""The formats that the export stage writes, for clients that offer them; docs/exports.md describes each."""

from __future__ import annotations

from .params import Choice

EXPORT_FORMATS = (
    Choice("abc", "Alembic", "Camera and points for Maya, Houdini, Nuke, Cinema 4D; written by Blender"),
    Choice("usda", "USD, text", "Camera and points for Houdini, Maya, Omniverse, Nuke"),
    Choice("usdc", "USD, binary", "The same scene as USD text, smaller"),
    Choice("fbx", "FBX", "Camera and points for Maya, Unreal, Unity; written by Blender"),
    Choice("chan", "Nuke .chan", "Camera curves for Nuke, 3DEqualizer, SynthEyes"),
    Choice("nk", "Nuke script", "A Camera node with the exact film back"),
    Choice("csv", "Table", "Every number of every frame, for spreadsheets and scripts"),
    Choice("jsx", "After Effects", "A script that makes the composition, its camera and nulls"),
    Choice("clip", "Houdini channels", "Camera channels for a File CHOP"),
    Choice("colmap", "COLMAP", "The model as text, for other solvers and splats"),
    Choice("stmap", "ST maps", "Undistort and redistort as 32-bit EXR"),
    Choice("undistorted", "Undistorted plate", "The plate without the lens, with its own camera"),
    Choice("analysis", "Motion analysis", "Path, speed, rotation and shake as JSON and a plot"),
)
