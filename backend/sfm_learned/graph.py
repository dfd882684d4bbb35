"""Matches of many pairs, joined to tracks.

Keypoints are the nodes of a graph and matches its edges; a track is a connected part in which no frame occurs twice.
Where a wrong match joins two tracks, the part has several keypoints of one frame: there edges are taken anew, the
surest first, and those that would put two keypoints of a frame together are left out (the consistent union-find of
bundle-adjustment pipelines such as Theia's and OpenMVG's track builders: Moulon & Monasse, CVMP 2012).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from backend.sfm.frames import Flags, Floats, Indices
from backend.sfm.tracks import Tracks, build_tracks

_LEAST_FRAMES = 3


@dataclass
class _Keypoints:
    """Keypoints of one frame [N, 2], and the number of each in the graph [N]."""

    xy: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    node: Indices = field(default_factory=lambda: np.zeros(0, np.int64))


class MatchGraph:
    """Grows by `add`, one pair at a time. Memory: 32 bytes a keypoint and 24 a match. merge_px: keypoints of a frame
    that are this near are one: matchers without a detector find the same spot anew, a little off, in each pair."""

    def __init__(self, frames: int, merge_px: float) -> None:
        self._merge_px = merge_px
        self._frames = [_Keypoints() for _ in range(frames)]
        self._count = 0
        self._edges: list[tuple[Indices, Indices, Floats]] = []
        self.links = np.zeros(max(frames, 1), np.int64)
        """Matches that reach across each boundary: links[i] between the frames before i and those from i on."""

    def add(self, first: int, second: int, a: Floats, b: Floats, score: Floats) -> None:
        """Matches a [K, 2] in frame `first`, b [K, 2] in frame `second`, with their score [K]."""
        if not len(a):
            return
        self._edges.append((self._nodes(first, a), self._nodes(second, b), score))
        low, high = min(first, second), max(first, second)
        self.links[low + 1 : high + 1] += len(a)

    def _nodes(self, frame: int, xy: Floats) -> Indices:
        """Numbers [K] of the keypoints at xy: known ones where there are any, else new ones."""
        known = self._frames[frame]
        nodes = np.full(len(xy), -1, np.int64)
        if len(known.xy):
            distance, nearest = cKDTree(known.xy).query(xy, distance_upper_bound=self._merge_px)
            near = np.isfinite(distance)
            nodes[near] = known.node[nearest[near]]
        new = np.nonzero(nodes < 0)[0]
        if len(new):
            nodes[new] = self._count + np.arange(len(new))
            self._count += len(new)
            known.xy = np.concatenate([known.xy, xy[new]])
            known.node = np.concatenate([known.node, nodes[new]])
        return nodes

    def tracks(self, sigma_px: float) -> Tracks:
        """Tracks of at least three frames."""
        frame, xy = np.zeros(self._count, np.int64), np.zeros((self._count, 2))
        for index, known in enumerate(self._frames):
            frame[known.node], xy[known.node] = index, known.xy
        label = self._labels(frame)
        tracks = build_tracks(label, frame, xy, np.full(self._count, sigma_px), len(self._frames))
        return tracks.longer_than(_LEAST_FRAMES)

    def _labels(self, frame: Indices) -> Indices:
        """The track number [N] of every keypoint."""
        if not self._edges:
            return np.arange(self._count, dtype=np.int64)
        a, b, score = (np.concatenate(part) for part in zip(*self._edges, strict=True))
        links = coo_matrix((np.ones(len(a), np.int8), (a, b)), (self._count, self._count))
        label = connected_components(links, directed=False)[1].astype(np.int64)
        torn = _with_a_frame_twice(label, frame)
        inside = torn[label[a]]
        again = _consistent(a[inside], b[inside], score[inside], frame, torn[label])
        return np.where(again >= 0, self._count + again, label)


def _with_a_frame_twice(label: Indices, frame: Indices) -> Flags:
    """Which parts [L] have several keypoints of one frame."""
    order = np.lexsort((frame, label))
    twice = (np.diff(label[order]) == 0) & (np.diff(frame[order]) == 0)
    torn = np.zeros(int(label.max(initial=-1)) + 1, bool)
    torn[label[order][1:][twice]] = True
    return torn


def _consistent(a: Indices, b: Indices, score: Floats, frame: Indices, wanted: Flags) -> Indices:
    """Number of a part [N] for every keypoint `wanted` [N], -1 for the others: edges (a, b) in the order of their
    score, as long as no frame comes twice into a part."""
    nodes = np.nonzero(wanted)[0].tolist()
    parent = {node: node for node in nodes}
    seen = {node: {int(frame[node])} for node in nodes}

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    order = np.argsort(-score, kind="stable")
    for i, j in zip(a[order].tolist(), b[order].tolist(), strict=True):
        one, other = root(i), root(j)
        if one == other or not seen[one].isdisjoint(seen[other]):
            continue
        if len(seen[one]) < len(seen[other]):
            one, other = other, one
        parent[other] = one
        seen[one] |= seen.pop(other)
    label = np.full(len(wanted), -1, np.int64)
    label[nodes] = [root(node) for node in nodes]
    return label


def thinned(tracks: Tracks, size: tuple[int, int], features: int) -> Tracks:
    """About `features` tracks in each frame: in every cell of the picture the longest. size: (w, h) px. A track stays
    when any frame chooses it."""
    columns = max(1, round((features / 3.0 * size[0] / size[1]) ** 0.5))
    rows = max(1, round(features / 3.0 / columns))
    each = max(1, -(-features // (columns * rows)))
    cell = (tracks.xy / [size[0] / columns, size[1] / rows]).astype(np.int64)
    cell = np.clip(cell, 0, [columns - 1, rows - 1])
    group = (tracks.frame * rows + cell[:, 1]) * columns + cell[:, 0]
    order = np.lexsort((tracks.track, -tracks.lengths()[tracks.track], group))
    starts = np.r_[True, np.diff(group[order]) != 0] if len(order) else np.zeros(0, bool)
    place = np.arange(len(order))
    rank = place - np.maximum.accumulate(np.where(starts, place, 0))
    chosen = np.zeros(tracks.count, bool)
    chosen[tracks.track[order][rank < each]] = True
    return tracks.select(chosen[tracks.track]).renumbered()
