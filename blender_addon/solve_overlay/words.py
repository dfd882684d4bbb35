"""The line that tells of a frame, and the legend. No bpy here."""

from __future__ import annotations

from ..shared.camera_files import FramePose

Line = tuple[str, tuple[float, float, float, float]]
_WHITE = (1.0, 1.0, 1.0, 1.0)
_WARNING = (1.0, 0.65, 0.25, 1.0)


def frame_words(frame: int, pose: FramePose | None) -> list[Line]:
    """What the solve says of a frame, in short lines with their colours."""
    if pose is None:
        return [(f"Frame {frame} is not in the shot", _WARNING)]
    if pose.world_from_camera is None:
        return [(f"Frame {frame} has no camera" + (f": {pose.cause}" if pose.cause else ""), _WARNING)]
    told = []
    if pose.reprojection_error_px is not None:
        told.append(f"{pose.reprojection_error_px:.2f} px")
    told.append(f"{pose.points} points")
    if pose.confidence is not None:
        told.append(f"confidence {pose.confidence:.2f}")
    lines: list[Line] = [(f"Frame {frame}: {', '.join(told)}", _WHITE)]
    if pose.state == "interpolated":
        lines.append(("Bridged from the frames beside it", _WARNING))
    if pose.cause:
        lines.append((pose.cause[0].upper() + pose.cause[1:], _WARNING))
    return lines


def legend_words(kind: str, worst_px: float) -> tuple[str, str]:
    """What the two ends of the colour scale mean: POINTS and ERROR are px, the rest as in the settings."""
    if kind == "CONFIDENCE":
        return "confidence 1", "0"
    if kind == "SPEED":
        return "still", "fastest"
    return "0 px", f"{worst_px:g} px and more"
