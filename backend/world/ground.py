"""Which way is up, and where the floor is, from a solved scene.

Candidates for up come from the dominant planes of the points (planes.py), from vanishing directions of the
plate's edges (lines.py) and from the cameras themselves, since people hold the horizon level. Each is scored by
how much of all three it explains; the best is refined by least squares over what supports it.

A scene of one vertical and many horizontal directions is an "Atlanta world" (Schindler and Dellaert, CVPR 2004);
at a right angle between the horizontals a "Manhattan world" (Coughlan and Yuille, ICCV 1999). Horizontal edges
are taken modulo a right angle; edges that fit neither weigh nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .constraints import Floats, Plane
from .lines import Segments
from .planes import Cloud, FoundPlane, dominant_planes

_ROLL_SD, _PITCH_SD = np.radians(12.0), np.radians(30.0)
"""How people hold cameras."""
_LEAST_UPRIGHT = 0.05
_PLANE_SD, _LINE_SD = np.radians(2.5), np.radians(1.2)
_CHANCE_VERTICAL, _CHANCE_SQUARE = 0.05, 0.08
"""Share of segments that fit a vertical, or the best two horizontals, in a picture without any order."""
_APART = np.cos(np.radians(8.0))
_PAIRS = 400
_MANY_POINTS, _MANY_SEGMENTS = 60, 15
_SYSTEMATIC_PLANE, _SYSTEMATIC_LINE = np.radians(0.35), np.radians(0.15)
_SEGMENT_SD = np.radians(0.5)
_LEVEL = np.cos(np.radians(5.0))
_SECOND_FLOOR, _UNDERGROUND = 0.4, 0.5
"""Of the largest floor's points: how many a lower one needs, and how many may lie under a floor."""
FOUND = 0.5
"""Confidence from which a ground is acted upon."""


@dataclass(frozen=True)
class Views:
    """Of all posed cameras, in the world: centres, and unit axes right, down, ahead; [F, 3] each."""

    centres: Floats
    right: Floats
    down: Floats
    ahead: Floats

    @property
    def mean_up(self) -> Floats:
        up = -self.down.mean(0)
        return np.asarray(up / max(float(np.linalg.norm(up)), 1e-12))


@dataclass(frozen=True)
class Support:
    """How much speaks for a direction being up, each 0..1. level, wall: shares of the points on planes square to it
    and along it. vertical: share of edges along it. square: share of other edges along two square horizontals,
    above chance. roll: of the cameras then, rms radians; prior: its and the pitch's log probability."""

    level: float
    wall: float
    vertical: float
    square: float
    roll: float
    prior: float

    @property
    def evidence(self) -> float:
        return 6.0 * self.level + 1.5 * self.wall + 6.0 * self.vertical + 3.0 * self.square

    @property
    def score(self) -> float:
        return self.prior + self.evidence


@dataclass(frozen=True)
class Ground:
    """up: unit [3]. place: [3] on the floor, None when no floor was found. confidence: 0..1."""

    up: Floats
    place: Floats | None
    confidence: float
    support: Support

    @property
    def found(self) -> bool:
        return self.confidence >= FOUND

    @property
    def plane(self) -> Plane | None:
        return None if self.place is None else Plane(self.place, self.up)


def find_ground(views: Views, cloud: Cloud, segments: Segments) -> Ground:
    """The most likely up and floor."""
    planes = dominant_planes(cloud)
    candidates = [up for up in _candidates(views, planes, segments) if up @ views.mean_up > _LEAST_UPRIGHT]
    supports = [support_of(up, views, planes, segments) for up in candidates]
    best = int(np.argmax([support.score for support in supports]))
    up = _refined(candidates[best], planes, segments)
    support = support_of(up, views, planes, segments)
    if support.score < supports[best].score - 0.3:  # the refinement followed something else
        up, support = candidates[best], supports[best]
    rivals = [s.score for c, s in zip(candidates, supports, strict=True) if abs(c @ up) < _APART]
    return Ground(up, _floor(up, views, planes, cloud), _confidence(support, max(rivals, default=-4.0)), support)


