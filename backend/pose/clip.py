"""The 2D evidence of a clip: who is where, then every person's joints frame by frame."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import replace

from backend.roto.people.process import PeopleWorker

from .engines import Engine, open_engine
from .job import PoseJob
from .keypoints import Keypoints, PoseResult, track_of
from .places import Places, found_places, masked_places
from .store import KeypointStore

STEP = "Looking at people"


class _Steps:
    """Repeats the last step while a network is busy: a cancel is heard then too."""

    def __init__(self, job: PoseJob) -> None:
        self._job = job
        self._last = (STEP, 0, max(1, len(job.numbers)))

    def step(self, what: str, done: int, total: int) -> None:
        self._last = (what, done, total)
        self.again()

    def again(self) -> None:
        self._job.checkpoint(*self._last)


class LazyWorker:
    """Starts the process that runs MediaPipe when it is first asked for: a resumed run may not need it at all."""

    def __init__(self, steps: _Steps, stack: ExitStack) -> None:
        self._steps, self._stack = steps, stack
        self._worker: PeopleWorker | None = None

    def __call__(self) -> PeopleWorker:
        """Raises `EngineUnavailable`, `WorkerCrashed`."""
        if self._worker is None:
            self._worker = self._stack.enter_context(PeopleWorker(self._steps.again))
        return self._worker


def pose_tracks(job: PoseJob) -> PoseResult:
    """See the package."""
    steps = _Steps(job)
    heard = replace(job, checkpoint=steps.step)
    with ExitStack() as stack:
        worker = LazyWorker(steps, stack)
        engine = open_engine(heard, worker)
        places = masked_places(heard) if heard.labels else found_places(heard, worker)
        seen = look_at_people(heard, engine, places)
    tracks = {label: track_of(label, job.numbers, seen[label]) for label in places}
    return PoseResult(tracks, engine.name, engine.version, engine.model)


def look_at_people(job: PoseJob, engine: Engine, places: Places) -> dict[str, dict[int, Keypoints]]:
    """label -> plate number -> keypoints. Frames that are in the store are read from there."""
    store = KeypointStore(job.store / _key(job, engine))
    seen: dict[str, dict[int, Keypoints]] = {label: {} for label in places}
    for index, number in enumerate(job.numbers):
        job.checkpoint(STEP, index, len(job.numbers))
        people = store.get(number)
        if people is None:
            people = _frame(job, engine, places, number)
            store.put(number, people)
        for label, one in people.items():
            seen[label][number] = one
    return seen


def _frame(job: PoseJob, engine: Engine, places: Places, number: int) -> dict[str, Keypoints]:
    people: dict[str, Keypoints] = {}
    for label, frames in places.items():
        if number in frames:
            mask = job.masks(label, number) if job.labels else None
            one = engine.keypoints(job.picture(number), frames[number], mask)
            if one is not None:
                people[label] = one
    return people


def _key(job: PoseJob, engine: Engine) -> str:
    """Name of the folder for what one engine sees."""
    said = (engine.name, engine.version, engine.model, job.params.pose_mode, job.hands_and_face, job.labels)
    return f"{engine.name}-{hashlib.sha256(repr(said).encode()).hexdigest()[:12]}"
