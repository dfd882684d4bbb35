"""The solve stage: the camera that filmed the plate."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend.depth_files import depth_fingerprint, depth_maps
from backend.free_memory import free_bytes
from backend.media.plate import PlateReader, moving_mask_folders
from backend.pipeline import manifest
from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_file, of_files
from backend.pipeline.stage import Engine
from backend.sfm.result import CameraSolve
from backend.sfm.same_tracks import old_tracks
from backend.solve_engines import SFM, engine_of, run_engine, weights_fingerprint
from backend.solve_files import write_solve
from backend.solve_memory import affordable
from backend.solve_settings import learned_focal_px, settings_of
from backend.world.keep import earlier_camera
from shared.artifacts import StageResult
from shared.shot import ShotFolder
from shared.solve_hints import SolveHints, read_hints
from shared.solve_report import Problem
from shared.stages import SolveParams

TRACK_CACHE = "tracks"
"""In the shot's private folder: the tracks of the last solve, for one with other hints or another lens."""


def engine(params: SolveParams) -> Engine:
    return engine_of(params)


def inputs(params: SolveParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    found = _masks(params, shot) | weights_fingerprint(params)
    if shot.hints.is_file():
        found["hints"] = of_file(shot.hints)
    if params.depth_prior == "auto":
        found |= depth_fingerprint(shot)
    focal = learned_focal_px(shot)
    return found if focal is None else {**found, "learned_focal": f"{focal:.2f}"}


def _masks(params: SolveParams, shot: ShotFolder) -> dict[str, str]:
    folders = () if params.no_masks else moving_mask_folders(shot)
    masks = [path for folder in folders for path in folder.glob("frame_*.png")]
    return {"masks": of_files(masks, shot.root)} if masks else {}


def run(params: SolveParams, context: StageContext) -> StageResult:
    shot = context.shot
    facts, hints = shot.read().facts, read_hints(shot)
    settings = replace(
        settings_of(params, facts, hints, learned_focal_px(shot)),
        checkpoint=_track_cache(shot),
        checkpoint_key=_plate_key(params, shot),
        track_tables=(shot.tracks, _hinted_table(shot)),
    )
    with PlateReader(shot, use_masks=not params.no_masks) as plate:
        fits = affordable(settings.quality, plate.width, plate.height, len(plate), free_bytes())
        if fits.notice:
            context.notice(fits.notice)
        depths = depth_maps(shot, plate.numbers, (plate.width, plate.height)) if params.depth_prior == "auto" else None
        settings = replace(settings, quality=fits.quality, depths=depths)
        solved, ran = run_engine(params, plate, settings, context)
        for sentence in (*solved.notices, *(_sentence(problem) for problem in solved.problems)):
            context.notice(sentence)
        context.check_cancelled()
        _keep_hinted_table(shot, hints)
        # While the plate is open: motion masks are made as they are written.
        begun = time.monotonic()
        written = write_solve(solved, facts, ran.name, context, earlier_camera(shot))
        solved.seconds["writing"] = time.monotonic() - begun
    found = _facts(written.solved, settings.quality, params.quality)
    return StageResult("solve", ran.name, ran.version, found, written.artifacts)


def _hinted_table(shot: ShotFolder) -> Path:
    return shot.private_dir / TRACK_CACHE / "hinted.npz"


def _keep_hinted_table(shot: ShotFolder, hints: SolveHints) -> None:
    """The tracks.npz that hints.json speaks of is about to be replaced, by one with other ids perhaps."""
    if not hints.ids or not shot.tracks.is_file() or old_tracks((shot.tracks,), hints.tracks_key) is None:
        return
    with atomic_path(_hinted_table(shot)) as beside:
        shutil.copyfile(shot.tracks, beside)


def _track_cache(shot: ShotFolder) -> Path:
    folder = shot.private_dir / TRACK_CACHE
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        remove_partials(folder)
    return folder


def _plate_key(params: SolveParams, shot: ShotFolder) -> str:
    """What tracks depend on besides the solver's settings: the plate and the masks."""
    ingested = manifest.find(shot, "ingest")
    return f"{SFM.version}:{ingested.key if ingested else ''}:{_masks(params, shot).get('masks', '')}"


def _sentence(problem: Problem) -> str:
    return f"{problem.sentence[:1].upper()}{problem.sentence[1:]}."


def _facts(solved: CameraSolve, quality: str, asked: str) -> dict[str, object]:
    """quality: the preset that ran; asked: the one of the parameters, which the manifest records and the key is
    made of. They differ where memory was short."""
    failed = [frame.number for frame in solved.frames if frame.world_from_camera is None]
    return {
        "quality": quality,
        "quality_lowered_from": None if quality == asked else asked,
        "frames": len(solved.frames),
        "frames_solved": solved.solved,
        "failed_frames": failed,
        "focal_px": round(solved.lens.focal, 4),
        "focal_source": solved.focal_source,
        "zoom_px": [round(float(end), 4) for end in (solved.focals.min(), solved.focals.max())]
        if solved.zooms
        else None,
        "k1": round(solved.lens.k1, 6),
        "k2": round(solved.lens.k2, 6),
        "p1": round(solved.lens.p1, 6),
        "p2": round(solved.lens.p2, 6),
        "reprojection_error_px": round(solved.mean_error_px, 4),
        "points": len(solved.cloud.xyz),
        "observations": len(solved.observations.track),
        "motion": dict(Counter(frame.motion for frame in solved.frames)),
        **{name: round(value, 6) for name, value in solved.facts.items()},
        "problems": [problem.sentence for problem in solved.problems],
        "motion_evidence": dict(solved.motion_evidence),
        "step_seconds": {name: round(seconds, 3) for name, seconds in solved.seconds.items()},
    }