def _confidence(support: Support, rival: float) -> float:
    """From how much there is, how far it is ahead of any other direction, and how the cameras would be held."""
    evidence = support.evidence
    held_level = 0.6 * float(np.exp(-0.5 * (support.roll / np.radians(5.0)) ** 2))
    evidence += held_level * min(1.0, evidence / 0.4)
    much = 1.0 - float(np.exp(-evidence / 1.2))
    ahead = 1.0 - float(np.exp(-max(support.score - rival, 0.0) / 0.8))
    odd = max(0.0, support.roll - np.radians(15.0)) / np.radians(20.0)
    return round(much * ahead * float(np.exp(-0.5 * odd * odd)), 3)


def _candidates(views: Views, planes: list[FoundPlane], segments: Segments) -> list[Floats]:
    up = views.mean_up
    found = [_upright(views), up]
    found += [one.plane.normal for one in planes]
    found += vertical_directions(segments, up)
    return [one if one @ up >= 0 else -one for one in found]


def _upright(views: Views) -> Floats:
    """Most nearly square to all cameras' x axes, on the side of their mean up."""
    spread = views.right.T @ views.right / len(views.right) - 0.05 * np.outer(views.mean_up, views.mean_up)
    return np.asarray(np.linalg.eigh(spread)[1][:, 0])


def vertical_directions(segments: Segments, up: Floats, seed: int = 0) -> list[Floats]:
    """Up to four directions within 50 degrees of `up` that most edges agree on, from pairs of edges: two planes
    through the camera meet in the edges' common direction."""
    if len(segments.weight) < 2:
        return []
    rng = np.random.default_rng(seed)
    chance = segments.weight / segments.weight.sum()
    pairs = rng.choice(len(chance), (4 * _PAIRS, 2), p=chance)
    meet = np.cross(segments.normal[pairs[:, 0]], segments.normal[pairs[:, 1]])
    size = np.linalg.norm(meet, axis=1)
    meet = meet[size > 0.03] / size[size > 0.03, None]
    meet = meet[np.abs(meet @ up) > np.cos(np.radians(50.0))][:_PAIRS]
    if not len(meet):
        return []
    votes = np.exp(-0.5 * (segments.misfit(meet) / _LINE_SD) ** 2) @ segments.weight
    found: list[Floats] = []
    for i in np.argsort(-votes):
        if len(found) < 4 and all(abs(meet[i] @ other) < _APART for other in found):
            found.append(meet[i])
    return found


def support_of(up: Floats, views: Views, planes: list[FoundPlane], segments: Segments) -> Support:
    """What speaks for `up`."""
    shares = np.array([one.share * min(1.0, len(one.points) / _MANY_POINTS) for one in planes])
    cosine = np.abs(np.array([one.plane.normal @ up for one in planes]))
    level = shares @ np.exp(-0.5 * (np.arccos(np.clip(cosine, 0, 1)) / _PLANE_SD) ** 2) if planes else 0.0
    wall = shares @ np.exp(-0.5 * (np.arcsin(np.clip(cosine, 0, 1)) / _PLANE_SD) ** 2) if planes else 0.0
    vertical, square = _line_support(up, segments)
    roll = float(np.sqrt(np.mean(np.arcsin(np.clip(views.right @ up, -1, 1)) ** 2)))
    pitch = float(np.mean(np.arcsin(np.clip(views.ahead @ up, -1, 1))))
    prior = float(-min(4.0, 0.5 * (roll / _ROLL_SD) ** 2) - min(6.0, 0.5 * (pitch / _PITCH_SD) ** 2))
    return Support(float(level), float(wall), vertical, square, roll, prior)


def _line_support(up: Floats, segments: Segments) -> tuple[float, float]:
    whole = float(segments.weight.sum())
    if whole <= 0.0:
        return 0.0, 0.0
    along = np.exp(-0.5 * (segments.misfit(up[None])[0] / _LINE_SD) ** 2)
    enough = min(1.0, float(along.sum()) / _MANY_SEGMENTS)
    vertical = max(0.0, float(along @ segments.weight) / whole - _CHANCE_VERTICAL) * enough
    _, share, count = _horizontals(up, segments, 1.0 - along)
    square = max(0.0, share - _CHANCE_SQUARE) * min(1.0, count / _MANY_SEGMENTS)
    return vertical, square


