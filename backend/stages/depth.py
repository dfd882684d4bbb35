"""The depth stage: a depth map for every solved frame, and what is built from all of them.

Everything is made in the stage's checkpoint folder and takes its place in the shot at the end: a stage that was
stopped continues there, and the depth of an earlier run stays whole until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.depth.assemble import frames_in_range, make_job, without_pose
from backend.depth.engines import (
    GROUND_PLANE,
    LEARNED,
    MVS,
    EngineRun,
    chosen_engine,
    engine_of,
    run_engine,
    weights_fingerprint,
)
from backend.depth.fallback import on_device
from backend.depth.finish import finished
from backend.depth.job import DepthJob
from backend.depth.memory import affordable
from backend.depth.parallax import REMEDY
from backend.depth.passes import (
    ClipRange,
    Final,
    clip_range,
    consistent_pass,
    plate_pass,
    preview_pass,
    raw_pass,
    without_map,
)
from backend.depth.pictures import ShotPictures
from backend.depth.progress import Progress
from backend.depth.publish import Workshop, open_workshop, publish
from backend.depth.reuse import earlier_maps, read_back
from backend.depth.store import DepthStore
from backend.depth.working import WorkingPixels
from backend.frame_ranges import frame_ranges, frame_runs
from backend.free_memory import free_bytes
from backend.media.plate import moving_mask_folders
from backend.pipeline.atomic import write_text
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from shared.artifacts import StageResult
from shared.camera_files import Intrinsics, read_camera
from shared.depth_meta import DEPTH_VERSION, DepthMeta, MissingDepth
from shared.depth_params import DepthParams
from shared.errors import ArtifactMissing, NoParallax
from shared.shot import ShotFolder, document_text

_REMEDY_EMPTY = {
    "keep": f"Let what was not measured be filled: leave --depth-holes keep out. {REMEDY}",
    "fill": REMEDY,
}
_NO_VIEW = "no other frame shows the same place from elsewhere"
_FINDING, _AGREEING, _WRITING, _PREVIEWS = "Finding depth", "Making frames agree", "Writing depth", "Writing previews"
_LOOKING, _FUSING, _MESHES = "Running the network", "Fusing", "Meshing frames"


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
    """Writes `depth/` and what was asked to be built from it. Raises `NoParallax`, `ArtifactMissing`,
    `EngineUnavailable`, `FootageEmpty` for a range without frames, `JobCancelled`, `DiskFull`, `ShotReadOnly`."""
    shot = context.shot
    camera = read_camera(shot.root)
    earlier = earlier_maps(params, engine_of(params), inputs(params, shot, context.footage), shot)
    working = WorkingPixels(camera.intrinsics) if earlier else _working(params, context, camera.intrinsics)
    shop = open_workshop(context)
    facts: Mapping[str, Any] = {}
    with ShotPictures(shot, camera.intrinsics, working) as pictures:
        job = make_job(params, context, camera, pictures)
        if earlier is None:
            ran = chosen_engine(job)
            context.log.info("depth of %d frames with %s on %s", len(job.wanted), ran.name, context.device)
            meta, facts = _make(ran, job, context, shop)
        else:
            ran, meta = Engine(earlier[0].result.engine, earlier[0].result.engine_version), earlier[1]
            context.log.info("the maps are there already: only what is built from them is made")
            progress = Progress(context, len(meta.frames), _building(params))
            _build(job, meta.frames, lambda number: read_back(job, number), shop, progress)
    made = publish(shop, context, (meta.frames[0], meta.frames[-1]), with_maps=earlier is None)
    return StageResult("depth", ran.name, ran.version, {**_facts(meta), **facts}, made)


def _working(params: DepthParams, context: StageContext, intrinsics: Intrinsics) -> WorkingPixels:
    """The working pixels as asked for; at half resolution when the processor's memory is too short for all."""
    half = params.resolution == "half"
    whole = WorkingPixels(intrinsics)
    if context.device == "cpu" and engine_of(params) == MVS:
        half, notice = affordable(whole.size[0] * whole.size[1], half, free_bytes())
        if notice:
            context.notice(notice)
    return WorkingPixels(intrinsics, half=True) if half else whole


