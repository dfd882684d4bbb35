"""People in the artist's boxes: where a box holds exactly one person, the person's mask begins the object.

A box alone says little of what is in it; the networks in MediaPipe's wheel know people. Only the prompted pictures are
looked at, and only once: what was found in a box is kept beside the tracks. Whatever the worker cannot do leaves the
box as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto.lazy_hints import FoundHints
from backend.roto.propagation import PROMPTED, MaskStore, StoredMask
from shared.errors import EngineUnavailable, InternalError, MalformedMessage, MessageTooLarge, WorkerCrashed

from .anchors import Anchor, anchor_mask, is_sure
from .environment import mocap_python
from .evidence import PersonEvidence, Picture
from .process import PeopleWorker, travelling
from .sampling import Finder

Bools = NDArray[np.bool_]
Box = tuple[int, int, int, int]

_METHOD = "1"
"""Part of the keys: a method that finds other masks has another."""

_SAME_BOX = 0.6
"""Intersection over union of a person's box and the artist's, from which on the box is meant for that person."""

_INSIDE = 0.9
"""Of the person's mask lie in the box at least."""

_SEEN_AROUND = 0.5
"""Of what is looked at around a box, in longer sides of it: the detector wants people with room around them."""

_REGION = 1.25
"""Side of the region that the landmark network looks at, in longer sides of the box: BlazePose's own margin."""

_FAILURES = (EngineUnavailable, WorkerCrashed, InternalError, MalformedMessage, MessageTooLarge)


@dataclass(frozen=True)
class Boxed:
    """A frame whose object is in one box and not painted. box: x0, y0, x1, y1 in whole px of the plate."""

    label: str
    number: int
    box: Box

    @property
    def key(self) -> str:
        """Of what is found in the box; clicks only judge it."""
        said = "\0".join(("person in box", _METHOD, *map(str, self.box)))
        return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


class BegunHints(Mapping[int, Hints]):
    """Plate number -> hints of one label: what was said, with a person's mask at `begun`. Masks are read when they are
    asked for; the last one is kept."""

    def __init__(self, store: MaskStore, said: Mapping[int, Hints], begun: Mapping[int, Boxed]) -> None:
        self._store, self._said, self._begun = store, said, begun
        self._last: tuple[int, Bools] | None = None

    def __getitem__(self, number: int) -> Hints:
        said = self._said[number]
        if number not in self._begun:
            return said
        return FoundHints(said.label, number, self._mask, said)

    def _mask(self, number: int) -> Bools:
        if self._last is None or self._last[0] != number:
            self._last = (number, _kept(self._store, self._begun[number]))
        return self._last[1]

    def __iter__(self) -> Iterator[int]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)


def begun_by_people(job: RotoJob) -> RotoJob:
    """The job, with hints whose boxes hold a person beginning with its mask. Raises `JobCancelled`, and what pictures
    and the store raise; what the worker fails at is told to the user."""
    if job.params.people_in_boxes == "off" or not _is_ready():
        return job
    boxed = _boxes_of(job)
    _look(job, [one for one in boxed if not job.store.has(one.key, one.label, one.number)])
    begun: dict[str, dict[int, Boxed]] = {}
    for one in boxed:
        if job.store.has(one.key, one.label, one.number) and _is_meant(job, one):
            begun.setdefault(one.label, {})[one.number] = one
            job.notice(f"The box of {one.label!r} at frame {one.number} holds a person: MediaPipe's mask begins it.")
    if not begun:
        return job
    return replace(
        job, hints={name: BegunHints(job.store, said, begun.get(name, {})) for name, said in job.hints.items()}
    )


def _is_ready() -> bool:
    try:
        mocap_python()
    except EngineUnavailable:
        return False
    return True


def _boxes_of(job: RotoJob) -> list[Boxed]:
    """In the order of frames, since pictures are read one after the other."""
    found = []
    for label, frames in job.hints.items():
        for number, hints in frames.items():
            if len(hints.boxes) == 1 and hints.mask is None and not hints.absent:
                found.append(Boxed(label, number, _whole(hints, job.width, job.height)))
    return sorted(found, key=lambda one: one.number)