def _horizontals(up: Floats, segments: Segments, left: Floats) -> tuple[Floats, float, float]:
    """The two square horizontal directions [2, 3] that most of the edges agree on, the share of all edges that
    does, and their count. left: [S] how far an edge is not vertical.

    If an edge is horizontal, its direction is where its plane meets the horizontal one.
    """
    first = np.cross(up, [1.0, 0.0, 0.0] if abs(up[0]) < 0.7 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(up, first)
    along = np.cross(segments.normal, up)
    sure = np.linalg.norm(along, axis=1)  # near the horizon an edge fits every horizontal direction
    azimuth = np.arctan2(along @ second, along @ first)
    weight = segments.weight * sure * left
    tries = np.radians(np.arange(0.0, 90.0, 1.0))
    # The difference modulo a right angle, in -45..45 degrees.
    away = (azimuth[None] - tries[:, None] + np.pi / 4) % (np.pi / 2) - np.pi / 4
    near = np.exp(-0.5 * (away / _LINE_SD) ** 2)
    best = int(np.argmax(near @ weight))
    angle = tries[best] + float(np.average(away[best], weights=near[best] * weight + 1e-12))
    turned = np.cos(angle) * first + np.sin(angle) * second
    share = float(near[best] @ weight) / max(float(segments.weight.sum()), 1e-12)
    return np.stack([turned, np.cross(up, turned)]), share, float(near[best] @ (sure * left))


def _refined(up: Floats, planes: list[FoundPlane], segments: Segments) -> Floats:
    """The direction that best agrees with the planes and edges that support it: the smallest eigenvector of the
    sum of their squared errors, each over its variance."""
    for limit in np.radians([4.0, 3.0, 2.0, 2.0]):
        errors = _plane_errors(up, planes, float(limit)) + _line_errors(up, segments, float(limit))
        if np.trace(errors) <= 0.0:
            return up
        values, axes = np.linalg.eigh(errors)
        if values[1] <= 1e-6 * values[2]:  # one wall alone: any direction along it would do
            return up
        up = axes[:, 0] if axes[:, 0] @ up >= 0 else -axes[:, 0]
    return up


def _plane_errors(up: Floats, planes: list[FoundPlane], limit: float) -> Floats:
    errors = np.zeros((3, 3))
    for one in planes:
        normal = one.plane.normal
        surety = min(1.0, len(one.points) / _MANY_POINTS) / (one.tilt_sd**2 + _SYSTEMATIC_PLANE**2)
        if abs(normal @ up) > np.cos(limit):
            errors += surety * (np.eye(3) - np.outer(normal, normal))
        elif abs(normal @ up) < np.sin(limit):
            errors += surety * np.outer(normal, normal)
    return errors


def _line_errors(up: Floats, segments: Segments, limit: float) -> Floats:
    """Of vertical edges. The same edge in several frames counts once: its errors are alike."""
    if not len(segments.weight):
        return np.zeros((3, 3))
    near = segments.misfit(up[None])[0] < limit
    count = float(near.sum()) / (float(segments.frame.max()) + 1.0)
    if count < 3.0:
        return np.zeros((3, 3))
    normal = segments.normal[near] * np.sqrt(segments.weight[near] / segments.weight[near].sum())[:, None]
    return np.asarray(normal.T @ normal / (_SEGMENT_SD**2 / count + _SYSTEMATIC_LINE**2))


def _floor(up: Floats, views: Views, planes: list[FoundPlane], cloud: Cloud) -> Floats | None:
    """A place on the largest level plane that the cameras are above and that little lies under; on a lower one
    that is not much smaller."""
    level = []
    for one in planes:
        if abs(one.plane.normal @ up) > _LEVEL:
            height = float(np.median(one.points @ up))
            under = float(np.mean(cloud.xyz @ up < height - 3.0 * cloud.tolerance))
            if np.mean(views.centres @ up > height) > 0.9 and under < _UNDERGROUND * one.share:
                level.append((one, height))
    if not level:
        return None
    most = max(one.share for one, _ in level)
    one, height = min((found for found in level if found[0].share >= _SECOND_FLOOR * most), key=lambda found: found[1])
    middle = np.median(one.points, axis=0)
    return np.asarray(middle + (height - middle @ up) * up)
