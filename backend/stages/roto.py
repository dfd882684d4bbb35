"""The roto stage: a mask of every prompted object for every frame.

Everything is made in the stage's checkpoint folder and takes its place in the shot at the end: masks of an earlier run
stay whole until then. What engines keep of a track lies in `.backlot/roto/`, and outlives the run: a stage that was
stopped continues, and a correction makes only those frames anew that it can change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.media.plate import PlateReader
from backend.pipeline.context import StageContext
from backend.pipeline.stage import Engine
from backend.roto.changes import Prints, prints_of, read_before, reasons, record
from backend.roto.engines import assign, engine_names, engine_of, engines_fingerprint, people_fingerprint
from backend.roto.extras import add_pictures, add_splines
from backend.roto.facts import Watch
from backend.roto.hints import (
    Said,
    decode,
    has_box,
    hinted_and_texts,
    keep_painted,
    prompts_fingerprint,
    require_places,
)
from backend.roto.labels import base_of, names_of
from backend.roto.masks import ENGINE, JUDGING, WRITING, Pictures, chosen_numbers, found_masks
from backend.roto.outputs import MaskFiles
from backend.roto.ownership import PRIVATE, hand_made_labels, read_made, require_own
from backend.roto.publish import Finished, add_union, publish
from backend.roto.report import label_report, work_facts
from backend.roto.reports import problems
from backend.roto.store import DiskMaskStore
from backend.roto.timing import PEOPLE, PROMPTED_FRAMES, Clock
from shared.artifacts import Artifact, StageResult
from shared.errors import ArtifactMissing
from shared.roto_params import RotoParams
from shared.roto_prompts import RotoPrompts, read_prompts
from shared.roto_report import ROTO_REPORT_VERSION, LabelReport, RotoReport
from shared.shot import ShotFolder, document_text

HAND_MADE = "hand-made"
"""The engine's name in the result of a shot whose masks all came from elsewhere."""

_NOT_FOUND = (
    "Say where it is with clicks, a box or paint, lower the certainty (--roto-threshold), or choose another engine."
)


def engine(params: RotoParams) -> Engine:
    return engine_of(params)


