"""Where in a clip that travels the camera stands still or turns on the spot.

Candidates: runs of frames whose solved centres stay together while the camera goes far elsewhere. Verdict: the bundle
adjustment cost that a shared centre would add, against the parameters it saves (Bayesian information criterion). The
cost comes from the normal equations at the solved scene (a Wald test: everything else, points too, answers freely), so
that nothing needs to be solved again. Where the span ends is the matter of span_borders.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .bundle import BundleSettings
from .frames import Flags, Floats, Indices
from .lens_jacobians import FreeLens
from .normal_equations import gather, linearise, reduced_system
from .scene import Scene
from .spans import FREE, Spans, tied
from .tracks import Tracks

LEAST_FRAMES = 8
"""Of a span: a third of a second. Shorter stops are nothing that an artist would call a tripod."""

_AGAINST = 50.0
"""In the time of the shortest span the camera must elsewhere go so many times farther than it strays within a span: a
slow or a swaying camera is none that stops."""

_ENDS = 5.0
"""Median distances from the middle by which an end of a candidate may be off."""

_NEIGHBOURS = 10
"""Frames on both sides of a candidate that hold what it sees: without them a common centre would cost nothing, because
the whole scene may shrink to a point."""

Run = tuple[int, int]


@dataclass(frozen=True)
class SpanVerdict:
    """first, last: frame indices. cost: that a shared centre adds, sigmas squared. saved: what its fewer parameters
    save. The centre is shared where cost < saved."""

    first: int
    last: int
    cost: float
    saved: float

    @property
    def holds(self) -> bool:
        return self.cost < self.saved


def candidate_runs(scene: Scene) -> list[Run]:
    """Runs of posed frames whose centres stay together, the longest first, without overlap."""
    posed = np.nonzero(scene.posed)[0]
    if len(posed) < 2 * LEAST_FRAMES:
        return []
    centres = scene.centres[posed]
    gone = np.linalg.norm(centres[LEAST_FRAMES:] - centres[:-LEAST_FRAMES], axis=1)
    slack = float(np.quantile(gone, 0.95)) / _AGAINST
    runs = [_trimmed(centres, run) for run in _together(centres, slack)]
    return [(int(posed[a]), int(posed[b])) for a, b in runs if b - a + 1 >= LEAST_FRAMES]


def _trimmed(centres: Floats, run: Run) -> Run:
    """The run without ends that lie farther out than the others' scatter: a camera stops softly."""
    first, last = run
    while last - first + 1 > LEAST_FRAMES:
        mine = centres[first : last + 1]
        away = np.linalg.norm(mine - np.median(mine, axis=0), axis=1)
        usual = _ENDS * float(np.median(away))
        if max(away[0], away[-1]) <= usual:
            break
        first, last = (first + 1, last) if away[0] > away[-1] else (first, last - 1)
    return first, last


def _together(centres: Floats, slack: float) -> list[Run]:
    """Runs within which centres [N, 3] stray, root mean square, by less than `slack`."""
    count = len(centres)
    shifted = centres - centres.mean(0)
    first = np.concatenate([np.zeros((1, 3)), np.cumsum(shifted, axis=0)])
    second = np.r_[0.0, np.cumsum((shifted**2).sum(1))]
    reach = np.zeros(count, np.int64)
    for begin in range(count - LEAST_FRAMES + 1):
        ends = np.arange(begin + LEAST_FRAMES, count + 1)
        number = ends - begin
        strayed = (second[ends] - second[begin]) / number - ((first[ends] - first[begin]) ** 2).sum(1) / number**2
        good = np.nonzero(np.sqrt(np.maximum(strayed, 0.0)) < slack)[0]
        reach[begin] = number[good[-1]] if len(good) else 0
    return _longest_apart(reach)


def _longest_apart(reach: Indices) -> list[Run]:
    """Of runs that begin at each index and are `reach` long: the longest, and those beside it."""
    free = np.ones(len(reach), bool)
    runs: list[Run] = []
    for begin in np.argsort(-reach, kind="stable").tolist():
        end = begin + int(reach[begin])
        if reach[begin] < LEAST_FRAMES or not free[begin:end].all():
            continue
        free[begin:end] = False
        runs.append((begin, end - 1))
    return runs


def judged(scene: Scene, tracks: Tracks, run: Run) -> SpanVerdict:
    """What a shared centre of the frames `run` would cost. tracks: sigma calibrated."""
    first, last = run
    low, high = max(0, first - _NEIGHBOURS), min(tracks.frames - 1, last + _NEIGHBOURS)
    near = tracks.select((tracks.frame >= low) & (tracks.frame <= high))
    problem = gather(scene, near)
    frames = problem.frames
    inside = (frames >= first) & (frames <= last)
    observed = int(inside[problem.col].sum())
    saved = 3.0 * (int(inside.sum()) - 1) * float(np.log(max(observed, 2)))
    if inside.sum() < 2:
        return SpanVerdict(first, last, 0.0, saved)
    system = linearise(scene, problem, FreeLens(focal=False), BundleSettings().scale_px)
    diagonal = np.arange(3)
    system.point[:, diagonal, diagonal] += 1e-9 * np.trace(system.point, axis1=1, axis2=2)[:, None] + 1e-12
    try:
        half = np.linalg.inv(np.linalg.cholesky(system.point))
        matrix, _ = reduced_system(problem, system, half, 1e-9)
        cost = _tie_cost(scene, frames, inside, matrix, system.width)
    except np.linalg.LinAlgError:
        cost = float("inf")
    return SpanVerdict(first, last, cost, saved)


def _tie_cost(scene: Scene, frames: Indices, inside: Flags, matrix: Floats, width: int) -> float:
    """The least cost of a step that brings the centres of the frames `inside` together."""
    centres = scene.centres[frames]
    rotation = scene.rotation[frames]
    step = np.zeros((len(frames), width))
    middle = centres[inside].mean(0)
    step[inside, 3:6] = -np.einsum("fij,fj->fi", rotation[inside], middle - centres[inside])
    group = np.full(len(scene.posed), FREE)
    group[frames[inside]] = 0
    spans = Spans(group, np.full(len(group), FREE))
    free = np.concatenate([np.repeat(inside, width), np.ones(len(matrix) - step.size, bool)])
    ties = tied(spans, frames, rotation, scene.translation[frames], width, free)
    taken = np.concatenate([step.ravel(), np.zeros(len(matrix) - step.size)])
    pull = ties.T @ (matrix @ taken)
    inner = np.asarray(ties.T @ (ties.T @ matrix).T)
    inner[np.diag_indices(len(inner))] *= 1.0 + 1e-9
    answer = linalg.cho_solve(linalg.cho_factor(inner, lower=True), pull)
    return float(taken @ matrix @ taken - pull @ answer)
