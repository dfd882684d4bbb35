"""The mocap stage: people of the plate as skeletons in the shot's world.

Everything is made in the stage's checkpoint folder and takes its place in the shot at the end: motion of an earlier run
stays whole until then. What was seen of people lies in `.backlot/mocap/`, frame by frame, and outlives the run: a stage
that was stopped continues at its last frame, and another height or floor looks at no picture again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backend.mocap.footage import Seen
from backend.mocap_stage.engines import engine_of
from backend.mocap_stage.evidence import TrackEvidence
from backend.mocap_stage.fitting import Asked, Fitted, fit_people
from backend.mocap_stage.ground import ground_for
from backend.mocap_stage.job import MocapJob, fingerprint, make_job
from backend.mocap_stage.looking import look, look_from_elsewhere
from backend.mocap_stage.outputs import Writer
from backend.mocap_stage.progress import Progress
from backend.mocap_stage.publish import open_workshop, publish, publish_derived
from backend.mocap_stage.report import camera_problems, cut_problems, person_report, problems_of
from backend.mocap_stage.reuse import earlier_motion
from backend.mocap_stage.scale import Scale, set_scale
from backend.mocap_stage.views import PersonViews, view_reprojections, views_of
from backend.pipeline.context import StageContext
from backend.pipeline.heaps import share_one_heap
from backend.pipeline.manifest import Manifest
from backend.pipeline.stage import Engine
from backend.pose import PoseResult
from shared.artifacts import StageResult
from shared.errors import InvalidRequest
from shared.mocap_params import MocapParams
from shared.mocap_report import MOCAP_REPORT_VERSION, MocapReport, read_mocap_report
from shared.motion_arrays import Motion
from shared.shot import ShotFolder, document_text


def engine(params: MocapParams) -> Engine:
    return engine_of(params)


def inputs(params: MocapParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    return fingerprint(params, shot)


def run(params: MocapParams, context: StageContext) -> StageResult:
    """Writes `mocap/`, `pose/` and `pose_json/`. Raises `ArtifactMissing` without a solved camera, `InvalidRequest` for
    labels that are not there and when nobody is seen, `FootageEmpty` for a range without frames, `EngineUnavailable`,
    `WorkerCrashed`, `JobCancelled`, `DiskFull`, `ShotReadOnly`, `ShotCorrupt`."""
    share_one_heap()  # the thread that listens to the detector makes what this one keeps for a frame
    ran = engine_of(params)
    job = make_job(params, context.shot)
    earlier = earlier_motion(params, ran, inputs(params, context.shot, context.footage), context.shot)
    if earlier is not None:
        return _anew(job, *earlier, context)
    progress = Progress(context, job.numbers)
    seen = look(job, context, progress)
    elsewhere = look_from_elsewhere(job, context, progress)
    evidence = {label: TrackEvidence(track, job.cameras) for label, track in seen.tracks.items()}
    views = views_of(evidence, job.cameras, job.views, elsewhere)
    fitted = _fitted(job, seen, evidence, views, context, progress)
    scale = set_scale(job, fitted, context)
    shop = open_workshop(context)
    writer = Writer(shop, job, seen, scale, context)
    facts: dict[str, dict[str, Any]] = {}
    for person, (label, motion) in enumerate(fitted.people.items()):
        facts[label] = {**writer.person(label, motion, progress.writing(person, len(fitted.people)))}
        if views[label]:
            facts[label]["views"] = view_reprojections(motion.body.joints(), views[label], job.views)
    report = _report(job, seen, fitted, evidence, facts, scale, context)
    span = (job.numbers[0], job.numbers[-1])
    made = publish(shop, context, tuple(fitted.people), document_text(report), span, everybody=not job.asked)
    return StageResult("mocap", ran.name, ran.version, _facts(report, len(job.numbers)), made)


def _anew(job: MocapJob, done: Manifest, motions: Mapping[str, Motion], context: StageContext) -> StageResult:
    """The files of other programs, from motion that is there already."""
    context.log.info("the motion is there already: only what is made from it is written")
    shop, progress = open_workshop(context), Progress(context, job.numbers)
    is_metric, report = job.camera.extrinsics.units == "metres", read_mocap_report(context.shot)
    metres = 1.0 if is_metric else report.metres_per_unit
    scale = Scale(metres, 1.0, job.camera.world.revision, "solve")
    writer = Writer(shop, job, PoseResult({}, done.result.engine, ""), scale, context)
    for person, (label, motion) in enumerate(motions.items()):
        progress.writing(person, len(motions))(0, 1)
        report = _with_facts(report, label, writer.motion(label, motion))
    span = (job.numbers[0], job.numbers[-1])
    made = publish_derived(shop, context, tuple(motions), document_text(report), span)
    return StageResult("mocap", done.result.engine, done.result.engine_version, done.result.facts, made)


def _with_facts(report: MocapReport, label: str, facts: Mapping[str, Any]) -> MocapReport:
    """With what was measured of a body that was made anew."""
    person = report.people.get(label)
    if person is None:
        return report
    kept = {name: value for name, value in person.facts.items() if name != "body"}
    return replace(report, people={**report.people, label: replace(person, facts={**kept, **facts})})


def _fitted(
    job: MocapJob,
    seen: PoseResult,
    evidence: Mapping[str, Seen],
    views: Mapping[str, PersonViews],
    context: StageContext,
    progress: Progress,
) -> Fitted:
    ground = ground_for(job.shot, job.camera, job.cameras, context.log.info)
    cuts = tuple(i for i, number in enumerate(job.cameras.numbers) if number in seen.cuts)
    more = {label: tuple(mine.values()) for label, mine in views.items()}
    for view in job.views:
        shown = [label for label, mine in views.items() if view.name in mine]
        context.log.info("%s shows %s", view.name, ", ".join(shown) or "nobody of these")
    asked = Asked(job.rate, job.params.height_m, job.metric, cuts, more)
    fitted = fit_people(evidence, job.cameras, ground, asked, progress.fitting)
    if not fitted.people:
        raise InvalidRequest(
            f"People were found in frames {job.numbers[0]} to {job.numbers[-1]}, but nowhere enough of one, in frames "
            "with a solved camera, to say how they move.",
            "Choose frames that show a whole person (--mocap-start, --mocap-end).",
        )
    for label in fitted.floating:
        context.notice(f"{label} does not stand on the floor that is known: nobody is so tall, or so small.")
    for label in seen.tracks:
        if label not in fitted.people:
            context.notice(f"Too little of {label} is to be seen: no motion was made.")
    return fitted


def _report(
    job: MocapJob,
    seen: PoseResult,
    fitted: Fitted,
    evidence: Mapping[str, Seen],
    facts: Mapping[str, Mapping[str, Any]],
    scale: Scale,
    context: StageContext,
) -> MocapReport:
    """fitted, and the cameras of the job: in the world as it was when the stage began."""
    people, problems = {}, [*camera_problems(job.cameras), *cut_problems(seen.cuts)]
    for label, motion in fitted.people.items():
        people[label] = person_report(
            motion,
            evidence[label],
            job.cameras,
            scale.metres_per_unit,
            height_given=job.params.height_m is not None,
            facts=facts[label],
        )
        problems += problems_of(label, motion, seen.tracks[label], job.cameras)
    for problem in problems:
        context.notice(problem.message)
    return MocapReport(
        MOCAP_REPORT_VERSION, seen.engine, people, tuple(problems), tuple(context.notices), fitted.ground.source,
        scale.source, round(scale.metres_per_unit, 9),
    )  # fmt: skip


def _facts(report: MocapReport, frames: int) -> dict[str, Any]:
    people = report.people
    return {
        "frames": frames,
        "people": list(people),
        "tracked": {name: one.tracked for name, one in people.items()},
        "stature_m": {name: one.stature_m for name, one in people.items()},
        "slide_mm": {name: one.slide_mm for name, one in people.items()},
        "reprojection_px": {name: one.reprojection_px for name, one in people.items()},
        "floor": report.floor,
        "scale": report.scale,
        "problems": len(report.problems),
    }
