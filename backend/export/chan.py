"""Nuke's `.chan`: one line a frame, `frame tx ty tz rx ry rz vfov`.

Angles and the vertical field of view are in degrees; the rotation order is not in the file, and Nuke's
cameras start with ZXY. A frame without a pose has no line, so Nuke sets no key there. The format has no place
for a principal point off the centre.
"""

from __future__ import annotations

import math
from pathlib import Path

from backend.pipeline.atomic import write_text
from shared import axes

from .camera_track import CameraSample, CameraTrack
from .rotation_curve import channel_rows, number


def write_chan(path: Path, track: CameraTrack, convention: axes.Convention, order: str) -> None:
    lines = []
    for sample, position, angles in channel_rows(track, convention, order):
        values = (*position, *angles, vertical_view_degrees(track, sample))
        lines.append("\t".join([str(sample.frame), *map(number, values)]))
    write_text(path, "\n".join(lines) + "\n")


def vertical_view_degrees(track: CameraTrack, sample: CameraSample) -> float:
    """The whole vertical angle of view of a centred lens with the frame's focal length."""
    return math.degrees(2.0 * math.atan(track.height / (2.0 * sample.fy)))


def horizontal_view_degrees(track: CameraTrack, sample: CameraSample) -> float:
    return math.degrees(2.0 * math.atan(track.width / (2.0 * sample.fx)))
