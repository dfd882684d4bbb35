"""Houdini's channel text, `.clip`: for a File CHOP or `hou.Clip.loadFromFile`.

Samples are uniform: sample 0 is Houdini's frame 1, so `start` is the first frame less one. A channel cannot
have holes: over frames without a pose every channel stays at its last value and the channel `solved` is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backend.pipeline.atomic import write_text
from shared import axes

from .camera_track import CameraTrack
from .rotation_curve import channel_rows, number

CHANNELS = ("tx", "ty", "tz", "rx", "ry", "rz", "focal", "aperture", "winx", "winy", "solved")


def write_clip(path: Path, track: CameraTrack, convention: axes.Convention, order: str) -> None:
    columns = list(zip(*_rows(track, convention, order), strict=True))
    lines = [
        "{",
        f"\trate = {number(float(track.fps))}",
        f"\tstart = {track.first - 1}",
        f"\ttracklength = {len(columns[0])}",
        f"\ttracks = {len(CHANNELS)}",
    ]
    for name, values in zip(CHANNELS, columns, strict=True):
        lines += ["\t{", f"\t\tname = {name}", f"\t\tdata = {' '.join(map(number, values))}", "\t}"]
    write_text(path, "\n".join([*lines, "}"]) + "\n")


def _rows(track: CameraTrack, convention: axes.Convention, order: str) -> list[Sequence[float]]:
    """Channel values of every frame from the first to the last."""
    solved = {sample.frame: (position, angles) for sample, position, angles in channel_rows(track, convention, order)}
    by_frame = {sample.frame: sample for sample in track.samples}
    held = next(iter(solved.values()))
    sample = track.samples[0]
    rows: list[Sequence[float]] = []
    for frame in range(track.first, track.last + 1):
        held, sample = solved.get(frame, held), by_frame.get(frame, sample)
        right, up = track.film_offset(sample)
        lens = (sample.focal_mm, track.film_width_mm, right, up)
        rows.append((*held[0], *held[1], *lens, float(frame in solved)))
    return rows
