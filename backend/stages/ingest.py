"""Footage in, plate out: every frame upright as PNG in `source/frames`, and what is known of it in `shot.json`.

Decoding runs in this thread, conversion and PNG encoding in a pool; between them waits a bounded number of
frames, so memory does not grow with the clip. A frame takes its name only when it is whole: after a crash the
frames that are there are kept. Where an earlier plate is complete, the new frames gather beside it and take
its place together: a run that fails loses nothing.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.media.footage import ImageSequence, find_footage
from backend.media.png import encode_rgb_png, is_whole_png
from backend.media.probe import probe
from backend.media.processors import cpu_count
from backend.media.reader import PlateFrame, finish_take, read_take
from backend.media.take import Take, plan_take
from backend.pipeline import fingerprint, manifest
from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials, swap_folder, write_text
from backend.pipeline.context import StageContext
from backend.pipeline.stage import Engine
from shared.artifacts import StageResult, frame_name
from shared.errors import FootageChanged, FootageNotFound
from shared.shot import SHOT_VERSION, ShotFile, ShotFolder, document_text
from shared.stages import IngestParams

ENGINE = Engine("pyav", 1)
_STARTED = "plate.json"
_WAITING_BYTES = 512 * 1024 * 1024
"""Most memory that frames between decoder and encoders may take."""

_MAX_WORKERS = 16


def engine(params: IngestParams) -> Engine:
    return ENGINE


def inputs(params: IngestParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    """The footage's fingerprint. While the footage is away (an unplugged drive), the plate made from it
    stands for it."""
    try:
        found = find_footage(footage)
    except FootageNotFound:
        known, done = shot.find(), manifest.find(shot, "ingest")
        if known is None or done is None or known.footage != footage:
            raise
        return done.inputs
    if isinstance(found, ImageSequence):
        return {"footage": fingerprint.of_sequence(list(found.paths))}
    return {"footage": fingerprint.of_file(found.path)}


def run(params: IngestParams, context: StageContext) -> StageResult:
    """Writes the plate and `shot.json`. Raises `FootageError`s, `ShotError`s and `JobCancelled`."""
    context.progress(0, 1, note="Reading the clip's index")
    _refuse_other_footage(context)
    clip = probe(context.footage, context.check_cancelled)
    take = finish_take(plan_take(clip, params))
    for sentence in take.notices:
        context.notice(sentence)
    gathering = _gathering(context)
    finished = _prepare(take, gathering, context)
    missing = [number for number in take.numbers if number not in finished]
    _write_frames(take, missing, gathering, context)
    context.check_cancelled()
    _publish(gathering, context)
    _write_shot(take, context)
    return _result(take, context, kept=len(finished))


def _refuse_other_footage(context: StageContext) -> None:
    """A shot belongs to one clip: a moved or re-exported one is still that clip, another one is a new shot."""
    known, done = context.shot.find(), manifest.find(context.shot, context.stage)
    if known is None or done is None or known.footage == context.footage:
        return
    if done.inputs.get("footage") != inputs(IngestParams(), context.shot, context.footage)["footage"]:
        raise FootageChanged(
            f"{context.shot.root} is the shot of {known.footage}, not of {context.footage}.",
            "Choose another shot folder for this clip, or put the first clip back.",
        )


def _gathering(context: StageContext) -> Path:
    """Where the frames are made: in their own place, or beside a complete plate."""
    if manifest.find(context.shot, context.stage) is None:
        return context.shot.frames_dir
    return context.checkpoint_dir / "frames"


def _prepare(take: Take, gathering: Path, context: StageContext) -> set[int]:
    """Frames of this very plate that an interrupted run has finished. Anything else that lies where they
    are made is removed."""
    started, plan = context.checkpoint_dir / _STARTED, document_text(take.facts)
    with disk_errors(gathering):
        gathering.mkdir(parents=True, exist_ok=True)
        remove_partials(gathering)
        finished: set[int] = set()
        if started.is_file() and started.read_text(encoding="utf-8") == plan:
            finished = {n for n in take.numbers if is_whole_png(gathering / frame_name(n))}
            context.log.info("resuming: %d of %d frames are there", len(finished), len(take.numbers))
        keep = {frame_name(number) for number in finished}
        for path in gathering.iterdir():
            if path.name not in keep:
                path.unlink()
    write_text(started, plan)
    return finished


def _publish(gathering: Path, context: StageContext) -> None:
    """Frames that were made beside an earlier plate take its place."""
    if gathering == context.shot.frames_dir:
        return
    context.begin_changes()
    with disk_errors(context.shot.frames_dir):
        swap_folder(gathering, context.shot.frames_dir)


def _write_frames(take: Take, numbers: list[int], gathering: Path, context: StageContext) -> None:
    """Encodes `numbers` of the take in parallel, in order."""
    total, done = len(take.numbers), len(take.numbers) - len(numbers)
    workers, waiting = _parallel(take)
    pending: deque[_Job] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ingest")
    try:
        for job in _jobs(take, numbers, gathering, pool, context):
            pending.append(job)
            while len(pending) >= waiting or (pending and pending[0].future.done()):
                done += _finish(pending.popleft(), done, total, context)
        while pending:
            done += _finish(pending.popleft(), done, total, context)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class _Job:
    number: int
    future: Future[None]


def _jobs(
    take: Take, numbers: list[int], gathering: Path, pool: ThreadPoolExecutor, context: StageContext
) -> Iterator[_Job]:
    for frame in read_take(take, numbers, context.check_cancelled):
        context.check_cancelled()
        yield _Job(frame.number, pool.submit(_write_frame, frame, gathering / frame_name(frame.number)))


def _finish(job: _Job, done: int, total: int, context: StageContext) -> int:
    job.future.result()
    context.progress(done + 1, total, frame=job.number, frames=(done + 1, total))
    return 1


def _write_frame(frame: PlateFrame, path: Path) -> None:
    data = frame.plate_bytes()
    content = encode_rgb_png(frame.load()) if data is None else data
    with atomic_path(path) as beside:
        beside.write_bytes(content)


def _parallel(take: Take) -> tuple[int, int]:
    """(encoder threads, frames that may be under way)."""
    picture = take.clip.picture
    # A decoded frame, its converted planes, the interleaved picture and its encoded bytes.
    frame_bytes = picture.width * picture.height * 3 * (2 if picture.bit_depth > 8 else 1) * 4
    most = max(2, _WAITING_BYTES // max(frame_bytes, 1))
    workers = int(min(cpu_count(), _MAX_WORKERS, most))
    return workers, int(min(workers + 2, most))


def _write_shot(take: Take, context: StageContext) -> None:
    shot, known = context.shot, context.shot.find()
    keeps_originals = bool(take.proxy) or take.facts.encoding == "log"
    document = ShotFile(
        version=SHOT_VERSION,
        id=known.id if known else uuid.uuid4().hex,
        footage=context.footage,
        facts=take.facts,
        originals=take.clip.footage.pattern if keeps_originals else "",
        engines=known.engines if known else {},
    )
    write_text(shot.shot_json, document_text(document))


def _result(take: Take, context: StageContext, *, kept: int) -> StageResult:
    facts = take.facts
    said: dict[str, Any] = {
        "frames": facts.frame_count,
        "first_frame": facts.frame_start,
        "last_frame": facts.frame_end,
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "pixel_aspect": facts.pixel_aspect,
        "bit_depth": facts.bit_depth,
        "codec": facts.codec,
        "hdr": facts.hdr,
        "encoding": facts.encoding,
        "proxy": facts.proxy,
        "missing_frames": len(facts.missing_frames),
        "focal_px": facts.focal_px,
        "resumed_frames": kept,
    }
    plate = context.artifact("plate", context.shot.frames_dir, (facts.frame_start, facts.frame_end))
    return StageResult("ingest", ENGINE.name, ENGINE.version, said, (plate,))
