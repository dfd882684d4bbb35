"""Everybody's keypoints, from the plate or from what an earlier run saw."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backend.media.plate import PlateReader
from backend.mocap.footage import Seen
from backend.mocap_external import ENGINES as RESEARCH
from backend.mocap_external import ExternalJob, external_tracks, find_program
from backend.pipeline.atomic import disk_errors
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import key_of
from backend.pose import PoseJob, PoseResult, pose_tracks
from backend.pose.job import Picture
from shared.errors import InvalidRequest
from shared.mocap_params import MocapParams

from .evidence import TrackEvidence
from .job import MocapJob, seen_fingerprint
from .people import mask_reader, masked_people
from .progress import Progress
from .views import ShotView

PRIVATE = "mocap"
"""In the shot's private folder: what was seen, by plate and masks."""


def look(job: MocapJob, context: StageContext, progress: Progress) -> PoseResult:
    """The people who were asked for, each with at least one frame. Raises `InvalidRequest` when there is nobody, and
    what `pose_tracks` raises."""
    with PlateReader(job.shot, use_masks=False) as plate:
        pose = PoseJob(
            numbers=job.numbers,
            picture=_pictures(plate),
            fps=job.rate,
            params=job.params,
            store=_store(job, context),
            labels=job.masked,
            masks=mask_reader(job.shot, (plate.width, plate.height)),
            device=context.device,
            checkpoint=progress.looking_at(0, 1 + len(job.views)),
            notice=context.notice,
        )
        found = _seen(job, pose)
    for sentence in found.notices:
        context.notice(sentence)
    return _asked_for(job, found)


def look_from_elsewhere(job: MocapJob, context: StageContext, progress: Progress) -> list[dict[str, Seen]]:
    """What each further view sees of people, by its own labels. Raises what `pose_tracks` raises."""
    return [_seen_by(view, number, job, context, progress) for number, view in enumerate(job.views, 1)]


def _seen_by(view: ShotView, number: int, job: MocapJob, context: StageContext, progress: Progress) -> dict[str, Seen]:
    params = replace(job.params, labels=None)
    with PlateReader(view.shot, use_masks=False) as plate:
        pose = PoseJob(
            numbers=job.numbers,
            picture=_pictures(plate),
            fps=job.rate,
            params=params,
            store=_store(job, context) / f"view-{key_of(PRIVATE, '', 1, {}, _named(view, params))[:16]}",
            labels=masked_people(params, view.shot),
            masks=mask_reader(view.shot, (plate.width, plate.height)),
            hands_and_face=False,
            device=context.device,
            checkpoint=progress.looking_at(number, 1 + len(job.views)),
            notice=context.notice,
        )
        found = pose_tracks(pose)
    return {label: TrackEvidence(track, view.cameras) for label, track in found.tracks.items() if track.frames}


def _named(view: ShotView, params: MocapParams) -> dict[str, str]:
    return {"folder": str(view.shot.root), "seen": seen_fingerprint(params, view.shot)}


def _pictures(plate: PlateReader) -> Callable[[int], Picture]:
    index = {number: i for i, number in enumerate(plate.numbers)}
    return lambda number: plate.rgb(index[number])


def _seen(job: MocapJob, pose: PoseJob) -> PoseResult:
    params = job.params
    if params.engine not in RESEARCH:
        return pose_tracks(pose)
    program = find_program(params.engine, params.command, non_commercial=params.allow_non_commercial)
    return external_tracks(ExternalJob(pose, program, job.camera.intrinsics, job.camera.extrinsics))


def _asked_for(job: MocapJob, found: PoseResult) -> PoseResult:
    tracks = {label: track for label, track in found.tracks.items() if track.frames}
    if not tracks:
        raise InvalidRequest(
            f"No person was found in frames {job.numbers[0]} to {job.numbers[-1]} of the clip.",
            "Choose frames in which a whole person is seen, or mask the person with roto first.",
        )
    if job.asked and not job.masked:
        for label in job.asked:
            if label not in tracks:
                raise InvalidRequest(
                    f"Nobody was found who is called {label!r}; there is {', '.join(tracks)}.",
                    "Choose among these (--mocap-labels), or leave it out for everybody.",
                )
        tracks = {label: tracks[label] for label in job.asked}
    return replace(found, tracks=tracks)


def _store(job: MocapJob, context: StageContext) -> Path:
    """The folder of this plate and these masks; those of others go."""
    folder = job.shot.private_dir / PRIVATE
    name = key_of(PRIVATE, "", 1, {}, {"seen": seen_fingerprint(job.params, job.shot)})[:16]
    with disk_errors(folder):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for other in folder.iterdir():
            if other.name != name:
                shutil.rmtree(other, ignore_errors=True)
    return folder / name
