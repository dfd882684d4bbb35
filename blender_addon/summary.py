"""What a shot folder says about itself, for the panel. No bpy here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .depth import staleness
from .roto.results import has_masks
from .shared.camera_files import read_camera
from .shared.depth_meta import FUSED_CLOUD, FUSED_MESH, META, DepthMeta, read_depth_meta
from .shared.errors import ArtifactMissing, BacklotError, ShotCorrupt
from .shared.mocap_report import MOCAP_REPORT, MocapProblem, MocapReport, PersonReport, read_mocap_report
from .shared.motion_arrays import MOTION_FILE
from .shared.roto_report import ROTO_REPORT, read_roto_report
from .shared.shot import ShotFolder, SourceFacts, read_document
from .shared.solve_report import Problem, SolveReport
from .stage_states import StageRecord, read_records

_MOTIONS = {"nodal": "The camera only turns: no depth", "locked": "The camera stands still: no depth"}
_ZOOM = 1e-4
"""Relative change of the focal length that is worth two numbers."""


@dataclass(frozen=True)
class DepthSummary:
    """lines: short ones about the depth. missing: sentences about frames without it. has_mesh, has_cloud: whether they
    were fused. problem: why it does not go with the camera, "" when it does."""

    lines: tuple[str, ...]
    missing: tuple[str, ...] = ()
    has_mesh: bool = False
    has_cloud: bool = False
    problem: str = ""


@dataclass(frozen=True)
class RotoSummary:
    """lines: short ones about the masks. problems: sentences about frames that need a look."""

    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class MocapSummary:
    """lines: short ones about the stage. people: label -> short line. problems: ranges that need a look. is_outdated:
    the camera was solved again since."""

    lines: tuple[str, ...]
    people: dict[str, str] = field(default_factory=dict)
    problems: tuple[MocapProblem, ...] = ()
    is_outdated: bool = False


@dataclass(frozen=True)
class ShotSummary:
    """facts: of the clip and its plate, None before it was read. camera: short lines about the solve, empty before
    it. problems: its bad ranges. depth, roto, mocap: None before these stages. motions: labels of the people whose
    motion is there. has_masks: whether there are masks or mattes. exists: whether there is such a folder. records: of
    every stage that has finished. error: why the folder could not be read. shot: its id, "" where there is none."""

    facts: SourceFacts | None = None
    camera: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    error: BacklotError | None = field(default=None)
    depth: DepthSummary | None = None
    roto: RotoSummary | None = None
    mocap: MocapSummary | None = None
    motions: tuple[str, ...] = ()
    has_masks: bool = False
    exists: bool = True
    records: Mapping[str, StageRecord] = field(default_factory=dict)
    shot: str = ""

    @property
    def is_solved(self) -> bool:
        return bool(self.camera)

    def has(self, stage: str) -> bool:
        """Whether what the stage makes is there."""
        motion = self.mocap or self.motions
        made = {"ingest": self.facts, "solve": self.camera, "roto": self.roto, "depth": self.depth, "mocap": motion}
        return bool(made.get(stage))


def read_summary(folder: Path) -> ShotSummary:
    """Reads `shot.json` and the camera files. An error is part of the summary."""
    shot = ShotFolder(folder)
    try:
        found = shot.find()
        if found is None:
            return ShotSummary(exists=folder.is_dir())
        camera = _camera_lines(folder) if shot.extrinsics.is_file() else ()
        depth = _depth(folder, found.facts) if camera and (folder / META).is_file() else None
        roto = _roto(shot) if (folder / ROTO_REPORT).is_file() else None
        mocap = _mocap(shot) if (folder / MOCAP_REPORT).is_file() else None
    except BacklotError as error:
        return ShotSummary(error=error)
    problems, records = _problems(shot) if camera else (), read_records(folder)
    motions = tuple(sorted(path.parent.name for path in (folder / "mocap").glob(f"*/{MOTION_FILE}")))
    stages = {"depth": depth, "roto": roto, "mocap": mocap, "motions": motions, "has_masks": has_masks(folder)}
    return ShotSummary(found.facts, camera, problems, **stages, records=records, shot=found.id)


def _problems(shot: ShotFolder) -> tuple[Problem, ...]:
    """Cameras of other programs, and of earlier versions, come without a report."""
    try:
        return read_document(shot.report, SolveReport).problems
    except (ArtifactMissing, ShotCorrupt):
        return ()


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


def _depth(folder: Path, facts: SourceFacts) -> DepthSummary:
    meta = read_depth_meta(folder)
    unit = " m" if meta.units == "metres" else ""
    engine = f"{meta.engine} ({meta.model})" if meta.model else meta.engine
    lines = [f"{len(meta.frames)} of {facts.frame_count} frames, by {engine}"]
    if meta.frames:
        lines.append(f"From {meta.near:.3g} to {meta.far:.3g}{unit} away")
    shares = (("measured", meta.measured), ("known", meta.known))
    said = [f"{share:.0%} {word}" for word, share in shares if share is not None]
    if said:
        lines.append(f"Pixels: {', '.join(said)}")
    revision = read_camera(folder).world.revision
    problem = staleness.SENTENCE if staleness.is_of_an_earlier_camera(folder) else ""
    if meta.world_revision != revision:
        problem = "This depth belongs to another world of the shot: estimate it anew"
    return DepthSummary(
        tuple(lines), _without(meta), (folder / FUSED_MESH).is_file(), (folder / FUSED_CLOUD).is_file(), problem
    )


def _without(meta: DepthMeta) -> tuple[str, ...]:
    """Frames without depth, by ranges."""
    return tuple(
        f"No depth in {f'frame {gap.first}' if gap.first == gap.last else f'frames {gap.first} to {gap.last}'}"
        f"{f': {gap.cause}' if gap.cause else ''}"
        for gap in meta.missing
    )


def _roto(shot: ShotFolder) -> RotoSummary:
    report = read_roto_report(shot)
    lines = [f"Masks by {report.engine}"]
    for label, said in report.labels.items():
        seen = f"frames {said.first} to {said.last}" if said.first is not None else "nowhere"
        lost = f", lost in {said.lost}" if said.lost else ""
        keys = f", {said.facts['spline_keys']} spline keys" if "spline_keys" in said.facts else ""
        lines.append(f"{label}: {seen}{lost}{keys}")
    problems = tuple(problem.message for problem in report.problems)
    return RotoSummary(tuple(lines), problems)


def _mocap(shot: ShotFolder) -> MocapSummary:
    report = read_mocap_report(shot)
    outdated = staleness.is_of_an_earlier_camera(shot.root, "mocap")
    people = {label: _person_line(said) for label, said in report.people.items()}
    return MocapSummary(_mocap_lines(report), people, report.problems, outdated)


def _mocap_lines(report: MocapReport) -> tuple[str, ...]:
    count = len(report.people)
    who = "Nobody was found" if not count else f"{count} {'person' if count == 1 else 'people'}"
    told = {problem.message for problem in report.problems}
    return (f"{who}, by {report.engine}", *(notice for notice in report.notices if notice not in told))


def _person_line(said: PersonReport) -> str:
    parts = [f"{said.stature_m:.2f} m{' (given)' if said.height_given else ''}", f"frames {said.first} to {said.last}"]
    parts += [f"{said.bridged} bridged"] if said.bridged else []
    parts += [f"{said.absent} not seen"] if said.absent else []
    parts += [f"feet slide {said.slide_mm:.1f} mm a frame"] if said.slide_mm is not None else []
    return ", ".join([*parts, f"confidence {said.confidence:.0%}"])
