"""People fitted one after the other, in one world: its floor and its scale are the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from backend.mocap.clip import ClipMotion, ClipSettings, frame_states, solve_clip
from backend.mocap.contacts import Floor
from backend.mocap.evidence import Cameras, Flags, TooLittleSeen
from backend.mocap.footage import CHUNK, Footage, Seen
from backend.mocap.skeleton import human, hung
from shared.motion_arrays import TRACKED

from .cameras import ShotCameras
from .ground import UNDER_FEET, Ground, floor_under, up_of_people

USUAL_M = 1.69
"""Stature of grown-ups, women and men alike, in the middle."""

_ODD, _ODD_UNDER_FEET = 1.5, 1.2
"""Factors by which hardly anybody is taller or smaller than that, or than a height that is said; the second where the
floor is known from people's sizes, so that it has no say against them."""

Step = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """fps: frames a second. height_m: of everybody, or None. metric: the world's unit is a metre. cuts: indices. views:
    label -> what further cameras saw of the person."""

    fps: float
    height_m: float | None
    metric: bool
    cuts: tuple[int, ...] = ()
    views: Mapping[str, Sequence[Footage]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """people: label -> motion, world units; those who cannot be placed are left out. ground: as it is known now.
    metres_per_unit: that the people's size asks for; 1 in a metric world. floating: labels of people who do not stand
    on the floor that was known."""

    people: Mapping[str, ClipMotion]
    ground: Ground
    metres_per_unit: float
    floating: tuple[str, ...] = ()


def fit_people(
    seen: Mapping[str, Seen], cameras: ShotCameras, ground: Ground, asked: Asked, step: Callable[[int, int], Step]
) -> Fitted:
    """seen: label -> evidence in the cameras' frames. step(number, count): progress of the person, of so many. Where up
    is known and the floor is not, everybody is fitted twice: the floor is under their feet. What other views in a
    metric world say of people is in `asked`."""
    twice, metres = ground.floor is None, 1.0
    count = len(seen) * (2 if twice else 1)
    people = _fit(seen, cameras, ground, asked, lambda i: step(i, count))
    if twice and people:
        ground = _under_feet(people, ground, asked)
        if ground.floor is not None:
            metres = _metres(people, asked)
            for number, label in enumerate(people):
                near = step(len(seen) + number, count)
                people[label] = _in_metres(seen[label], cameras, ground.floor, label, metres, asked, near)
    # A floor under people's feet lies as deep as they are tall: it does not tell anew how long a unit is.
    metres = metres if ground.source == UNDER_FEET else _metres(people, asked)
    floating = _floating(people, ground, metres, asked)
    for number, label in enumerate(floating):
        people[label] = _in_metres(seen[label], cameras, None, label, metres, asked, step(number, len(floating)))
    if floating and len(floating) == len(people):
        ground, metres = Ground(None, ground.up, "none"), _metres(people, asked)
    return Fitted(people, ground, metres, floating)


def _under_feet(people: Mapping[str, ClipMotion], ground: Ground, asked: Asked) -> Ground:
    """The floor under people who were fitted without one; up, too, is theirs where nothing else says it."""
    bodies, metres = [one.body for one in people.values()], _metres(people, asked)
    up = ground.up if ground.up is not None else up_of_people(bodies, metres, asked.fps)
    floor = None if up is None else floor_under(bodies, up, metres)
    return ground if floor is None else Ground(floor, up, UNDER_FEET)


def _floating(people: Mapping[str, ClipMotion], ground: Ground, metres: float, asked: Asked) -> tuple[str, ...]:
    """Who would be a giant or a dwarf on the floor: they stand on something else, or the floor is none."""
    if ground.floor is None:
        return ()
    usual = USUAL_M if asked.height_m is None else asked.height_m
    off = {label: abs(np.log(stature_of(one) * metres / usual)) for label, one in people.items()}
    most = _ODD_UNDER_FEET if ground.source == UNDER_FEET else _ODD
    return tuple(label for label, one in off.items() if one > np.log(most))


def _in_metres(
    evidence: Seen, cameras: ShotCameras, floor: Floor | None, label: str, metres: float, asked: Asked, step: Step
) -> ClipMotion:
    """In a world whose unit is so many metres, as people have told: one, where there are views."""
    near, views = cameras.cameras, asked.views.get(label, ())
    metric = Cameras(near.matrix, near.rotation, metres * near.translation)
    floor = None if floor is None else replace(floor, offset=metres * floor.offset)
    settings = ClipSettings(asked.fps, floor, asked.height_m, True, asked.cuts)
    return resized(solve_clip(human(), metric, evidence, settings, views=views, checkpoint=step), 1.0 / metres)


def _fit(
    seen: Mapping[str, Seen], cameras: ShotCameras, ground: Ground, asked: Asked, step: Callable[[int], Step]
) -> dict[str, ClipMotion]:
    settings = _settings(ground, asked, cameras.travels)
    skeleton, found = human(), {}
    for number, (label, evidence) in enumerate(seen.items()):
        if TRACKED in frame_states(_enough(evidence), settings):
            # Seen, but not so that a body could be placed (a head alone, by a detector without depth).
            with suppress(TooLittleSeen):
                found[label] = solve_clip(
                    skeleton, cameras.cameras, evidence, settings, views=asked.views.get(label, ()),
                    checkpoint=step(number),
                )  # fmt: skip
    return found


def _enough(seen: Seen) -> Flags:
    """[T]"""
    frames = len(seen)
    parts = [seen.part(start, min(start + CHUNK, frames)).enough for start in range(0, frames, CHUNK)]
    return np.concatenate([np.zeros(0, np.bool_), *parts])


def _settings(ground: Ground, asked: Asked, travels: bool) -> ClipSettings:
    """A floor says how large people are in the world's own units, better than any guess in metres: who is taken for
    smaller would stand nearer to the camera, above it. A height then only says what a unit is. A camera that stands
    before no floor sees no sizes: then everybody is about as tall as people are, and a unit is a metre."""
    if ground.floor is not None and not (asked.metric and asked.height_m is not None):
        return ClipSettings(asked.fps, ground.floor, None, False, asked.cuts)
    metric = asked.metric or (ground.floor is None and not travels)
    return ClipSettings(asked.fps, ground.floor, asked.height_m, metric, asked.cuts)


def _metres(people: Mapping[str, ClipMotion], asked: Asked) -> float:
    """The middle of what everybody says: all stand in one world."""
    if asked.metric or not people:
        return 1.0
    usual = USUAL_M if asked.height_m is None else asked.height_m
    units = [stature_of(one) for one in people.values()]
    return float(np.exp(np.median(np.log(usual) - np.log(units))))


def stature_of(motion: ClipMotion) -> float:
    """From the sole to the top of the head at rest, along the bones; world units."""
    return float(np.ptp(hung(motion.body.skeleton.parents, motion.body.rest)[:, 2]))


def resized(motion: ClipMotion, factor: float) -> ClipMotion:
    """The motion in a world `factor` times as large."""
    if factor == 1.0:
        return motion
    contacts = None if motion.contacts is None else motion.contacts.scaled(factor)
    return replace(motion, body=motion.body.scaled(factor), contacts=contacts)
