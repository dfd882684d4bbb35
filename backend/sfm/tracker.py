"""Follows corners through the clip.

Per frame: pyramidal Lucas-Kanade from the previous frame with a forward-backward check (Bouguet 2000;
Kalal et al. 2010), then every track is aligned with the patch of its first frame (`patches.py`), which takes
the drift out, and new corners are found where tracks are missing. When most tracks are lost at once, SIFT
matches look for the old view in the next frames and pick the tracks up there. Two frames and the remembered patches
are all that is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .bridge import SiftPicture, carried, describe, match
from .features import detect_corners
from .frames import Flags, Floats, Indices, Picture, WorkingFrame
from .optical_flow import follow_points, keep_apart
from .patches import Alignment, Anchors, PatchAligner, Singles, smoothed

_MOST_CORRECTION_PX = 2.0
_LEAST_LIKENESS = 0.8
_BLURRED_SHARE, _BLURRED_LIKENESS = 0.4, 0.4
"""A frame in which so many of the tracks that optical flow can follow no longer look alike is blurred: there
they only need to be this alike, and go where the flow says."""

_BLURRED_SIGMA_PX, _BLURRED_CORRECTION_PX = 1.0, 6.0
_REDETECT_SHARE = 0.85
_WEAK_SHARE, _BREAK_SHARE = 0.35, 0.15
"""Share of the tracks that must come through a step; below the first the view before is looked for by SIFT, below
the second the clip may have a cut."""

_LEAST_RESUMED = 15
_PATIENCE = 10
"""Frames in which a lost view is looked for."""


@dataclass(frozen=True)
class TrackerSettings:
    """features: tracks to keep alive in a frame. radius: of the patches, px of the working picture.
    scale_x, scale_y: plate px per working px."""

    features: int
    radius: int
    scale_x: float
    scale_y: float


@dataclass(frozen=True)
class StepReport:
    """What one frame did. asked: tracks there were; followed: those that came through; alive: tracks after new
    ones were started. broken: most tracks were lost here and no match with the frame before was found."""

    index: int
    asked: int
    followed: int
    alive: int
    broken: bool


@dataclass(frozen=True)
class Alive:
    """The tracks under way: number [N], centre [N, 2], affine [N, 2, 2] from the first frame's patch, blurred
    [N]: where the last frame was too blurred to align, anchors."""

    number: Indices
    centre: Floats
    affine: Floats
    blurred: Flags
    anchors: Anchors

    def select(self, keep: Flags) -> Alive:
        return Alive(
            self.number[keep], self.centre[keep], self.affine[keep], self.blurred[keep], self.anchors.select(keep)
        )

    def join(self, other: Alive) -> Alive:
        return Alive(
            np.concatenate([self.number, other.number]),
            np.concatenate([self.centre, other.centre]),
            np.concatenate([self.affine, other.affine]),
            np.concatenate([self.blurred, other.blurred]),
            self.anchors.join(other.anchors),
        )


@dataclass(frozen=True)
class _LostView:
    """The last frame before most tracks were lost: its picture, features and tracks. at: index of the first
    frame after. broken: nothing at all connects the two."""

    at: int
    broken: bool
    gray: Picture
    sift: SiftPicture
    alive: Alive


class Tracker:
    """Feed it the frames in order, then read `observations` and `breaks`."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._aligner = PatchAligner(settings.radius)
        self._alive = Alive(
            np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2, 2)), np.zeros(0, bool), self._aligner.empty()
        )  # fmt: skip
        self._previous: WorkingFrame | None = None
        self._lost: _LostView | None = None
        self._next_number = 0
        self.observations: list[tuple[Indices, int, Floats, Floats]] = []
        """(track numbers, frame index, pixels, sigma) by frame; px of the plate, edges at integers."""
        self.breaks: list[int] = []
        """Frame indices before which the view was lost and never found again."""

    def step(self, frame: WorkingFrame) -> StepReport:
        """Follows every track into `frame` and starts new ones there."""
        picture = smoothed(frame.gray)
        before, asked, broken = self._alive, len(self._alive.number), False
        if self._previous is not None and asked:
            self._alive = self._followed(self._previous.gray, before, frame, picture, None)
            if len(self._alive.number) < max(8, _WEAK_SHARE * asked):
                broken = self._bridge(self._previous, before, frame, picture)
        if self._lost is not None and self._lost.at != frame.index:
            self._find_lost(frame, picture)
        followed = len(self._alive.number)
        if followed < _REDETECT_SHARE * self._settings.features:
            self._start_new(frame, picture)
        self._previous = frame
        return StepReport(frame.index, asked, followed, len(self._alive.number), broken)

    def finish(self) -> None:
        """After the last frame: a view that is still lost will not come back."""
        self._give_up()

    def _followed(
        self, before: Picture, tracks: Alive, frame: WorkingFrame, picture: Singles, guess: Floats | None
    ) -> Alive:
        """The tracks of picture `before` that are found in `frame`, there noted as observations."""
        moved, found = follow_points(before, frame.gray, tracks.centre, guess)
        aligned = self._aligner.align(tracks.anchors, picture, moved, tracks.affine)
        sharp = found & self._plausible(aligned, moved, tracks.blurred)
        blurred: Flags = found & ~sharp & (aligned.likeness > _BLURRED_LIKENESS)
        if not found.any() or (aligned.likeness[found] < _LEAST_LIKENESS).mean() < _BLURRED_SHARE:
            blurred = np.zeros_like(found)
        centre = np.where(blurred[:, None], moved, aligned.centre)
        affine = np.where(blurred[:, None, None], tracks.affine, aligned.affine)
        sigma = np.where(blurred, _BLURRED_SIGMA_PX, aligned.sigma)
        keep: Flags = np.asarray((sharp | blurred) & self._inside(centre, frame), bool)
        kept = replace(tracks, centre=centre, affine=affine, blurred=blurred).select(keep)
        apart = keep_apart(kept.centre, self._settings.radius * 0.5)
        kept = kept.select(apart)
        self._note(frame.index, kept, sigma[keep][apart])
        return kept

    def _plausible(self, aligned: Alignment, moved: Floats, was_blurred: Flags) -> Flags:
        """Whether patches were found near where optical flow has them; flow through blur is less exact."""
        reach = np.where(was_blurred, _BLURRED_CORRECTION_PX, _MOST_CORRECTION_PX)
        keep: Flags = np.isfinite(aligned.centre).all(1) & (aligned.likeness > _LEAST_LIKENESS)
        keep &= np.linalg.norm(aligned.centre - moved, axis=1) < reach
        singular = np.linalg.svd(np.nan_to_num(aligned.affine), compute_uv=False)
        keep &= (singular[:, 0] < 2.5) & (singular[:, 1] > 0.4)
        return keep

    def _inside(self, centre: Floats, frame: WorkingFrame) -> Flags:
        """Whether positions are well inside the picture and usable."""
        size, margin = np.array(frame.gray.shape[::-1]), self._settings.radius * 0.5
        keep: Flags = np.asarray(np.isfinite(centre).all(axis=1), bool)
        keep &= ((centre > margin) & (centre < size - 1.0 - margin)).all(axis=1)
        if frame.usable is not None:
            where = np.where(keep[:, None], np.rint(centre), 0).astype(int)
            keep &= frame.usable[where[:, 1], where[:, 0]]
        return keep

    def _bridge(self, previous: WorkingFrame, before: Alive, frame: WorkingFrame, picture: Singles) -> bool:
        """Most tracks were lost: looks for the previous view by SIFT, and remembers it for the next frames when
        that did not bring most of them back. True when nothing connects the two frames."""
        sift = describe(previous.gray, previous.usable)
        few = len(self._alive.number) < max(8, _BREAK_SHARE * len(before.number))
        view = _LostView(frame.index, few, previous.gray, sift, before)
        resumed = self._resumed(view, frame, picture)
        broken = few and not resumed
        if self._lost is None and len(self._alive.number) < _WEAK_SHARE * len(before.number):
            self._lost = replace(view, broken=broken)
        return broken

    def _find_lost(self, frame: WorkingFrame, picture: Singles) -> None:
        assert self._lost is not None
        if self._resumed(self._lost, frame, picture):
            self._lost = None
        elif frame.index - self._lost.at >= _PATIENCE:
            self._give_up()

    def _give_up(self) -> None:
        if self._lost is not None and self._lost.broken:
            self.breaks.append(self._lost.at)
        self._lost = None

    def _resumed(self, view: _LostView, frame: WorkingFrame, picture: Singles) -> bool:
        a, b = match(view.sift, describe(frame.gray, frame.usable), 0.004 * max(frame.gray.shape))
        if not len(a):
            return False
        going = ~np.isin(view.alive.number, self._alive.number)
        waiting = view.alive.select(going)
        found = self._followed(view.gray, waiting, frame, picture, carried(waiting.centre, a, b))
        self._alive = self._alive.join(found)
        return len(found.number) >= _LEAST_RESUMED

    def _start_new(self, frame: WorkingFrame, picture: Singles) -> None:
        radius = self._settings.radius
        born = detect_corners(
            frame.gray,
            self._settings.features - len(self._alive.number),
            taken=self._alive.centre,
            usable=frame.usable,
            distance=radius,
            margin=radius + 1,
        )
        number = np.arange(self._next_number, self._next_number + len(born))
        self._next_number += len(born)
        straight = np.broadcast_to(np.eye(2), (len(born), 2, 2))
        new = Alive(number, born, straight, np.zeros(len(born), bool), self._aligner.anchor(picture, born))
        self._note(frame.index, new, np.full(len(born), 0.05))
        self._alive = self._alive.join(new)

    def _note(self, index: int, tracks: Alive, sigma: Floats) -> None:
        scale = np.array([self._settings.scale_x, self._settings.scale_y])
        self.observations.append((tracks.number, index, (tracks.centre + 0.5) * scale, sigma * scale.mean()))
