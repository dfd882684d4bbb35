"""A clip whose kind of motion changes: a dolly that stops and pans, a tripod that is picked up.

Such a clip is solved as a moving one first. Then the spans in which the camera stands are looked for (span_search.py,
still_frames.py), the scene is built again with one centre or pose for each, and frames that look away from all
points take their rotation from their neighbours (span_borders.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .frames import Flags, Floats, Indices
from .job import Job
from .mapper import grow, settle
from .outliers import calibrated, errors_px
from .scene import Scene
from .span_borders import grown
from .span_search import LEAST_FRAMES, Run, SpanVerdict, candidate_runs, judged
from .spans import FREE, Spans, settled
from .still_frames import still_runs
from .tracks import Tracks
from .triangulation import triangulate
from .turning import LEAST_RAYS

_ROUNDS = 3
_LEAST_LOST = 4
"""Frames in a row without a pose that are taken for a turn away from everything known."""

_FLOOR_PX = 0.1
_LEAST_NOISE = 0.15
"""Of the noise that is expected of a track: below that two frames differ by more than noise (blur, light)."""

_TRIMS = (0, 1, 2, 4)


@dataclass(frozen=True)
class Mixed:
    """scene: with spans. verdicts: on those that were judged by their cost."""

    scene: Scene
    verdicts: tuple[SpanVerdict, ...]

    def facts(self, numbers: Sequence[int]) -> dict[str, object]:
        """The spans and what they rest on, for the result. numbers: of the plate's frames."""
        assert self.scene.spans is not None
        kinds = self.scene.spans.kinds
        spans = [
            {
                "first": numbers[int(group[0])],
                "last": numbers[int(group[-1])],
                "kinds": sorted({kinds[i] for i in group}),
            }
            for group in self.scene.spans.groups
        ]
        judged_by = [
            {"first": numbers[v.first], "last": numbers[v.last], "cost": round(v.cost), "saved": round(v.saved)}
            for v in self.verdicts
        ]
        return {"spans": spans, "span_criterion": "BIC", "span_verdicts": judged_by}


def with_spans(job: Job, scene: Scene, tracks: Tracks) -> Mixed | None:
    """The scene with its spans, if there are any. scene: solved as one that travels, its lens known."""
    still = still_runs(tracks, job.mapper.noise_px)
    mixed: Mixed | None = None
    for _ in range(_ROUNDS):
        before = scene.posed.copy()
        found = _one_round(job, scene, tracks, still)
        if found is None and mixed is None:
            return None
        mixed = _together(mixed, found)
        scene = _more_frames(job, mixed.scene, tracks)
        mixed = replace(mixed, scene=scene)
        if (scene.posed == before).all():
            break
        scene = replace(scene, spans=None, distant=None, known=scene.known & ~scene.far)
    return mixed


def _together(earlier: Mixed | None, later: Mixed | None) -> Mixed:
    """The later scene; of verdicts on the same frames the first, given before the span was made to hold."""
    if earlier is None or later is None:
        found = later or earlier
        assert found is not None
        return found
    told = earlier.verdicts
    fresh = [v for v in later.verdicts if not any(v.first <= t.last and t.first <= v.last for t in told)]
    return Mixed(later.scene, (*told, *fresh))


def _one_round(job: Job, scene: Scene, tracks: Tracks, still: list[Run]) -> Mixed | None:
    measured = calibrated(tracks, errors_px(scene, tracks), _FLOOR_PX * job.px)
    noise = max(float(np.median(measured.sigma)), _LEAST_NOISE * job.mapper.noise_px)
    verdicts = [verdict for run in candidate_runs(scene) if (verdict := _best_cut(scene, measured, run)).holds]
    seeds = [(v.first, v.last) for v in sorted(verdicts, key=lambda v: v.cost - v.saved)] + _lost_runs(scene)
    if not seeds and not still:
        return None
    chosen: list[Run] = []
    lost = np.zeros(tracks.frames, bool)
    for seed in seeds:
        if any(a <= seed[1] and seed[0] <= b for a, b in chosen):
            continue
        run, turns, turned = grown(scene, tracks, seed, noise, job.steps, within=_room(seed, chosen, tracks.frames))
        if run[1] - run[0] + 1 >= LEAST_FRAMES:
            chosen.append(run)
            scene = _anchored(scene, seed, run, turns)
            lost[run[0] : run[1] + 1] = ~turned[run[0] : run[1] + 1]
    if not chosen and not still:
        return None
    scene = _rebuilt(job, scene, tracks, _grouped(chosen, still, lost))
    return Mixed(scene, tuple(verdicts))


