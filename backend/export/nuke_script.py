"""A Nuke script, `.nk`, with the camera as a Camera2 node: paste it or File > Insert Comp Nodes.

Unlike `.chan` it carries the film back, the principal point and the rotation order. Frames without a pose
have no keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from backend.pipeline.atomic import write_text
from shared import axes

from .camera_track import CameraTrack
from .rotation_curve import channel_rows, number


def write_nuke_script(path: Path, track: CameraTrack, convention: axes.Convention, order: str) -> None:
    rows = list(channel_rows(track, axes.with_scene_camera(convention), order))
    frames = [sample.frame for sample, _, _ in rows]

    def curves(vectors: Iterable[Iterable[float]]) -> str:
        return " ".join(_curve(frames, values) for values in zip(*vectors, strict=True))

    # Nuke measures the window's shift, across and up, in halves of the picture's width.
    tall = track.height / (track.width * track.pixel_aspect)
    shifts = [(2.0 * right, 2.0 * up * tall) for right, up in (track.film_offset(sample) for sample, _, _ in rows)]
    heights = [(track.film_height_mm(sample),) for sample, _, _ in rows]
    lines = [
        "Camera2 {",
        " inputs 0",
        f" rot_order {order.upper()}",
        f" translate {{{curves(position for _, position, _ in rows)}}}",
        f" rotate {{{curves(angles for _, _, angles in rows)}}}",
        f" focal {{{curves((sample.focal_mm,) for sample, _, _ in rows)}}}",
        f" haperture {number(track.film_width_mm)}",
        f" vaperture {{{curves(heights)}}}",
        f" win_translate {{{curves(shifts)}}}",
        f" name {track.name}",
        f' label "{track.width}x{track.height} frames {track.first}-{track.last}"',
        "}",
    ]
    write_text(path, "\n".join(lines) + "\n")


def _curve(frames: list[int], values: Iterable[float]) -> str:
    """A Nuke curve with a key at every frame; a constant stays a plain number."""
    listed = [number(value) for value in values]
    if len(set(listed)) == 1 and len(listed) > 1:
        return listed[0]
    keys = " ".join(f"x{frame} {value}" for frame, value in zip(frames, listed, strict=True))
    return f"{{curve {keys}}}"