def _whole(hints: Hints, width: int, height: int) -> Box:
    """The pixels that a box lies on, in the picture."""
    x0, y0, x1, y1 = hints.boxes[0]
    left, top = min(max(int(np.floor(x0)), 0), width - 1), min(max(int(np.floor(y0)), 0), height - 1)
    right, bottom = min(int(np.ceil(x1)), width), min(int(np.ceil(y1)), height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _look(job: RotoJob, boxed: Sequence[Boxed]) -> None:
    """Puts what is in each box into the store; a mask of one pixel, which is empty, where nobody is."""
    if not boxed:
        return

    def again() -> None:
        job.checkpoint("Looking for people in the boxes", 0, 1)  # no share of the work worth counting

    try:
        with PeopleWorker(again) as worker:
            for one in boxed:
                again()
                found = person_in(job.picture(one.number), one.box, worker)
                soft = np.zeros((1, 1), np.uint8) if found is None else np.where(found, np.uint8(255), np.uint8(0))
                job.store.put(one.key, one.label, one.number, StoredMask(soft, PROMPTED, 1.0))
    except _FAILURES as failed:
        missed = [one for one in boxed if not job.store.has(one.key, one.label, one.number)]
        boxes = ", ".join(f"{one.label!r} at frame {one.number}" for one in missed[:3])
        more = ", ..." if len(missed) > 3 else ""
        job.notice(f"MediaPipe did not look into the box of {boxes}{more}: {failed.message} The box alone begins it.")


def person_in(picture: Picture, box: Box, finder: Finder) -> Bools | None:
    """bool [H, W]: the only person that fits the box; None when there is none, or more than one, or when the networks
    are not sure. picture: uint8 RGB. Raises what the finder raises."""
    left, top, right, bottom = _around(box, picture.shape[1], picture.shape[0])
    crop = np.ascontiguousarray(picture[top:bottom, left:right])
    small, scale = travelling(crop)
    inner = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    x0, y0, x1, y1 = (scale * side for side in inner)
    near = ((x0 + x1) / 2, (y0 + y1) / 2, _REGION * max(x1 - x0, y1 - y0), 0.0)
    people = [one for one in finder.find(small, [near], search=True) if one.score is not None]
    fitting = [one for one in people if _fits(one, (x0, y0, x1, y1))]
    if len(fitting) != 1:
        return None
    anchor = Anchor(0, fitting[0], tuple(one for one in people if one is not fitting[0]))
    if not is_sure(anchor):
        return None
    inside = np.s_[box[1] : box[3], box[0] : box[2]]
    found = np.zeros(picture.shape[:2], bool)
    found[inside] = anchor_mask(anchor, crop, scale)[inner[1] : inner[3], inner[0] : inner[2]]
    return found if found.any() else None


def _around(box: Box, width: int, height: int) -> Box:
    """The part of the picture that is looked at: small people in large pictures are seen at their full size."""
    margin = round(_SEEN_AROUND * max(box[2] - box[0], box[3] - box[1]))
    left, top, right, bottom = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def _fits(one: PersonEvidence, box: tuple[float, float, float, float]) -> bool:
    """box: x0, y0, x1, y1 in px of the evidence's picture."""
    own = one.sure_box
    shared = max(0.0, min(own[2], box[2]) - max(own[0], box[0])) * max(0.0, min(own[3], box[3]) - max(own[1], box[1]))
    areas = [(side[2] - side[0]) * (side[3] - side[1]) for side in (own, box)]
    if shared < _SAME_BOX * (sum(areas) - shared):
        return False
    rows, columns = np.nonzero(one.soft >= 128)
    x, y = columns + one.box[0] + 0.5, rows + one.box[1] + 0.5
    inside = (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])
    return bool(inside.mean() >= _INSIDE)


def _is_meant(job: RotoJob, one: Boxed) -> bool:
    """Whether somebody was found in the box, and the clicks are of that person. A click near the mask's boundary
    corrects it; one of exclusion deep inside, or of inclusion as far outside, is of something else."""
    mask = _kept(job.store, one)
    if not mask.any():
        return False
    hints = job.hints[one.label][one.number]
    depth = _depth(mask)
    limit = float(depth.max()) / 2
    wanted, unwanted = depth[_at(hints.include)], depth[_at(hints.exclude)]
    return not bool((wanted < -limit).any() or (unwanted > limit).any())


def _kept(store: MaskStore, one: Boxed) -> Bools:
    """What was found in a box: bool [H, W], or [1, 1] and empty."""
    return np.asarray(store.get(one.key, one.label, one.number).soft >= 128)


def _depth(mask: Bools) -> NDArray[np.float32]:
    """Distance of each pixel to the mask's boundary, px; negative outside."""
    inside, outside = (
        cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for part in (mask, ~mask)
    )
    return np.asarray(inside - outside, np.float32)


def _at(points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    pixels = np.floor(points).astype(np.intp)
    return pixels[:, 1], pixels[:, 0]
