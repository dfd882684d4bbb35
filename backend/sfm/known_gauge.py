"""The world of a solve from what the artist knows of points: surveyed places and distances, in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.camera_files import ARBITRARY, Gauge

from .frames import Flags, Floats
from .gauge import handy_world, moved
from .scene import Scene
from .world_priors import DistancePriors, PointPriors, WorldPriors

if TYPE_CHECKING:
    from .hinted_tracks import KnownPoints

_FLAT = 0.02
"""Places whose spread across is less than that share of their spread along lie on a line."""
_MANY_SIGMAS = 4.0
_LEAST_DOUBT = 0.01
"""Of the extent of the surveyed places: what a solve may miss them by without a word."""


@dataclass(frozen=True)
class PlacedScene:
    """scene: in its world. gauge: what is true of it. priors: what the last bundle adjustment is held to there, in its
    units; without what disagrees with the solve, which is named in the notices."""

    scene: Scene
    gauge: Gauge
    notices: tuple[str, ...] = ()
    priors: WorldPriors | None = None


@dataclass(frozen=True)
class Alignment:
    """x -> scale * rotation @ x + place."""

    scale: float
    rotation: Floats
    place: Floats

    def points(self, xyz: Floats) -> Floats:
        out: Floats = self.scale * xyz @ self.rotation.T + self.place
        return out


def placed(scene: Scene, known: KnownPoints) -> PlacedScene:
    """Three surveyed places that are not in a line say everything; distances (and two places) say the scale only; with
    neither the world is a handy one."""
    if known.is_empty:
        return PlacedScene(handy_world(scene), ARBITRARY)
    solid = solid_points(scene)
    surveyed = solid[known.place_of]
    notices = _missing(int((~surveyed).sum()), int((~solid[known.ends].all(1)).sum()))
    places, points = known.places[surveyed], scene.points[known.place_of[surveyed]]
    if not (_is_wide(places) and _is_wide(points)):
        return _scaled(handy_world(scene), known, solid, notices)
    doubt = known.place_sd[surveyed]
    fit, agree = agreeing(points, places, doubt)
    names = [known.names[i] if known.names else f"number {i + 1}" for i in np.nonzero(surveyed)[0].tolist()]
    notices += _misfits(fit.points(points) - places, agree, names)
    scene = moved(scene, fit.scale, fit.rotation, fit.place)
    held = PointPriors(known.place_of[surveyed][agree], places[agree], doubt[agree]) if agree.any() else None
    apart, more = _distances(scene, known, solid)
    return PlacedScene(
        scene, Gauge("picked", "two-points", "metres"), (*notices, *more), WorldPriors(held, apart)
    )  # fmt: skip


def _distances(scene: Scene, known: KnownPoints, solid: Flags) -> tuple[DistancePriors | None, list[str]]:
    """The known distances that agree with a scene in metres, and what is to be said of the others."""
    usable = solid[known.ends].all(1)
    ends, metres, doubt = known.ends[usable], known.metres[usable], known.metres_sd[usable]
    if not len(ends):
        return None, []
    solved = np.linalg.norm(scene.points[ends[:, 0]] - scene.points[ends[:, 1]], axis=1)
    good = ~_odd(solved, metres, doubt)
    held = DistancePriors(ends[good], metres[good], doubt[good]) if good.any() else None
    return held, _odd_distances(solved, metres, doubt)


def solid_points(scene: Scene) -> Flags:
    """bool [T]: tracks whose point has a place, and not only a direction."""
    return scene.known & ~scene.far


def _missing(places: int, distances: int) -> list[str]:
    said = []
    for count, what in ((places, "surveyed place"), (distances, "known distance")):
        if count:
            plural = "s are" if count > 1 else " is"
            said.append(f"{count} {what}{plural} of tracks without a solved point, and not used.")
    return said


def _is_wide(places: Floats) -> bool:
    """Whether places [S, 3] are at least three and not in a line."""
    if len(places) < 3:
        return False
    spread = np.linalg.svd(places - places.mean(0), compute_uv=False)
    return bool(spread[1] > _FLAT * spread[0] > 0.0)


def aligned(points: Floats, places: Floats, weight: Floats) -> Alignment:
    """The similarity that takes points [S, 3] to places [S, 3] with the least weighted square error (Umeyama, PAMI
    1991)."""
    share = weight / weight.sum()
    middle, there = share @ points, share @ places
    arms, wanted = points - middle, places - there
    u, size, v = np.linalg.svd((wanted * share[:, None]).T @ arms)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
    rotation = u @ np.diag(sign) @ v
    scale = float((size * sign).sum() / (share @ (arms**2).sum(1)))
    return Alignment(scale, rotation, there - scale * rotation @ middle)


def agreeing(points: Floats, places: Floats, doubt: Floats) -> tuple[Alignment, Flags]:
    """The alignment of points [S, 3] with places [S, 3] that agree with it, and which do [S]: as long as some do not,
    the one is left out without which the others agree best. Of three no one can be told from the others."""
    extent = float(np.ptp(places, axis=0).max())
    agree = np.ones(len(places), bool)
    while True:
        fit = aligned(points[agree], places[agree], doubt[agree] ** -2)
        miss = np.linalg.norm(fit.points(points) - places, axis=1)
        good = miss <= np.maximum(_MANY_SIGMAS * doubt, _LEAST_DOUBT * extent)
        without = [_without(points, places, doubt, agree, i) for i in np.nonzero(agree)[0].tolist()]
        if good[agree].all():
            return fit, agree
        if not np.isfinite(without).any():
            return fit, np.zeros_like(agree)
        agree[np.nonzero(agree)[0][int(np.argmin(without))]] = False


def _without(points: Floats, places: Floats, doubt: Floats, agree: Flags, one: int) -> float:
    """What the places that agree, but one, miss each other by, in standard deviations squared; inf when they would be
    too few."""
    left = agree.copy()
    left[one] = False
    if left.sum() < 3 or not (_is_wide(places[left]) and _is_wide(points[left])):
        return float("inf")
    fit = aligned(points[left], places[left], doubt[left] ** -2)
    return float((((fit.points(points[left]) - places[left]) / doubt[left][:, None]) ** 2).sum())


def _misfits(away: Floats, agree: Flags, names: list[str]) -> list[str]:
    miss = np.linalg.norm(away, axis=1)
    if agree.all():
        return []
    named = ", ".join(f"{names[i]} by {miss[i]:.3g} m" for i in np.nonzero(~agree)[0].tolist())
    used = "They are not used." if agree.any() else "Of so few it cannot be told which is wrong."
    return [f"{int((~agree).sum())} of {len(miss)} surveyed places disagree with the solve: {named}. {used}"]


def _scaled(scene: Scene, known: KnownPoints, solid: Flags, notices: list[str]) -> PlacedScene:
    """The scene at the scale of the distances. scene: in a handy world."""
    good = solid[known.ends].all(1)
    ends, metres, doubt = known.ends[good], known.metres[good], known.metres_sd[good]
    surveyed = np.nonzero(solid[known.place_of])[0]
    if len(surveyed) >= 2:
        a, b = surveyed[0], surveyed[1]
        ends = np.concatenate([ends, [[known.place_of[a], known.place_of[b]]]])
        metres = np.append(metres, np.linalg.norm(known.places[a] - known.places[b]))
        doubt = np.append(doubt, np.hypot(known.place_sd[a], known.place_sd[b]))
        notices.append("The surveyed places are fewer than three or in a line: only their distance was used.")
    units = np.linalg.norm(scene.points[ends[:, 0]] - scene.points[ends[:, 1]], axis=1)
    if not len(units) or not (units > 0.0).all():
        return PlacedScene(scene, ARBITRARY, tuple(notices))
    weight = doubt**-2
    scale = float((weight * units * metres).sum() / (weight * units**2).sum())
    notices += _odd_distances(scale * units, metres, doubt)
    good = ~_odd(scale * units, metres, doubt)
    held = WorldPriors(distances=DistancePriors(ends[good], metres[good], doubt[good])) if good.any() else None
    return PlacedScene(
        moved(scene, scale, np.eye(3), np.zeros(3)), Gauge("none", "two-points", "metres"), tuple(notices), held
    )  # fmt: skip


def _odd_distances(solved: Floats, metres: Floats, doubt: Floats) -> list[str]:
    off, bad = np.abs(solved - metres), _odd(solved, metres, doubt)
    if not bad.any():
        return []
    worst = int(np.argmax(off / metres))
    return [
        f"{int(bad.sum())} of {len(metres)} known distances disagree: number {worst + 1} should be "
        f"{metres[worst]:.3g} m and is {solved[worst]:.3g} m in the solve."
    ]


def _odd(solved: Floats, metres: Floats, doubt: Floats) -> Flags:
    """Which distances are too far off."""
    return np.asarray(np.abs(solved - metres) > np.maximum(_MANY_SIGMAS * doubt, _LEAST_DOUBT * metres), bool)
