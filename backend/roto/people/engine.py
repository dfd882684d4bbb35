"""Engine `person`: every person of a clip, named by first appearance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from backend.roto import flow
from backend.roto.cut import Hints
from backend.roto.engines import PEOPLE_WORDS
from backend.roto.job import RotoJob, instance_key
from backend.roto.labels import instance_name
from backend.roto.propagation import FrameMasks
from shared.errors import InvalidRequest

from .anchors import hints_of
from .process import PeopleWorker
from .sampling import Looked, look_through

_APART_S = 1.0 / 3.0
"""The anchors that are found are about as far apart."""


def names_people(text: str) -> bool:
    """Whether a text asks for people and nothing else."""
    words = text.replace(",", " ").split()
    return bool(words) and all(word.casefold() in PEOPLE_WORDS for word in words)


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """People for the job's texts, and the objects of its hints, followed together so that they compete. Raises
    `InvalidRequest` for a text that does not mean people and when the clip has none, `EngineUnavailable`,
    `WorkerCrashed`, `JobCancelled`."""
    label = _label(job)
    if label is None:
        yield from flow.roto_frames(job)
        return
    fps = float(job.shot.read().facts.rate)
    looking = _Looking(job)
    with PeopleWorker(looking.again) as worker:
        looked = look_through(job.numbers, job.picture, fps, worker, looking.step)
    if not looked.tracks and not job.hints:
        raise InvalidRequest(
            f"No person was found in frames {job.numbers[0]} to {job.numbers[-1]} of the clip.",
            "Click on the people or box them (engine flow), or choose a frame range in which a whole person is seen.",
        )
    yield from flow.roto_frames(dataclasses.replace(job, hints=with_people(job, label, looked, fps)))


class _Looking:
    """Says how far the search is, also while a single picture takes its time: a cancel is heard then."""

    def __init__(self, job: RotoJob) -> None:
        self._job, self._last = job, ("Looking for people", 0, len(job.numbers))

    def step(self, what: str, done: int, total: int) -> None:
        self._last = (what, done, total)
        self.again()

    def again(self) -> None:
        self._job.checkpoint(*self._last)


def with_people(job: RotoJob, label: str, looked: Looked, fps: float) -> dict[str, Mapping[int, Hints]]:
    """The job's hints and those of the people found. What is said of `person_01` corrects the second of them."""
    prompts: dict[str, Mapping[int, Hints]] = dict(job.hints)
    for index, track in enumerate(looked.tracks):
        key, name = instance_key(label, index), instance_name(label, index, len(looked.tracks))
        said = prompts.pop(name, {})
        found = hints_of(key, track, looked, job.numbers, fps, job.picture)
        prompts[key] = CorrectedHints(found, said, _APART_S * fps) if said else found
    return prompts


class CorrectedHints(Mapping[int, Hints]):
    """Plate number -> hints: the artist's where there are any; those that were found where they are not near the
    artist's, who says that they are wrong there."""

    def __init__(self, found: Mapping[int, Hints], said: Mapping[int, Hints], apart: float) -> None:
        """apart: frames, up to which it counts as near."""
        others = [number for number in found if number not in said]
        far = [number for number in others if all(abs(number - at) > apart for at in said)]
        self._found, self._said = found, said
        self._numbers = sorted({*(far or others), *said})

    def __getitem__(self, number: int) -> Hints:
        if number not in self._numbers:
            raise KeyError(number)
        return self._said[number] if number in self._said else self._found[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _label(job: RotoJob) -> str | None:
    """The label that people go under: the first text's. Raises `InvalidRequest` for a text of something else."""
    for label, text in job.texts.items():
        if not names_people(text):
            raise InvalidRequest(
                f"Engine person finds people only, and {label!r} is said to be {text!r}.",
                "Write person, hint the object on a frame, or choose an engine that finds by text (groundingdino).",
            )
    return next(iter(job.texts), None)
