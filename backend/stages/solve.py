"""The solve stage: the camera that filmed the plate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.media.plate import PlateReader, moving_mask_folders
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from backend.solve_files import write_solve
from backend.world.keep import earlier_camera, keep_world
from shared.artifacts import StageResult
from shared.errors import InvalidParameter
from shared.sensors import width_mm
from shared.shot import ShotFolder, SourceFacts
from shared.stages import SolveParams

SFM = Engine("sfm", 1)


def engine(params: SolveParams) -> Engine:
    # "auto" too: sfm is the only engine so far, and it can always run.
    return SFM


def inputs(params: SolveParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    folders = () if params.no_masks else moving_mask_folders(shot)
    masks = [path for folder in folders for path in folder.glob("frame_*.png")]
    return {"masks": of_files(masks, shot.root)} if masks else {}


def run(params: SolveParams, context: StageContext) -> StageResult:
    facts = context.shot.read().facts
    focal = known_focal(params, facts)
    settings = SfmSettings(
        quality=params.quality,
        focal_px=focal.px,
        focal_source=focal.source,
        fix_focal=params.fix_focal,
        distortion=params.distortion,
        pixel_aspect=facts.pixel_aspect,
        seed=params.seed,
        checkpoint=context.checkpoint_dir,
    )
    with PlateReader(context.shot, use_masks=not params.no_masks) as plate:
        solved = solve(plate, settings, context)
    for sentence in solved.notices:
        context.notice(sentence)
    context.check_cancelled()
    before = earlier_camera(context.shot)
    context.begin_changes()
    artifacts = keep_world(before, context, write_solve(solved, facts, SFM.name, context))
    return StageResult("solve", SFM.name, SFM.version, _facts(solved), artifacts)


@dataclass(frozen=True)
class KnownFocal:
    """px of the plate's width, None when it has to be solved from nothing. source: user or metadata."""

    px: float | None
    source: str


def known_focal(params: SolveParams, facts: SourceFacts) -> KnownFocal:
    """The focal length that the user or the file gives: pixels win over millimetres, the user over the file.

    Raises `InvalidParameter` for millimetres without a sensor, and for keeping a focal length nobody gave.
    """
    if params.focal_px is not None:
        return KnownFocal(params.focal_px, "user")
    if params.focal_mm is not None:
        sensor = params.sensor_mm or width_mm(params.sensor)
        if sensor is None:
            raise InvalidParameter(
                "A focal length in millimetres says nothing without the width of the sensor.",
                "Choose the camera, or enter the sensor's width in millimetres.",
            )
        return KnownFocal(params.focal_mm * facts.width / sensor, "user")
    if facts.focal_px is not None:
        return KnownFocal(facts.focal_px, "metadata")
    if params.fix_focal:
        raise InvalidParameter(
            "There is no focal length to keep: none was given, and the footage carries none.",
            "Enter the focal length, or let it be solved.",
        )
    return KnownFocal(None, "user")


def _facts(solved: CameraSolve) -> dict[str, object]:
    failed = [frame.number for frame in solved.frames if frame.world_from_camera is None]
    return {
        "frames": len(solved.frames),
        "frames_solved": solved.solved,
        "failed_frames": failed,
        "focal_px": round(solved.lens.focal, 4),
        "focal_source": solved.focal_source,
        "k1": round(solved.lens.k1, 6),
        "k2": round(solved.lens.k2, 6),
        "reprojection_error_px": round(solved.mean_error_px, 4),
        "points": len(solved.cloud.xyz),
        "observations": len(solved.observations.track),
        "step_seconds": {name: round(seconds, 3) for name, seconds in solved.seconds.items()},
    }