def _make(ran: Engine, job: DepthJob, context: StageContext, shop: Workshop) -> tuple[DepthMeta, Mapping[str, Any]]:
    """Every file of the stage, in the workshop; and what else the engine says of the clip."""
    agrees = job.params.iterations > 0 and ran != GROUND_PLANE
    finding = {_LOOKING: 16, _FINDING: 4} if ran == LEARNED else {_FINDING: 20}
    agreeing = {_AGREEING: 3 * job.params.iterations} if agrees else {}
    weights = finding | agreeing | {_WRITING: 1, _PREVIEWS: 1} | _building(job.params)
    progress = Progress(context, len(job.wanted), weights)
    maps = raw = DepthStore(context.checkpoint_dir / "raw")
    by = _find(ran, job, raw, progress)
    numbers = [number for number in job.numbers if number in raw]
    missing = _missing(job, numbers, context)
    if agrees and by.scale == "solve":  # else no frame knows where another one sees the same place
        maps = DepthStore(context.checkpoint_dir / "consistent")
        on_device(job, lambda on: consistent_pass(on, raw, maps, progress.begin(_AGREEING), estimated=by.estimated))
    final = finished(job, numbers, maps, raw if by.knows_movers else None)
    plate_pass(job, numbers, final, shop.maps, progress.begin(_WRITING))
    found = clip_range(numbers, shop.maps, context.check_cancelled)
    if found.known == 0.0:
        raise ArtifactMissing("Not one pixel of the clip has a depth.", _REMEDY_EMPTY[job.params.holes])
    chosen = frames_in_range(job.params, job.pictures.numbers)
    span = (job.pictures.numbers[chosen[0]], job.pictures.numbers[chosen[-1]])
    preview_pass(numbers, span, found, shop.maps, context.shot.read().facts, progress.begin(_PREVIEWS))
    meta = _meta(ran, by, job, numbers, missing, found)
    write_text(shop.maps.folder / "meta.json", document_text(meta))
    _build(job, numbers, final, shop, progress)
    return meta, by.facts


def _find(ran: Engine, job: DepthJob, raw: DepthStore, progress: Progress) -> EngineRun:
    """The engine's maps of all frames, in `raw`."""
    runs: list[EngineRun] = []

    def find(on: DepthJob) -> None:
        look = progress.begin(_LOOKING) if ran == LEARNED else None
        run = run_engine(ran, on, without_map(on, raw), look)
        if run.scale != "solve" and _building(on.params):
            raise NoParallax("Depth of a scale that the solve does not know cannot be fused.", "Leave -d, -m out.")
        raw_pass(run, on, raw, progress.begin(_FINDING))
        runs.append(run)

    on_device(job, find)
    return runs[-1]


def _building(params: DepthParams) -> dict[str, int]:
    """Notes and weights of what is built from the maps."""
    fusing = {_FUSING: 3} if params.dense else {}
    return fusing | ({_MESHES: 1} if params.frame_meshes else {})


def _build(job: DepthJob, numbers: Sequence[int], final: Final, shop: Workshop, progress: Progress) -> None:
    if not (job.params.dense or job.params.frame_meshes):
        return
    from backend.depth.geometry import frame_meshes, fused_geometry

    if job.params.dense:
        fused_geometry(job, numbers, final, shop.cloud, shop.mesh, progress.begin(_FUSING))
    if job.params.frame_meshes:
        frame_meshes(job, numbers, final, shop.meshes, progress.begin(_MESHES))


def _meta(
    ran: Engine, by: EngineRun, job: DepthJob, numbers: list[int], missing: list[MissingDepth], found: ClipRange
) -> DepthMeta:
    return DepthMeta(
        version=DEPTH_VERSION,
        engine=ran.name,
        units=by.units or job.camera.extrinsics.units,
        near=found.near,
        far=found.far,
        width=job.camera.intrinsics.width,
        height=job.camera.intrinsics.height,
        frames=tuple(numbers),
        focal_source=by.focal_source,
        focal_px=by.focal_px,
        scale=by.scale,
        model=by.model,
        world_revision=job.camera.world.revision,
        measured=round(found.measured, 4),
        known=round(found.known, 4),
        missing=tuple(missing),
        metric_scale=by.facts.get("metric_scale"),
        metric_scale_spread=by.facts.get("metric_scale_spread"),
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
