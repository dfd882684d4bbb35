"""The 2D evidence of a clip: who is where, then every person's joints frame by frame."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from backend.roto.people.process import PeopleWorker, travelling

from .apart import Flags, alone, enlarged, found_others, masked_others
from .cuts import STEP as CUTS
from .cuts import cuts_of
from .engines import open_engine, open_search
from .job import Mask, Picture, PoseJob
from .keypoints import Keypoints, PersonTrack, PoseResult, apart
from .places import STEP as PLACES
from .places import Place, Places, found_places, masked_places
from .protocol import Engine
from .store import KeypointStore, StoredKeypoints
from .support import doubted

STEP = "Looking at people"
_SHARES = {CUTS: (0, 1), PLACES: (1, 4), STEP: (5, 8)}
"""Where each step begins and how long it is, in parts of the time."""

_PARTS = 13

_FORMAT = 4
"""Of the files with keypoints."""


class _Steps:
    """Repeats the last step while a network is busy: a cancel is heard then too."""

    def __init__(self, job: PoseJob) -> None:
        self._job = job
        self._last = (STEP, 0, 1)

    def step(self, what: str, done: int, total: int) -> None:
        begins, lasts = _SHARES[what]
        self._last = (what, begins * total + lasts * done, _PARTS * total)
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
        heard = replace(heard, cuts=cuts_of(heard))
        places = masked_places(heard) if heard.labels else found_places(heard, open_search(heard, worker))
        tracks = look_at_people(heard, engine, places)
    return PoseResult(tracks, engine.name, engine.version, engine.model, cuts=tuple(heard.cuts))


def look_at_people(job: PoseJob, engine: Engine, places: Places) -> dict[str, PersonTrack]:
    """label -> what is seen of the person, which stays in the store. Frames that are there already are not looked at
    again."""
    store = KeypointStore(job.store / _key(job, engine))
    seen: dict[str, set[int]] = {label: set() for label in places}
    for index, number in enumerate(job.numbers):
        job.checkpoint(STEP, index, len(job.numbers))
        here = {label: frames[number] for label, frames in places.items() if number in frames}
        regions = {label: place.region for label, place in here.items()}
        people = store.get(number, regions)
        if people is None:
            people = _frame(job, engine, here, number)
            store.put(number, regions, people)
        for label in people:
            seen[label].add(number)
    tracks = {}
    for label, at in seen.items():
        frames, absent = apart(job.numbers, at)
        tracks[label] = PersonTrack(label, frames, StoredKeypoints(store, label, frames), absent)
    return tracks


def _frame(job: PoseJob, engine: Engine, here: Mapping[str, Place], number: int) -> dict[str, Keypoints]:
    people: dict[str, Keypoints] = {}
    masks = {label: job.masks(label, number) for label in job.labels}
    for label, place in here.items():
        picture = job.picture(number)
        over, own = _owners(picture, label, here, masks)
        one = engine.keypoints(alone(picture, place.region, over, own), place, masks.get(label))
        if one is not None:
            people[label] = doubted(one, over, own)
    return people


def _owners(
    picture: Picture, label: str, here: Mapping[str, Place], masks: Mapping[str, Mask | None]
) -> tuple[Flags | None, Flags | None]:
    """bool [H, W]: where the other people are, and the person; None where there are no others."""
    if masks:
        return masked_others(label, masks)
    others = [other.found() for name, other in here.items() if name != label and other.found is not None]
    if not others:
        return None, None
    height, width = picture.shape[:2]
    small, _ = travelling(picture)
    mine = here[label].found
    over, own = found_others(None if mine is None else mine(), others, small.shape[:2])
    return enlarged(over, width, height), enlarged(own, width, height)


def _key(job: PoseJob, engine: Engine) -> str:
    """Name of the folder for what one engine sees."""
    said = (_FORMAT, engine.name, engine.version, engine.model, job.params.pose_mode, job.hands_and_face, job.labels)
    return f"{engine.name}-{hashlib.sha256(repr(said).encode()).hexdigest()[:12]}"
