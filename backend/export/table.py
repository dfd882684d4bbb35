"""A table of the camera, `.csv`: one row a frame with a header row, for spreadsheets and scripts.

A frame without a pose has a row with its state and empty cells where the pose would be.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from backend.pipeline.atomic import write_text
from shared import axes

from .camera_track import CameraSample, CameraTrack
from .chan import horizontal_view_degrees, vertical_view_degrees
from .rotation_curve import channel_rows, number

POSE = ("tx", "ty", "tz", "rx_deg", "ry_deg", "rz_deg")
LENS = ("focal_mm", "film_width_mm", "film_height_mm", "fx_px", "fy_px", "cx_px", "cy_px", "hfov_deg", "vfov_deg")
HEADER = (
    "frame", "time_s", "state", "motion", *POSE, *LENS,
    "width_px", "height_px", "pixel_aspect", "reprojection_error_px", "points", "axes", "rotation_order",
)  # fmt: skip


def write_table(path: Path, track: CameraTrack, convention: axes.Convention, order: str) -> None:
    poses = {sample.frame: (*position, *angles) for sample, position, angles in channel_rows(track, convention, order)}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for sample in track.samples:
        pose = [number(value) for value in poses[sample.frame]] if sample.frame in poses else [""] * len(POSE)
        time = float((sample.frame - track.first) / track.fps)
        cells = [sample.frame, number(time), sample.state, sample.motion, *pose]
        table.writerow([*cells, *_lens(track, sample), *_rest(track, sample, convention, order)])
    write_text(path, text.getvalue())


def _lens(track: CameraTrack, sample: CameraSample) -> list[str]:
    values = (
        sample.focal_mm, track.film_width_mm, track.film_height_mm(sample),
        sample.fx, sample.fy, sample.cx, sample.cy,
        horizontal_view_degrees(track, sample), vertical_view_degrees(track, sample),
    )  # fmt: skip
    return [number(value) for value in values]


def _rest(track: CameraTrack, sample: CameraSample, convention: axes.Convention, order: str) -> list[str]:
    error = sample.reprojection_error_px
    return [
        str(track.width), str(track.height), number(track.pixel_aspect),
        "" if error is None else number(error), str(sample.points), convention.name, order,
    ]  # fmt: skip
