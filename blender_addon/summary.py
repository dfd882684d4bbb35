"""What a shot folder says about itself, for the panel. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .shared.camera_files import read_camera
from .shared.errors import ArtifactMissing, BacklotError, ShotCorrupt
from .shared.shot import ShotFolder, SourceFacts, read_document
from .shared.solve_report import Problem, SolveReport

_MOTIONS = {"nodal": "The camera only turns: no depth", "locked": "The camera stands still: no depth"}
_ZOOM = 1e-4
"""Relative change of the focal length that is worth two numbers."""
_HDR = {"pq": "HDR (PQ)", "hlg": "HDR (HLG)"}


@dataclass(frozen=True)
class ShotSummary:
    """clip: short lines about the footage; warnings: what is unusual about it; camera: short lines about
    the solve, empty before it. problems: its bad ranges. error: why the folder could not be read."""

    clip: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    camera: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    error: BacklotError | None = field(default=None)

    @property
    def is_solved(self) -> bool:
        return bool(self.camera)


def read_summary(folder: Path) -> ShotSummary:
    """Reads `shot.json` and the camera files. An error is part of the summary."""
    shot = ShotFolder(folder)
    try:
        found = shot.find()
        if found is None:
            return ShotSummary()
        camera = _camera_lines(folder) if shot.extrinsics.is_file() else ()
    except BacklotError as error:
        return ShotSummary(error=error)
    return ShotSummary(_clip_lines(found.facts), _warnings(found.facts), camera, _problems(shot) if camera else ())


def _problems(shot: ShotFolder) -> tuple[Problem, ...]:
    """Cameras of other programs, and of earlier versions, come without a report."""
    try:
        return read_document(shot.report, SolveReport).problems
    except (ArtifactMissing, ShotCorrupt):
        return ()


def _clip_lines(facts: SourceFacts) -> tuple[str, ...]:
    return (
        f"{facts.width} x {facts.height}, {float(facts.rate):.6g} fps",
        f"Frames {facts.frame_start} to {facts.frame_end}",
    )


def _warnings(facts: SourceFacts) -> tuple[str, ...]:
    said = {
        f"Turned by {facts.rotation}°": facts.rotation != 0,
        f"Pixel aspect {facts.pixel_aspect:g}": facts.pixel_aspect != 1.0,
        "Variable frame rate, made constant": facts.variable_rate,
        "Interlaced": facts.interlaced,
        _HDR.get(facts.hdr, facts.hdr): bool(facts.hdr),
        f"{len(facts.missing_frames)} frames missing in the sequence": bool(facts.missing_frames),
    }
    return tuple(text for text, is_so in said.items() if is_so)


def _camera_lines(folder: Path) -> tuple[str, ...]:
    camera = read_camera(folder)
    frames = camera.extrinsics.frames
    posed = [frame for frame in frames if frame.world_from_camera is not None]
    errors = [f.reprojection_error_px for f in posed if f.reprojection_error_px is not None]
    focal = sorted(frame.fx for frame in camera.intrinsics.frames)
    lines = [f"{len(posed)} of {len(frames)} frames solved"]
    if errors:
        sure = sorted(frame.confidence for frame in posed if frame.confidence is not None)
        trust = f", confidence {sure[len(sure) // 2]:.0%}" if sure else ""
        lines.append(f"Error {sum(errors) / len(errors):.2f} px{trust}")
    lines += [text for motion, text in _MOTIONS.items() if posed and all(f.motion == motion for f in posed)]
    if focal:
        is_zoom = focal[-1] - focal[0] > _ZOOM * focal[0]
        length = f"{focal[0]:.0f} to {focal[-1]:.0f}" if is_zoom else f"{focal[len(focal) // 2]:.1f}"
        lines.append(f"Focal length {length} px ({camera.intrinsics.focal_source})")
    return tuple(lines)
