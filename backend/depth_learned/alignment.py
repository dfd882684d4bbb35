"""From what single frames say to the parameters of every frame of the clip, and in which unit its depth then is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.frame_ranges import frame_ranges
from shared.errors import SolveError

from .fits import Fit
from .links import transition
from .maps import METRIC
from .measure import FrameFacts
from .scale import ScaleProposal, propose_scale
from .smoothing import Observed, Smoothed, Step, smooth

WORLD, METRES, ARBITRARY = "world", "metres", "arbitrary"

OWN, BETWEEN, NEIGHBOURS, FREE = "own", "between", "neighbours", "free"
"""Where a frame's parameters come from: its own points; the frames around, because only every so many-th was asked, or
because it sees too few points; from nowhere but the network."""

_PRIOR = 0.1
"""Relative standard deviation of a single map's own scale, of a shift in median inverse depths half of it."""


@dataclass(frozen=True)
class Alignment:
    """smoothed: parameters of every frame. origin [T]: where they come from. unit: of the depth: "world", or, of a clip
    without a solved point, the network's "metres" or "arbitrary" (the median is about 1). notices: sentences for
    people. proposal: scale of the world. fov_deg: the network's guess, median over the frames. spread: median relative
    standard deviation of points about the maps; None without points."""

    smoothed: Smoothed
    origin: tuple[str, ...]
    unit: str
    notices: tuple[str, ...]
    proposal: ScaleProposal | None
    fov_deg: float | None
    spread: float | None


def align(kind: str, name: str, numbers: Sequence[int], facts: Sequence[FrameFacts]) -> Alignment:
    """The parameters of a clip from the facts of its frames. Raises `SolveError` when the frames see solved points and
    the network contradicts them in all: its depth would not be the world's."""
    fits = [one.fit for one in facts]
    compared = sum(one.compared and one.asked for one in facts)
    if compared and not any(fits):
        raise SolveError(
            f"The depth of {name} agrees with the solved points in none of the {compared} frames that see enough.",
            "Choose another model, or engine mvs.",
        )
    free = not any(fits)
    observed = _without_points(kind, facts) if free else [None if f is None else _observed(f) for f in fits]
    smoothed = smooth(observed, _steps(kind, facts, observed, free))
    origin = tuple(_origin(one, free) for one in facts)
    angles = [one.fov_deg for one in facts if one.fov_deg is not None]
    spreads = [one.spread for one in fits if one is not None]
    pairs = [one.metres for one in facts if one.metres is not None]
    return Alignment(
        smoothed,
        origin,
        (METRES if kind == METRIC else ARBITRARY) if free else WORLD,
        tuple(_sentences(name, kind, numbers, origin)),
        propose_scale(pairs),
        float(np.median(angles)) if angles else None,
        float(np.median(spreads)) if spreads else None,
    )


def _observed(fit: Fit) -> Observed:
    return Observed(fit.value, fit.covariance)


def _origin(facts: FrameFacts, free: bool) -> str:
    if free:
        return FREE
    if facts.fit is not None:
        return OWN
    return NEIGHBOURS if facts.asked else BETWEEN


def _without_points(kind: str, facts: Sequence[FrameFacts]) -> list[Observed | None]:
    """Every map as the network gives it, right to a tenth: links between the frames then take the flicker out and the
    mean of all keeps them from drifting. Relative maps are brought to a median depth of about 1."""
    if kind == METRIC:
        return [Observed(np.zeros(1), np.diag([_PRIOR**2]))] * len(facts)
    middle = float(np.median([one.middle for one in facts]))
    scale = 1.0 / middle if middle > 0 else 1.0
    spread = np.diag([(_PRIOR * scale) ** 2, (0.5 * _PRIOR) ** 2])
    return [Observed(np.array([scale, 0.0]), spread)] * len(facts)


def _steps(kind: str, facts: Sequence[FrameFacts], observed: Sequence[Observed | None], free: bool) -> list[Step]:
    """Frames that have points of their own need no link: it would add what the camera's travel did to the depth."""
    typical = float(np.median([one.value[0] for one in observed if one is not None]))
    steps = [Step()]
    for index in range(1, len(facts)):
        linked = facts[index].link
        if linked is None or linked.cut:
            steps.append(Step(cut=True))
        elif linked.fit is None or not (free or observed[index] is None or observed[index - 1] is None):
            steps.append(Step())
        else:
            steps.append(Step(*transition(kind, linked.fit, typical), whole=free))
    return steps


def _sentences(name: str, kind: str, numbers: Sequence[int], origin: Sequence[str]) -> list[str]:
    if FREE in origin:
        unit = "is in the network's metres" if kind == METRIC else "has no unit, and its shift is the network's"
        return [f"No solved point says how deep the shot is: the depth of {name} {unit}."]
    few = [number for number, one in zip(numbers, origin, strict=True) if one == NEIGHBOURS]
    if not few:
        return []
    named = frame_ranges(few)
    return [f"Frames {named} see too few solved points that {name} agrees with: the frames around give their scale."]
