"""The depth stage: a depth map for every solved frame, and what is built from all of them.

Everything is made in the stage's checkpoint folder and takes its place in the shot at the end: a stage that was
stopped continues there, and the depth of an earlier run stays whole until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.depth.assemble import frames_in_range, make_job, without_pose
from backend.depth.engines import chosen_engine, engine_of, weights_fingerprint
from backend.depth.job import DepthJob
from backend.depth.passes import FrameFiles, clip_range, consistent_pass, plate_pass, preview_pass, raw_pass
from backend.depth.pictures import ShotPictures
from backend.depth.progress import Progress
from backend.depth.store import DepthStore
from backend.depth.working import WorkingPixels
from backend.frame_ranges import frame_ranges, frame_runs
from backend.media.plate import moving_mask_folders
from backend.pipeline.atomic import disk_errors, remove_partials, swap_folder, write_text
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from shared.artifacts import Artifact, StageResult
from shared.camera_files import read_camera
from shared.depth_meta import CONFIDENCE, DEPTH, DEPTH_VERSION, META, NORMALS, PREVIEW, VIDEO, DepthMeta, MissingDepth
from shared.depth_params import DepthParams
from shared.errors import NoParallax
from shared.shot import ShotFolder, document_text

_NO_VIEW = "no other frame shows the same place from elsewhere"
_FINDING, _AGREEING, _WRITING, _PREVIEWS = "Finding depth", "Making frames agree", "Writing depth", "Writing previews"


def engine(params: DepthParams) -> Engine:
    return engine_of(params)


def inputs(params: DepthParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    """Nothing in them is in world coordinates, but for the floor's engine: a change of the world moves the maps and
    runs nothing again."""
    camera = [path for path in (shot.intrinsics, shot.report) if path.is_file()]
    if params.engine == "ground-plane":
        camera += [path for path in (shot.extrinsics, shot.world) if path.is_file()]
    folders = (shot.motion_dir, *moving_mask_folders(shot))
    masks = [path for folder in folders if folder.is_dir() for path in folder.glob("frame_*.png")]
    found = {"camera": of_files(camera, shot.root), "masks": of_files(masks, shot.root)}
    return found | weights_fingerprint(params)


def run(params: DepthParams, context: StageContext) -> StageResult:
    """Writes `depth/`. Raises `NoParallax`, `ArtifactMissing`, `EngineUnavailable`, `FootageEmpty` for a range without
    frames, `JobCancelled`, `DiskFull`, `ShotReadOnly`."""
    camera = read_camera(context.shot.root)
    working = WorkingPixels(camera.intrinsics, half=params.resolution == "half")
    files = FrameFiles(_out_folder(context))
    with ShotPictures(context.shot, camera.intrinsics, working) as pictures:
        job = make_job(params, context, camera, pictures)
        ran = chosen_engine(job)
        context.log.info("depth of %d frames with %s on %s", len(job.wanted), ran.name, context.device)
        meta = _make(ran, job, context, files)
    write_text(files.folder / "meta.json", document_text(meta))
    artifacts = _publish(files.folder, context, params, meta.frames)
    return StageResult("depth", ran.name, ran.version, _facts(meta), artifacts)


def _make(ran: Engine, job: DepthJob, context: StageContext, files: FrameFiles) -> DepthMeta:
    """Every file of a frame, in `files`."""
    agrees = job.params.iterations > 0 and ran.name != "ground-plane"
    weights = {_FINDING: 20, _AGREEING: 3 * job.params.iterations if agrees else 0, _WRITING: 1, _PREVIEWS: 1}
    progress = Progress(context, len(job.wanted), weights)
    maps = raw = DepthStore(context.checkpoint_dir / "raw")
    by = raw_pass(ran, job, raw, progress.begin(_FINDING))
    numbers = [number for number in job.numbers if number in raw]
    missing = _missing(job, numbers, context)
    if agrees:
        maps = DepthStore(context.checkpoint_dir / "consistent")
        consistent_pass(job, raw, maps, progress.begin(_AGREEING))
    plate_pass(job, numbers, maps.read, files, progress.begin(_WRITING))
    found = clip_range(numbers, files, context.check_cancelled)
    chosen = frames_in_range(job.params, job.pictures.numbers)
    span = (job.pictures.numbers[chosen[0]], job.pictures.numbers[chosen[-1]])
    preview_pass(numbers, span, found, files, context.shot.read().facts, progress.begin(_PREVIEWS))
    return DepthMeta(
        version=DEPTH_VERSION,
        engine=ran.name,
        units=by.units or job.camera.extrinsics.units,
        near=found.near,
        far=found.far,
        width=job.camera.intrinsics.width,
        height=job.camera.intrinsics.height,
        frames=tuple(numbers),
        scale=by.scale,
        model=by.model,
        world_revision=job.camera.world.revision,
        measured=round(found.measured, 4),
        known=round(found.known, 4),
        missing=tuple(missing),
    )


def _missing(job: DepthJob, numbers: list[int], context: StageContext) -> list[MissingDepth]:
    """The frames without depth, said aloud. Raises `NoParallax` when that is all of them."""
    there = set(numbers)
    unseen = [number for number in job.numbers if number not in there]
    if not numbers:
        raise NoParallax("No frame sees anything that another frame sees from elsewhere, so depth cannot be measured.")
    unplaced = without_pose(job)
    if unplaced:
        failed = [number for gap in unplaced for number in range(gap.first, gap.last + 1)]
        context.notice(f"Frames without a camera pose have no depth: {frame_ranges(failed)}.")
    if unseen:
        context.notice(f"Frames in which the camera shows no parallax have no depth: {frame_ranges(unseen)}.")
    return [*unplaced, *(MissingDepth(first, last, _NO_VIEW) for first, last in frame_runs(unseen))]


def _out_folder(context: StageContext) -> Path:
    folder = context.checkpoint_dir / "out" / DEPTH
    with disk_errors(folder):
        for place in (folder, *(folder / name for name in ("confidence", "normals", "preview"))):
            place.mkdir(parents=True, exist_ok=True)
            remove_partials(place)
    return folder


def _publish(made: Path, context: StageContext, params: DepthParams, numbers: tuple[int, ...]) -> tuple[Artifact, ...]:
    shot, frames = context.shot, (numbers[0], numbers[-1])
    context.check_cancelled()
    context.begin_changes()
    with disk_errors(shot.root / DEPTH):
        swap_folder(made, shot.root / DEPTH)
    listed = [("depth", DEPTH, frames), ("depth-confidence", CONFIDENCE, frames), ("depth-preview", PREVIEW, frames)]
    if params.normals:
        listed.append(("depth-normals", NORMALS, frames))
    files = (("depth-meta", META), ("depth-video", VIDEO))
    return (
        *(context.artifact(kind, shot.root / path, frames) for kind, path, frames in listed),
        *(context.artifact(kind, shot.root / path) for kind, path in files),
    )


def _facts(meta: DepthMeta) -> dict[str, Any]:
    return {
        "frames": len(meta.frames),
        "frames_without_depth": sum(gap.last - gap.first + 1 for gap in meta.missing),
        "near": round(meta.near, 4),
        "far": round(meta.far, 4),
        "units": meta.units,
        "measured": meta.measured,
        "known": meta.known,
    }
