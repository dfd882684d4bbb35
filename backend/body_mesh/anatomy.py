"""Round shapes of a grown-up around the joints of a skeleton at rest.

Breadths, depths and girths are those of the middle of both sexes in ANSUR II (Gordon et al., "2012 Anthropometric
Survey of U.S. Army Personnel", NATICK/TR-15/007), for a stature of 1.72 m; they grow with the person's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .field import Field, Floats, Shape

STATURE_M = 1.76
"""Sole to top of the head, of whom the numbers below are."""

_ROUND = (1.0, 1.0, 1.0)
_ARM, _LEG, _TRUNK, _FACE = 0.022, 0.03, 0.06, 0.022

SIDES = ("left", "right")


@dataclass(frozen=True)
class Landmarks:
    """places: joints at rest, standing on z = 0. size: of the person over the one of the tables."""

    places: Mapping[str, Floats]
    size: float

    def at(self, joint: str, *offset: float) -> Floats:
        """A place beside a joint; the offset is for the person of the tables, x to the joint's own side."""
        side = -1.0 if joint.startswith("right_") else 1.0
        x, y, z = offset or (0.0, 0.0, 0.0)
        return np.asarray(self.places[joint] + self.size * np.array([side * x, y, z]))


_MISSING: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("chest", "neck", (0.0, 0.0, -0.20)),
    ("spine", "pelvis", (0.0, 0.0, 0.12)),
    ("head", "neck", (0.0, 0.0, 0.10)),
    ("head_top", "head", (0.0, 0.0, 0.17)),
    ("nose", "head", (0.0, -0.10, 0.04)),
)
_MISSING_SIDES: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("ear", "head", (0.075, 0.0, 0.035)),
    ("hand", "wrist", (0.09, 0.0, 0.0)),
    ("heel", "ankle", (0.0, 0.05, -0.06)),
    ("foot_index", "ankle", (0.0, -0.15, -0.06)),
)
NEEDED = (
    "pelvis",
    "neck",
    *(f"{s}_{j}" for s in SIDES for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
)
"""Joints without which there is no body."""


def landmarks(names: tuple[str, ...], rest: Floats) -> Landmarks:
    """Of joints [J,3] at rest. Joints that only shape the body (ears, heels, ...) may be missing: they are put where
    they usually are. Raises `ValueError` when one of `NEEDED` is missing."""
    places = {name: np.asarray(rest[number], np.float64) for number, name in enumerate(names)}
    if lacking := [name for name in NEEDED if name not in places]:
        raise ValueError(f"the skeleton has no {', '.join(lacking)}")
    size = _size(places)
    for name, beside, offset in _MISSING:
        places.setdefault(name, Landmarks(places, size).at(beside, *offset))
    for side in SIDES:
        for name, beside, offset in _MISSING_SIDES:
            own = beside if beside == "head" else f"{side}_{beside}"
            x = -offset[0] if beside == "head" and side == "right" else offset[0]
            places.setdefault(f"{side}_{name}", Landmarks(places, size).at(own, x, *offset[1:]))
    return Landmarks(places, size)


def _size(places: Mapping[str, Floats]) -> float:
    """From sole to neck, which no hair hides, over the same of the tables."""
    lowest = min(float(place[2]) for place in places.values())
    sole = min(0.0, lowest)
    return float(places["neck"][2] - sole) / 1.49


def body_field(marks: Landmarks) -> Field:
    """The body around its joints."""
    shapes = [*_trunk(marks), *_head(marks)]
    for side in SIDES:
        shapes += [*_arm(marks, side), *_leg(marks, side), *_foot(marks, side)]
    joins = (
        (("head",), 0.03 * marks.size),
        (("left_ear", "right_ear"), 0.008 * marks.size),
        (("left_leg", "right_leg"), 0.045 * marks.size),
        (("left_arm", "right_arm"), 0.035 * marks.size),
    )
    return Field(shapes, "trunk", joins, 0.0)


@dataclass(frozen=True)
class _Draw:
    """Makes shapes of one group. blend, radii: for the person of the tables."""

    marks: Landmarks
    group: str
    blend: float
    layers: Iterator[int] = field(default_factory=itertools.count)

    def cone(
        self, owner: str, a: Floats, b: Floats, ra: float, rb: float, flat: tuple[float, float, float] = _ROUND
    ) -> Shape:
        size = self.marks.size
        return Shape(
            owner, self.group, next(self.layers), a, b, ra * size, rb * size, np.array(flat), self.blend * size
        )

    def ball(self, owner: str, centre: Floats, radii: tuple[float, float, float]) -> Shape:
        """An ellipsoid along the body's axes."""
        widest = max(radii)
        return self.cone(
            owner, centre, centre, widest, widest, (radii[0] / widest, radii[1] / widest, radii[2] / widest)
        )


def _trunk(marks: Landmarks) -> list[Shape]:
    draw = _Draw(marks, "trunk", _TRUNK)
    at = marks.at
    shapes = [
        draw.ball("pelvis", at("pelvis", 0.0, 0.0, -0.01), (0.166, 0.112, 0.118)),
        draw.cone("spine", at("spine", 0.0, 0.0, -0.05), at("spine", 0.0, 0.0, 0.08), 0.148, 0.146, (1.0, 0.75, 1.0)),
        draw.ball("chest", at("chest", 0.0, 0.005, -0.02), (0.154, 0.116, 0.19)),
        draw.ball("chest", at("chest", 0.0, 0.012, 0.08), (0.14, 0.095, 0.10)),
        draw.cone("neck", at("neck", 0.0, 0.022, -0.035), at("head", 0.0, 0.012, 0.02), 0.058, 0.055),
    ]
    left, right = _beside(draw, "left"), _beside(draw, "right")
    return shapes + left + [replace(one, layer=twin.layer) for one, twin in zip(right, left, strict=True)]


def _beside(draw: _Draw, side: str) -> list[Shape]:
    """What the trunk has twice."""
    at, x = draw.marks.at, 1.0 if side == "left" else -1.0
    shoulder = at(f"{side}_shoulder", -0.02, 0.008, -0.008)
    return [
        draw.ball("pelvis", at(f"{side}_hip", -0.012, 0.048, -0.04), (0.082, 0.07, 0.085)),
        draw.ball("chest", at("chest", x * 0.072, -0.055, 0.035), (0.08, 0.05, 0.066)),
        draw.cone("neck", at("neck", 0.0, 0.03, 0.01), at("neck", x * 0.11, 0.03, -0.045), 0.044, 0.036),
        draw.cone(_collar(draw.marks, side), at("chest", x * 0.07, 0.012, 0.12), shoulder, 0.062, 0.053),
    ]


def _collar(marks: Landmarks, side: str) -> str:
    return f"{side}_collar" if f"{side}_collar" in marks.places else "chest"


def _head(marks: Landmarks) -> list[Shape]:
    draw = _Draw(marks, "head", _FACE)
    at, size = marks.at, marks.size
    top = float(marks.places["head_top"][2])
    skull = at("head", 0.0, 0.012, 0.0)
    skull[2] = top - 0.098 * size
    shapes = [
        draw.ball("head", skull, (0.076, 0.098, 0.098)),
        draw.ball("head", at("head", 0.0, -0.03, 0.02), (0.062, 0.066, 0.075)),
        draw.cone("head", at("head", 0.0, -0.05, -0.015), at("head", 0.0, -0.068, -0.028), 0.036, 0.022),
        draw.cone("head", at("nose", 0.0, 0.022, 0.028), at("nose", 0.0, 0.012, -0.002), 0.008, 0.013),
    ]
    for side in SIDES:
        ear = _Draw(marks, f"{side}_ear", 0.0)
        shapes.append(ear.ball("head", marks.at(f"{side}_ear", 0.0, 0.012, -0.005), (0.011, 0.02, 0.031)))
    return shapes


def _arm(marks: Landmarks, side: str) -> list[Shape]:
    draw = _Draw(marks, f"{side}_arm", _ARM)
    shoulder, elbow, wrist, hand = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hand"))
    at = marks.at

    def between(start: str, end: str, share: float, *offset: float) -> Floats:
        return np.asarray((1 - share) * at(start, *offset) + share * at(end, *offset))

    knuckles = at(hand)
    return [
        draw.cone(shoulder, at(shoulder, 0.0, 0.006, -0.004), between(shoulder, elbow, 0.4), 0.053, 0.047),
        draw.cone(shoulder, between(shoulder, elbow, 0.35, 0.0, -0.006, 0.0), at(elbow), 0.046, 0.038),
        draw.cone(elbow, at(elbow), between(elbow, wrist, 0.28, 0.0, -0.004, 0.0), 0.038, 0.042),
        draw.cone(elbow, between(elbow, wrist, 0.28, 0.0, -0.004, 0.0), at(wrist), 0.042, 0.0265),
        draw.cone(wrist, at(wrist, 0.0, 0.0, 0.0), at(wrist, 0.025, 0.0, 0.0), 0.028, 0.032, (1.0, 1.0, 0.72)),
        draw.cone(wrist, at(wrist, 0.035, 0.0, 0.0), knuckles, 0.036, 0.042, (1.0, 1.0, 0.42)),
        draw.cone(wrist, knuckles, at(hand, 0.062, 0.003, -0.006), 0.040, 0.028, (1.0, 1.0, 0.40)),
        draw.cone(wrist, at(wrist, 0.025, -0.022, -0.004), at(hand, -0.002, -0.068, -0.014), 0.019, 0.0125),
    ]


def _leg(marks: Landmarks, side: str) -> list[Shape]:
    draw = _Draw(marks, f"{side}_leg", _LEG)
    hip, knee, ankle = (f"{side}_{name}" for name in ("hip", "knee", "ankle"))
    at = marks.at

    def between(start: str, end: str, share: float, *offset: float) -> Floats:
        return np.asarray((1 - share) * at(start, *offset) + share * at(end, *offset))

    return [
        draw.cone(hip, at(hip, 0.004, 0.008, -0.02), between(hip, knee, 0.45, 0.004, 0.0, 0.0), 0.082, 0.073),
        draw.cone(hip, between(hip, knee, 0.45, 0.004, 0.0, 0.0), at(knee, 0.0, -0.002, 0.02), 0.073, 0.056),
        draw.cone(knee, at(knee, 0.0, -0.004, 0.0), between(knee, ankle, 0.9), 0.053, 0.036),
        draw.cone(
            knee, between(knee, ankle, 0.14, 0.0, 0.012, 0.0), between(knee, ankle, 0.55, 0.0, 0.012, 0.0), 0.053, 0.036
        ),
        draw.cone(knee, between(knee, ankle, 0.8), at(ankle, 0.0, 0.006, 0.0), 0.038, 0.036),
    ]


def _foot(marks: Landmarks, side: str) -> list[Shape]:
    """Soles are on z = 0, whatever the height of heel and toe joints over them."""
    draw = _Draw(marks, f"{side}_leg", _ARM)
    ankle, heel, toe = (f"{side}_{name}" for name in ("ankle", "heel", "foot_index"))
    size = marks.size

    def over_sole(joint: str, along: float, height: float) -> Floats:
        place = marks.at(joint, 0.0, along, 0.0)
        place[2] = height * size
        return place

    return [
        draw.cone(ankle, marks.at(ankle, 0.0, 0.006, 0.0), over_sole(heel, -0.012, 0.034), 0.035, 0.034),
        draw.cone(ankle, marks.at(ankle, 0.0, -0.012, -0.02), over_sole(toe, 0.05, 0.024), 0.036, 0.032),
        draw.cone(ankle, over_sole(heel, -0.012, 0.022), over_sole(toe, 0.045, 0.022), 0.034, 0.045, (1.0, 1.0, 0.6)),
        draw.cone(ankle, over_sole(toe, 0.045, 0.022), over_sole(toe, -0.005, 0.018), 0.045, 0.034, (1.0, 1.0, 0.6)),
    ]