def _anchored(scene: Scene, seed: Run, run: Run, turns: Floats) -> Scene:
    """The scene in which the frames that joined a span are turned onto it and have no place but the span's: what was
    solved of them may hang on few points."""
    joined = np.r_[run[0] : seed[0], seed[1] + 1 : run[1] + 1].astype(np.int64)
    joined = np.concatenate([joined, np.nonzero(~scene.posed[seed[0] : seed[1] + 1])[0] + seed[0]])
    rotation, posed = scene.rotation.copy(), scene.posed.copy()
    rotation[joined], posed[joined] = turns[joined], False
    return replace(scene, rotation=rotation, posed=posed)


def _best_cut(scene: Scene, tracks: Tracks, run: Run) -> SpanVerdict:
    """The verdict on a run, its ends cut where it does not hold as it is: a camera stops softly."""
    for trim in _TRIMS:
        first, last = run[0] + trim, run[1] - trim
        if last - first + 1 < LEAST_FRAMES:
            break
        verdict = judged(scene, tracks, (first, last))
        if verdict.holds:
            return verdict
    return SpanVerdict(*run, float("inf"), 0.0)


def _lost_runs(scene: Scene) -> list[Run]:
    """The posed frame beside every long run of frames without a pose."""
    found, lost = [], np.nonzero(~scene.posed)[0]
    for part in np.split(lost, np.nonzero(np.diff(lost) > 1)[0] + 1):
        if len(part) < _LEAST_LOST:
            continue
        for beside in (int(part[0]) - 1, int(part[-1]) + 1):
            if 0 <= beside < len(scene.posed) and scene.posed[beside]:
                found.append((beside, beside))
    return found


def _room(run: Run, others: list[Run], frames: int) -> Run:
    """How far a run may grow: up to the others that were chosen already."""
    low = max((b + 1 for a, b in others if b < run[0]), default=0)
    high = min((a - 1 for a, b in others if a > run[1]), default=frames - 1)
    return low, high


def _grouped(runs: list[Run], still: list[Run], lost: Flags) -> Spans:
    """One group for every run; parts that stand still share a pose, and the centre of a run that they touch. lost [F]:
    frames that belong to none."""
    centre, pose = np.full(len(lost), FREE), np.full(len(lost), FREE)
    for number, (first, last) in enumerate(runs):
        centre[first : last + 1] = number
    for number, (first, last) in enumerate(still):
        mine = slice(first, last + 1)
        touched = np.unique(centre[mine][centre[mine] != FREE])
        own = int(touched[0]) if len(touched) else len(runs) + number
        centre[np.isin(centre, touched)] = own
        centre[mine], pose[mine] = own, number
    centre[lost], pose[lost] = FREE, FREE
    return Spans(centre, pose)


def _rebuilt(job: Job, scene: Scene, tracks: Tracks, spans: Spans) -> Scene:
    """The scene with the spans, all points placed again: a camera that turns gives none a depth."""
    noise = job.mapper.noise_px
    scene = _placed(scene, spans, tracks.per_frame() >= LEAST_RAYS)
    depth = _median_depth(scene, tracks)
    scene = replace(scene, spans=replace(spans, radius=depth), known=np.zeros(tracks.count, bool))
    everything = np.ones(tracks.count, bool)
    scene = triangulate(scene, tracks, wanted=everything, least_angle_deg=1.0, most_error_px=8.0 * noise)
    return settle(scene, tracks, job.mapper, job.steps, iterations=15)


def _placed(scene: Scene, spans: Spans, seen: Flags) -> Scene:
    """Poses for all frames of the spans: their centre is the median of what is solved."""
    rotation, translation, posed = scene.rotation.copy(), scene.translation.copy(), scene.posed.copy()
    for frames in spans.poses:
        if scene.posed[frames].any():
            rotation[frames] = scene.rotation[frames[scene.posed[frames]][0]]
    for frames in spans.groups:
        solved = frames[scene.posed[frames]]
        if len(solved):
            centre = np.median(scene.centres[solved], axis=0)
            translation[frames] = -rotation[frames] @ centre
            posed[frames] = seen[frames]
    rotation, translation = settled(rotation, translation, posed, spans)
    return replace(scene, rotation=rotation, translation=translation, posed=posed)


def _median_depth(scene: Scene, tracks: Tracks) -> float:
    use = scene.known[tracks.track] & scene.posed[tracks.frame]
    depth: Floats = scene.camera_points(tracks.track[use], tracks.frame[use])[:, 2]
    return float(np.median(depth[depth > 0])) if (depth > 0).any() else 1.0


def _more_frames(job: Job, scene: Scene, tracks: Tracks) -> Scene:
    """Frames that travel and had no pose may see points now."""
    assert scene.spans is not None
    waiting: Indices = np.nonzero(~scene.posed & (scene.spans.centre == FREE))[0]
    return grow(scene, tracks, waiting.tolist(), job.mapper, job.steps) if len(waiting) else scene
