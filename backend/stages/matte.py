"""The matte stage: the alpha of every object's masks, frame by frame.

Everything is made in the stage's checkpoint folder and takes its place in the shot at the end: a stage that was stopped
continues there, and mattes of an earlier run stay whole until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backend.matte.clip import UNKNOWN, Alpha
from backend.matte.engines import Matter, engine_fingerprint, engine_of, matters_of
from backend.matte.files import (
    as_written,
    linear_light,
    read_alpha,
    together,
    write_alpha,
    write_foreground,
    write_grey,
)
from backend.matte.foreground import foreground_colours
from backend.matte.job import MatteJob, chosen_indices, clip_of, labels_of, mask_labels, pictures_of, reach_of
from backend.matte.motion import Motion
from backend.matte.publish import COMBINED, FOREGROUND_SUFFIX, TRIMAP_SUFFIX, Workshop, open_workshop, publish
from backend.matte.report import MatteWatch
from backend.media.plate import PlateReader
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_sequence
from backend.pipeline.stage import Engine
from shared.artifacts import StageResult
from shared.matte_params import MatteParams
from shared.matte_report import MATTE_REPORT_VERSION, MatteReport
from shared.shot import ShotFolder, document_text


def engine(params: MatteParams) -> Engine:
    return engine_of(params)


def inputs(params: MatteParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    masks = [path for label in mask_labels(shot) for path in sorted((shot.roto_dir / label).glob("frame_*.png"))]
    return {"masks": of_sequence(masks)} | engine_fingerprint(params)


def run(params: MatteParams, context: StageContext) -> StageResult:
    """Writes `matte/` and `roto/combined/`. Raises `ArtifactMissing` without masks, `InvalidRequest` for labels that
    are not there, `FootageEmpty` for a range without frames, `EngineUnavailable`, `OutOfMemory`, `JobCancelled`,
    `DiskFull`, `ShotReadOnly`, `ShotCorrupt`."""
    shot, ran = context.shot, engine_of(params)
    labels = labels_of(params, shot)
    shop = open_workshop(context)
    facts = shot.read().facts
    reach = reach_of(params, (facts.width, facts.height))
    with PlateReader(shot, use_masks=False) as plate:
        job = _job(params, context, plate, labels, reach)
        context.log.info("mattes of %s with %s, %d frames", ", ".join(labels), ran.name, len(job.chosen))
        watches = _make(ran, job, shop, context)
    report = MatteReport(
        MATTE_REPORT_VERSION, ran.name, {name: watch.facts() for name, watch in watches.items()},
        tuple(context.notices),
    )  # fmt: skip
    frames = [job.numbers[index] for index in job.chosen]
    whole = len(frames) == len(job.numbers)
    made = publish(shop, context, _kinds(params, labels), document_text(report), frames, whole=whole)
    return StageResult("matte", ran.name, ran.version, _facts(report, len(frames)), made)


def _job(params: MatteParams, context: StageContext, plate: PlateReader, labels: list[str], reach: int) -> MatteJob:
    numbers, size, pictures = tuple(plate.numbers), (plate.width, plate.height), pictures_of(plate, reach)
    motion = Motion(pictures, reach)
    return MatteJob(
        params=params,
        size=size,
        numbers=numbers,
        chosen=chosen_indices(params, numbers),
        clips={label: clip_of(label, context.shot, numbers, size, pictures, motion, params, reach) for label in labels},
        motion=motion,
        reach=reach,
        scratch=context.checkpoint_dir,
        device=context.device,
        notice=context.notice,
        check_cancelled=context.check_cancelled,
    )


def _make(ran: Engine, job: MatteJob, shop: Workshop, context: StageContext) -> dict[str, MatteWatch]:
    """Every file of every frame, in the workshop; frames that are there from before a stop are only looked at."""
    matters = matters_of(ran, job)
    watches = {label: MatteWatch() for label in job.clips}
    for done, index in enumerate(job.chosen):
        number = job.numbers[index]
        context.progress(done, len(job.chosen), number, frames=(done, len(job.chosen)))
        if not shop.union(number).is_file():
            _make_frame(job, matters, index, shop)
        for label, watch in watches.items():
            watch.add(index, number, read_alpha(shop.path(label, number)), job.clips[label].trimap(index))
    return watches


def _make_frame(job: MatteJob, matters: Mapping[str, Matter], index: int, shop: Workshop) -> None:
    number, alphas = job.numbers[index], []
    for label, matter in matters.items():
        job.check_cancelled()
        trimap = job.clips[label].trimap(index)
        alpha = matter(index) if (trimap != UNKNOWN).any() else np.zeros(trimap.shape, np.float32)  # a frame unmasked
        alpha = as_written(alpha)
        write_alpha(shop.path(label, number), alpha)
        _extras(job, label, index, alpha, shop)
        alphas.append(alpha)
    union = together(alphas)
    write_alpha(shop.path(COMBINED, number), union)
    write_grey(shop.union(number), (union * 255.0 + 0.5).astype("uint8"))


def _extras(job: MatteJob, label: str, index: int, alpha: Alpha, shop: Workshop) -> None:
    number, clip = job.numbers[index], job.clips[label]
    if job.params.trimaps:
        write_grey(shop.path(label + TRIMAP_SUFFIX, number), clip.trimap(index))
    if job.params.foreground:
        colours = foreground_colours(linear_light(clip.picture(index)), alpha)
        write_foreground(shop.path(label + FOREGROUND_SUFFIX, number, "exr"), colours, alpha)


def _kinds(params: MatteParams, labels: list[str]) -> dict[str, str]:
    kinds = dict.fromkeys(labels, "matte") | {COMBINED: "matte-combined"}
    kinds |= {label + TRIMAP_SUFFIX: "matte-trimap" for label in labels if params.trimaps}
    return kinds | {label + FOREGROUND_SUFFIX: "matte-foreground" for label in labels if params.foreground}


def _facts(report: MatteReport, frames: int) -> dict[str, Any]:
    facts = report.labels.values()
    return {
        "frames": frames,
        "labels": list(report.labels),
        "band_px": {name: one.band_px for name, one in report.labels.items()},
        "flicker": {name: one.flicker for name, one in report.labels.items()},
        "empty": {name: one.empty for name, one in report.labels.items() if one.empty},
        "worst_flicker": max((one.flicker_worst for one in facts), default=0.0),
    }