def inputs(params: RotoParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    prompts = read_prompts(shot)
    if _only_hand_made(params, prompts, shot):
        return {}
    work = assign(params, *hinted_and_texts(prompts))
    people = people_fingerprint(work, params, boxes=has_box(prompts))
    return prompts_fingerprint(prompts, shot) | engines_fingerprint(work, params) | people


def run(params: RotoParams, context: StageContext) -> StageResult:
    """Writes `roto/<label>/`, `roto/mask/` and `roto/report.json`. Raises `InvalidRequest` for prompts that make no
    sense on this plate, `EngineUnavailable`, `FootageEmpty` for a range without frames, `ArtifactMissing` when nothing
    is found, `JobCancelled`, `DiskFull`, `ShotReadOnly`."""
    shot, clock, prompts = context.shot, Clock(), read_prompts(context.shot)
    if _only_hand_made(params, prompts, shot):
        context.notice("No object is prompted: the masks under roto/ that were made by hand stay as they are.")
        return StageResult("roto", HAND_MADE, 1, {"labels": list(hand_made_labels(shot))})
    store = DiskMaskStore(shot.private_dir / PRIVATE / "tracks", clock)
    with PlateReader(shot, use_masks=False) as plate:
        pictures = Pictures(plate, clock)
        done = Finished(chosen_numbers(params, pictures.numbers), pictures.numbers)
        said = _said(prompts, pictures, context)
        work = assign(params, tuple(said.hints), said.texts)
        require_places(said, (label for one in work for label in one.placed))
        order = [*prompts.labels, *(label for one in work for label in one.texts)]
        files = MaskFiles(context.checkpoint_dir / "masks", (pictures.width, pictures.height), order, params)
        watch = Watch()
        for frame in found_masks(work, said, done.numbers, pictures, store, params, context, clock):
            with clock.measure(WRITING):
                final = files.write(frame)
            with clock.measure(JUDGING):
                watch.see(*final, pictures(frame.number))
    named = _named(files, order, said, context)
    done.labels = {label: files.folder(key) for key, label in named.items()}
    with clock.measure(WRITING):
        add_union(done, context)
        add_pictures(done, params, context)
    now, splines = prints_of(said.hints), add_splines(done, params, context)
    labels = _labels(named, files, store, reasons(read_before(shot), now), splines)
    with clock.measure(JUDGING):
        found = problems(watch.named(named))
    report = RotoReport(ROTO_REPORT_VERSION, engine_names(work), labels, found, tuple(context.notices))
    done.report = document_text(report)
    made = _published(done, now, store, context)
    facts = _facts(report, len(done.numbers), clock)
    return StageResult("roto", report.engine, work[0].engine.version, facts, made)


def _published(done: Finished, now: Prints, store: DiskMaskStore, context: StageContext) -> tuple[Artifact, ...]:
    made = publish(done, context)
    record(context.shot, now)
    if done.whole:
        store.prune()
    return made


def _said(prompts: RotoPrompts, pictures: Pictures, context: StageContext) -> Said:
    """What of the prompts counts; what does not is told to the user."""
    painted = keep_painted(prompts, context.shot, context.checkpoint_dir / "painted")
    said = decode(prompts, painted, pictures.numbers, (pictures.width, pictures.height))
    for sentence in said.skipped:
        context.notice(sentence)
    require_own(context.shot, said.hints, read_made(context.shot))
    return said


def _only_hand_made(params: RotoParams, prompts: RotoPrompts, shot: ShotFolder) -> bool:
    """Whether there is nothing to do for a stage that needs masks and can have those that lie there."""
    asked = params.engine == "person" or any(hinted_and_texts(prompts))
    return not asked and bool(hand_made_labels(shot))


def _named(files: MaskFiles, order: Sequence[str], said: Said, context: StageContext) -> dict[str, str]:
    """Key of the engine -> label. Raises `ArtifactMissing` when no label has a mask in any frame."""
    seen = files.first_seen()
    named = names_of(seen, order)
    for label, words in said.texts.items():
        if not any(base_of(key) == label and first is not None for key, first in seen.items()):
            context.notice(f"No frame shows {words!r}. {_NOT_FOUND}")
    for label in said.hints:
        if label not in named.values() and label not in said.texts:
            context.notice(f"The hints of {label!r} are of no object that was found.")
    if not any(files.tracks[key].first is not None for key in named):
        raise ArtifactMissing("Nothing that the prompts name was found in any frame.", _NOT_FOUND)
    return named


def _labels(
    named: Mapping[str, str],
    files: MaskFiles,
    store: DiskMaskStore,
    because: Mapping[str, str],
    more: Mapping[str, Mapping[str, Any]],
) -> dict[str, LabelReport]:
    """named: key of the engine -> label. because: label -> what is new of its hints. more: label -> other facts."""
    found = {}
    for key, label in named.items():
        track = files.tracks[key]
        work = work_facts(store.used_by(key), track.numbers, because.get(label, ""))
        found[label] = label_report(track, {**work, **more.get(label, {})})
    return found


def _facts(report: RotoReport, frames: int, clock: Clock) -> dict[str, Any]:
    """frames_made: that an engine made anew, of any label; seconds: where the time went. engine_fps: frames a second,
    of all objects together and their prompted frames, without pictures' reading and masks' writing. Engines that run
    in a process of their own have no processor time here."""
    parts = (ENGINE, PROMPTED_FRAMES, PEOPLE)
    engine_seconds, engine_cpu = (
        sum(seconds.get(name, 0.0) for name in parts) for seconds in (clock.seconds, clock.cpu_seconds)
    )
    made = [label.facts["frames_made"] for label in report.labels.values() if "frames_made" in label.facts]
    return {
        "frames": frames,
        "labels": list(report.labels),
        "frames_made": max(made, default=frames),
        "problems": len(report.problems),
        "seconds": {name: round(seconds, 3) for name, seconds in clock.seconds.items()},
        "engine_cpu_seconds": round(engine_cpu, 3),
        "engine_fps": round(frames / max(engine_seconds, 1e-6), 2),
    }
