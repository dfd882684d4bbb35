"""Engine `depth-learned` of the depth stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend.depth.frame import FrameDepth
from backend.depth.job import DepthJob
from backend.pipeline.fingerprint import of_files

from .alignment import WORLD
from .choice import Chosen, load
from .clip import Prepared, frames, prepare
from .maps import METRIC, focal_of
from .predictions import PredictionStore
from .scale import ScaleProposal
from .settings import LearnedSettings, Pictures
from .sparse import read_sparse


@dataclass(frozen=True)
class LearnedRun:
    """What the stage needs to know besides the frames. scale, units, focal_source, focal_px: as
    `shared.depth_meta.DepthMeta` has them; units None for the world's. facts: for the result."""

    frames: Iterator[FrameDepth]
    model: str
    scale: str
    units: str | None
    focal_source: str
    focal_px: float | None
    facts: dict[str, Any]


def run_learned(job: DepthJob, chosen: Chosen, left: Sequence[int], looked: Callable[[int], None]) -> LearnedRun:
    """Runs the network over the frames that get depth and aligns its maps (every frame's scale depends on all of them,
    also when few are left); the left ones are then yielded. looked: hears the plate number of each frame that the
    network has done, and may raise to stop. Raises as `clip.prepare`."""
    model = load(chosen, job.device, job.notice)
    numbers = job.numbers
    pictures = Pictures(numbers, job.pictures.working.size, lambda place: job.pictures.rgb(job.wanted[place]))
    files = of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)
    points = read_sparse(job.shot, job.camera)
    poses = [job.poses[index] if len(points) else None for index in job.wanted]
    store = PredictionStore(job.scratch / f"network-{files[:16]}")

    def done(place: int) -> None:
        job.checkpoint()
        looked(numbers[place])

    settings = LearnedSettings(job.params.align_every)
    ready = prepare(poses, points, pictures, model, settings, store, done, job.notice)
    _propose(ready.alignment.proposal, job)
    return _described(ready, chosen, job, [job.wanted.index(index) for index in left])


def _propose(proposal: ScaleProposal | None, job: DepthJob) -> None:
    if proposal is not None and job.camera.extrinsics.scale_source == "none":
        job.notice(proposal.sentence)


def _described(ready: Prepared, chosen: Chosen, job: DepthJob, left: Sequence[int]) -> LearnedRun:
    found, alone = ready.alignment, ready.alignment.unit != WORLD
    lens = job.camera.intrinsics.frames[0]
    plate_px = lens.fx / float(job.pictures.working.K(lens)[0, 0])  # of one working px
    focal = None if found.fov_deg is None else plate_px * focal_of(found.fov_deg, ready.pictures.size[1])
    scale = "solve" if not alone else ("metric" if ready.model.kind == METRIC else "affine")
    source, units = ("learned", found.unit) if alone else ("solved", None)
    made = _checked(frames(ready, left), job)
    return LearnedRun(made, chosen.model.name, scale, units, source, focal, _facts(ready))


def _checked(found: Iterator[FrameDepth], job: DepthJob) -> Iterator[FrameDepth]:
    for one in found:
        job.checkpoint()
        yield one


def _facts(ready: Prepared) -> dict[str, Any]:
    found = ready.alignment
    facts: dict[str, Any] = {"model": ready.model.name, "model_kind": ready.model.kind}
    if found.spread is not None:
        facts["alignment_spread"] = round(found.spread, 4)
        facts["frames_aligned_by_neighbours"] = sum(one == "neighbours" for one in found.origin)
    if found.proposal is not None:
        facts["metric_scale"] = round(found.proposal.scale, 6)
        facts["metric_scale_spread"] = round(found.proposal.spread, 4)
        facts["metric_scale_frame_spread"] = round(found.proposal.frame_spread, 4)
    if found.fov_deg is not None:
        facts["network_fov_deg"] = round(found.fov_deg, 3)
    return facts
