"""Finds points again that tracking lost: the loop closure of a video.

A track ends where something passes in front of it or at the picture's border; when the same corner is seen
again it becomes another point, and nothing holds the two ends of the camera's path together. Once poses are
known, every point can be looked for where it must be: its patch, warped as the two poses say, is aligned with
other frames that should see it (`patches.py`), and what is found extends its track.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .frames import Flags, Floats, FrameSource, Indices, read_frames, working_size
from .patches import Alignment, Anchors, PatchAligner, Singles, smoothed
from .scene import Scene
from .settings import Preset, longest_side, patch_radius
from .tracks import Tracks, build_tracks

_LEAST_LIKENESS = 0.85
_MOST_SHIFT_PX = 4.0
_MOST_REMEMBERED = 4000
_MOST_MISSES = 6
"""A point that was looked for in vain is left alone for one frame, then two, four, ...; after so many misses
for good."""
_MOST_ZOOM = 0.2
"""Most difference of log focal length: pictures of one place at other resolutions align, but not without bias."""

_MOST_BEND = 0.35
"""Most change of the predicted affine warp that the alignment may make (largest singular value of it)."""


@dataclass(frozen=True)
class _Memory:
    """Points that may come back: track number, frame of the patch, its centre there (working px), how often it
    was looked for in vain, the visit from which on it is looked for again, its anchor."""

    track: Indices
    frame: Indices
    centre: Floats
    misses: Indices
    rests: Indices
    anchors: Anchors

    def select(self, keep: Flags | Indices) -> _Memory:
        return _Memory(
            self.track[keep],
            self.frame[keep],
            self.centre[keep],
            self.misses[keep],
            self.rests[keep],
            self.anchors.select(keep),
        )

    def join(self, other: _Memory) -> _Memory:
        return _Memory(
            np.concatenate([self.track, other.track]),
            np.concatenate([self.frame, other.frame]),
            np.concatenate([self.centre, other.centre]),
            np.concatenate([self.misses, other.misses]),
            np.concatenate([self.rests, other.rests]),
            self.anchors.join(other.anchors),
        )


def reunite(
    source: FrameSource, scene: Scene, tracks: Tracks, preset: Preset, checkpoint: Callable[[], None]
) -> Tracks:
    """The tracks with what was found again: first forwards through the clip, then backwards."""
    size = working_size(source.width, source.height, longest_side(preset, source.width, source.height))
    scale = source.width / size[0], source.height / size[1]
    posed = np.nonzero(scene.posed)[0]
    chosen = posed[:: -(-len(posed) // preset.windows)].tolist()
    for order in (chosen, chosen[::-1]):
        finder = _Finder(scene, tracks, size, scale, patch_radius(preset, size))
        for frame in read_frames(source, order, size):
            checkpoint()
            finder.visit(frame.index, smoothed(frame.gray), frame.usable)
        tracks = finder.extended()
    return tracks


class _Finder:
    def __init__(
        self, scene: Scene, tracks: Tracks, size: tuple[int, int], scale: tuple[float, float], radius: int
    ) -> None:
        self._scene, self._tracks, self._size = scene, tracks, size
        self._scale = np.array(scale)
        self._aligner = PatchAligner(radius)
        nothing = np.zeros(0, np.int64)
        self._memory = _Memory(nothing, nothing, np.zeros((0, 2)), nothing, nothing, self._aligner.empty())
        self._visits = 0
        self._remembered = np.zeros(tracks.count, bool)
        self._found: list[tuple[Indices, int, Floats, Floats]] = []

    def visit(self, index: int, picture: Singles, usable: Flags | None) -> None:
        """Looks in frame `index` for remembered points it has no observation of, then remembers its own."""
        here = self._tracks.rows_of(index)
        seen, xy = self._tracks.track[here], self._tracks.xy[here]
        self._visits += 1
        self._look_for(seen, index, picture, usable)
        self._remember(index, seen, xy / self._scale - 0.5, picture)

    def extended(self) -> Tracks:
        """The tracks with the new observations."""
        old = self._tracks
        if not self._found:
            return old
        track = np.concatenate([old.track, *(f[0] for f in self._found)])
        frame = np.concatenate([old.frame, *(np.full(len(f[0]), f[1]) for f in self._found)])
        xy = np.concatenate([old.xy, *(f[2] for f in self._found)])
        sigma = np.concatenate([old.sigma, *(f[3] for f in self._found)])
        return replace(build_tracks(track, frame, xy, sigma, old.frames), count=old.count, care=old.care)

    def _look_for(self, seen: Indices, index: int, picture: Singles, usable: Flags | None) -> None:
        expected, affine, visible = self._predicted(self._memory, index)
        visible &= ~np.isin(self._memory.track, seen) & (self._memory.rests <= self._visits)
        if usable is not None:
            at = np.where(visible[:, None], np.rint(expected), 0).astype(int)
            visible &= usable[at[:, 1], at[:, 0]]
        if not visible.any():
            return
        wanted, expected, affine = self._memory.select(visible), expected[visible], affine[visible]
        found = self._aligner.align(wanted.anchors, picture, expected, affine, iterations=6)
        good = self._believable(found, expected, affine)
        xy = (found.centre[good] + 0.5) * self._scale
        self._found.append((wanted.track[good], index, xy, found.sigma[good] * self._scale.mean()))
        missed = np.nonzero(visible)[0][~good]
        self._memory.misses[missed] += 1
        self._memory.rests[missed] = self._visits + 2 ** self._memory.misses[missed]
        self._memory = self._memory.select(self._memory.misses < _MOST_MISSES)

    def _predicted(self, wanted: _Memory, index: int) -> tuple[Floats, Floats, Flags]:
        """Where the patches should be (working px), their affine warp, and which lie well inside the picture.
        A patch is taken to face the camera that it was seen by."""
        scene, track = self._scene, wanted.track
        depth = scene.camera_points(track, wanted.frame)[:, 2]
        away = np.full(len(track), index)
        centre = self._seen_from(wanted.centre, depth, wanted.frame, away)
        right = self._seen_from(wanted.centre + np.array([1.0, 0.0]), depth, wanted.frame, away)
        down = self._seen_from(wanted.centre + np.array([0.0, 1.0]), depth, wanted.frame, away)
        affine = np.stack([right - centre, down - centre], 2)
        ahead = scene.camera_points(track, away)
        exact = scene.project(np.where(ahead[:, 2:] > 1e-6, ahead, [0.0, 0.0, 1.0]), away) / self._scale - 0.5
        margin = self._aligner.radius + 1.0
        inside = (exact > margin).all(1) & (exact < np.array(self._size) - 1.0 - margin).all(1)
        stretch = np.linalg.svd(np.nan_to_num(affine), compute_uv=False)
        sane = (stretch[:, 0] < 2.0) & (stretch[:, 1] > 0.5)
        sane &= np.abs(np.log(scene.focals[wanted.frame] / scene.focals[index])) < _MOST_ZOOM
        return exact, affine, inside & sane & (ahead[:, 2] > 0) & (depth > 0)

    def _seen_from(self, pixel: Floats, depth: Floats, frame: Indices, other: Indices) -> Floats:
        """Pixels (working) at `depth` in `frame`, as `other` sees them."""
        scene = self._scene
        flat = scene.normalised((pixel + 0.5) * self._scale, frame)
        camera = np.concatenate([flat, np.ones((len(flat), 1))], 1) * depth[:, None]
        world = np.einsum("nji,nj->ni", scene.rotation[frame], camera - scene.translation[frame])
        there = np.einsum("nij,nj->ni", scene.rotation[other], world) + scene.translation[other]
        there[:, 2] = np.where(there[:, 2] > 1e-6, there[:, 2], 1e-6)
        pixels: Floats = scene.project(there, other) / self._scale - 0.5
        return pixels

    def _believable(self, found: Alignment, expected: Floats, affine: Floats) -> Flags:
        bend = np.linalg.solve(affine, found.affine) - np.eye(2)
        good = np.isfinite(found.centre).all(1) & (found.likeness > _LEAST_LIKENESS)
        good &= np.linalg.norm(np.nan_to_num(bend), 2, axis=(1, 2)) < _MOST_BEND
        good &= np.linalg.norm(found.centre - expected, axis=1) < _MOST_SHIFT_PX
        return good

    def _remember(self, index: int, seen: Indices, centre: Floats, picture: Singles) -> None:
        new = self._scene.known[seen] & ~self._remembered[seen]
        if self._tracks.care is not None:
            new &= ~self._tracks.care.by_hand[seen]  # the artist chose the frames, and not always a corner
        self._remembered[seen[new]] = True
        number = np.full(int(new.sum()), index)
        anchors = self._aligner.anchor(picture, centre[new])
        joined = self._memory.join(
            _Memory(seen[new], number, centre[new], np.zeros_like(number), np.zeros_like(number), anchors)
        )
        self._memory = joined if len(joined.track) <= _MOST_REMEMBERED else joined.select(_evenly(len(joined.track)))


def _evenly(count: int) -> Indices:
    """Every n-th of `count` entries, so that _MOST_REMEMBERED are left."""
    return np.unique(np.linspace(0, count - 1, _MOST_REMEMBERED).astype(np.int64))
