"""Does the focal length change? Asked of a scene that was solved with one focal length, without solving it again.

A score test (Rao, "Large sample tests of statistical hypotheses", 1948): the normal equations at the solved scene say
how much the cost would fall if the focal length could run over time as a chain of K straight pieces; everything else
answers freely, so what a dolly or a turn explains as well gains nothing. K = 0 is the constant lens. The chains
compete by the Bayesian information criterion, cost + K log(observations), with the cost spread over the points as in
`refine.choose_lens`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from .frames import Floats, Indices
from .lens_jacobians import FreeLens
from .normal_equations import Problem, gather, linearise, reduced_system
from .scene import Scene
from .tracks import Tracks

PIECES = (1, 2, 4, 8)
_DAMPING = 1e-9
_MOST_FRAMES = 240


@dataclass(frozen=True)
class ZoomEvidence:
    """The chain that the criterion likes best. pieces: 0 for a constant lens. gain: by how much it beats the constant
    lens (BIC). profile: expected change of log focal length [F], its mean 0."""

    pieces: int
    gain: float
    profile: Floats

    @property
    def ratio(self) -> float:
        """Longest over shortest focal length that it speaks of."""
        return float(np.exp(np.ptp(self.profile)))


def zoom_evidence(scene: Scene, tracks: Tracks, free: FreeLens, scale_px: float) -> ZoomEvidence:
    """What `tracks` (sigma calibrated) say about a scene that was adjusted with one focal length. free: what else of
    the lens was free."""
    none = ZoomEvidence(0, 0.0, np.zeros(len(scene.posed)))
    scene = thinned_out(scene, tracks)
    p = gather(scene, tracks)
    if len(p.frames) < 4 or not len(p.row):
        return none
    try:
        curvature, slope = _focals_alone(scene, p, free, scale_px)
    except np.linalg.LinAlgError:
        return none
    per_observation = len(p.points) / len(p.row)
    penalty = float(np.log(len(p.row)))
    still, _ = _fall(curvature, slope, np.ones((len(p.frames), 1)))
    best = none
    for pieces in PIECES:
        if pieces + 1 > len(p.frames) // 2:
            break
        chain = _chain(p.frames, pieces)
        fall, answer = _fall(curvature, slope, chain)
        gain = (fall - still) * per_observation - pieces * penalty
        if gain > best.gain:
            profile = np.interp(np.arange(len(scene.posed)), p.frames, chain @ answer)
            best = ZoomEvidence(pieces, gain, profile - profile.mean())
    return best


def thinned_out(scene: Scene, tracks: Tracks) -> Scene:
    """The scene of a long clip as every n-th of its frames has it, with the points that two of these see: one dense
    system of _MOST_FRAMES frames at most, whatever the length."""
    posed = np.nonzero(scene.posed)[0]
    if len(posed) <= _MOST_FRAMES:
        return scene
    chosen = np.zeros(len(scene.posed), bool)
    chosen[posed[np.linspace(0, len(posed) - 1, _MOST_FRAMES).astype(np.int64)]] = True
    seen = np.bincount(tracks.track[chosen[tracks.frame]], minlength=tracks.count)
    return replace(scene, posed=chosen, known=scene.known & (seen >= 2))


def focal_noise(scene: Scene, tracks: Tracks, free: FreeLens, scale_px: float) -> Floats:
    """Covariance [F, F] of the log focal lengths of the posed frames of a scene that was adjusted with a zoom. What
    they have in common may be held by nothing: take differences."""
    p = gather(scene, tracks)
    try:
        curvature, _ = _focals_alone(scene, p, free, scale_px)
        return np.asarray(np.linalg.pinv(curvature, rcond=1e-10, hermitian=True), np.float64)
    except np.linalg.LinAlgError:
        return np.zeros((len(p.frames), len(p.frames)))


def _focals_alone(scene: Scene, p: Problem, free: FreeLens, scale_px: float) -> tuple[Floats, Floats]:
    """Curvature [F, F] and slope [F] of the cost in the log focal lengths of the frames, after all else has answered.
    Raises LinAlgError."""
    system = linearise(scene.with_focals(scene.focals), p, replace(free, focal=True), scale_px)
    point = system.point.copy()
    diagonal = np.arange(3)
    point[:, diagonal, diagonal] += _DAMPING * point[:, diagonal, diagonal] + 1e-12
    half = np.linalg.inv(np.linalg.cholesky(point))
    matrix, right = reduced_system(p, system, half, _DAMPING)
    own = 7 * np.arange(len(p.frames)) + 6
    rest = np.setdiff1d(np.arange(len(right)), own)
    factor = linalg.cho_factor(matrix[np.ix_(rest, rest)], lower=True, overwrite_a=True, check_finite=False)
    across = matrix[np.ix_(rest, own)]
    answer = linalg.cho_solve(factor, np.column_stack([across, right[rest]]), check_finite=False)
    return matrix[np.ix_(own, own)] - across.T @ answer[:, :-1], right[own] - across.T @ answer[:, -1]


def _fall(curvature: Floats, slope: Floats, chain: Floats) -> tuple[float, Floats]:
    """By how much the cost falls, and the answer [K], when the log focal lengths may move along chain [F, K]."""
    inner, pull = chain.T @ curvature @ chain, chain.T @ slope
    answer = -np.asarray(np.linalg.lstsq(inner, pull, rcond=1e-12)[0], np.float64)
    return float(-pull @ answer), answer


def _chain(frames: Indices, pieces: int) -> Floats:
    """Hat functions [F, pieces + 1] at evenly spaced knots."""
    at = np.linspace(frames[0], frames[-1], pieces + 1)
    hats: Floats = np.stack([np.interp(frames, at, unit) for unit in np.eye(pieces + 1)], 1)
    return hats
