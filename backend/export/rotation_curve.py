"""Poses of a track as the numbers that channel files hold: positions and Euler angles without jumps."""

from __future__ import annotations

from collections.abc import Iterator

from shared import axes

from .camera_track import CameraSample, CameraTrack


def channel_rows(
    track: CameraTrack, convention: axes.Convention, order: str
) -> Iterator[tuple[CameraSample, axes.Vector3, axes.Vector3]]:
    """(sample, position, angles about x y z in degrees) of every solved frame, in `convention`'s axes."""
    before: axes.Vector3 | None = None
    for sample in track.solved:
        assert sample.pose is not None
        pose = axes.pose_to(convention, sample.pose)
        before = axes.rotation_to_euler(axes.rotation_of(pose), order, near=before)
        yield sample, axes.position_of(pose), before


def number(value: float) -> str:
    """A decimal that reads back to within 1e-9 relative, without an exponent for everyday sizes."""
    text = f"{value:.10g}"
    return "0" if text == "-0" else text
