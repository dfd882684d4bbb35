"""Frames that share a camera centre, or the whole pose: what a tripod does to a shot, or to a part of it.

A nodal span has one camera centre, a locked span one pose, exactly: bundle adjustment has one set of parameters for
all its frames (`tied`), and what only one span sees has no depth: it is a direction, kept as a point on a sphere about
the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .frames import Flags, Floats, Indices
from .rotations import skew

FREE = -1


@dataclass(frozen=True)
class Spans:
    """centre int64 [F]: frames with the same number share a camera centre; FREE has its own. pose int64 [F]: likewise
    for the whole pose; frames that share a pose share the centre's number too. radius: of the sphere, world units."""

    centre: Indices
    pose: Indices
    radius: float = 1.0

    @property
    def kinds(self) -> list[str]:
        """full, nodal or locked for each frame."""
        return [
            "locked" if pose != FREE else "nodal" if centre != FREE else "full"
            for centre, pose in zip(self.centre.tolist(), self.pose.tolist(), strict=True)
        ]

    @property
    def groups(self) -> list[Indices]:
        """Frames of every shared centre."""
        return [np.nonzero(self.centre == group)[0] for group in np.unique(self.centre[self.centre != FREE])]

    @property
    def poses(self) -> list[Indices]:
        """Frames of every shared pose."""
        return [np.nonzero(self.pose == group)[0] for group in np.unique(self.pose[self.pose != FREE])]


def whole_clip(kind: str, frames: int) -> Spans:
    """A clip of one kind: nodal or locked."""
    one = np.zeros(frames, np.int64)
    return Spans(one, one.copy() if kind == "locked" else np.full(frames, FREE))


def settled(rotation: Floats, translation: Floats, posed: Flags, spans: Spans) -> tuple[Floats, Floats]:
    """Poses [F, 3, 3], [F, 3] that obey the spans exactly: the mean centre for all frames of a span, and the first
    frame's rotation where the pose is shared."""
    rotation, translation = rotation.copy(), translation.copy()
    for frames in spans.poses:
        mine = frames[posed[frames]]
        if len(mine):
            rotation[mine] = rotation[mine[0]]
    for frames in spans.groups:
        mine = frames[posed[frames]]
        if len(mine):
            centre = -np.einsum("fji,fj->fi", rotation[mine], translation[mine]).mean(0)
            translation[mine] = -rotation[mine] @ centre
    return rotation, translation


def tied(
    spans: Spans, frames: Indices, rotation: Floats, translation: Floats, width: int, free: Flags
) -> sparse.csc_matrix:  # fmt: skip
    """The sparse matrix [C, n] from independent parameters to those of bundle adjustment: for each of the frames
    (numbers [F], with rotation [F, 3, 3] and translation [F, 3]) a turn, a move of the translation, and whatever else
    makes its `width`; then the lens. Parameters that are not `free` [C] stay.

    t = -R c: when the frame turns by w and its centre moves by d, the translation moves by w x t - R d. When all
    frames share one centre, it is held: nothing says where it is.
    """
    centre, count = spans.centre[frames], len(frames)
    shared = np.nonzero(centre != FREE)[0]
    turns, moves = width * _owners(spans.pose[frames])[shared], width * _owners(centre)[shared] + 3
    alone = np.ones(len(free), bool)
    alone[(width * shared[:, None] + np.arange(6)).ravel()] = False
    eye = np.broadcast_to(np.eye(3), (len(shared), 3, 3))
    blocks = [(width * shared, turns, eye), (width * shared + 3, turns, -skew(translation[shared]))]
    if not (len(shared) == count and (centre == centre[0]).all()):
        blocks.append((width * shared + 3, moves, -rotation[shared]))
    own = np.nonzero(alone)[0]
    down = np.concatenate([own, *(_spread(rows, 1) for rows, _, _ in blocks)])
    across = np.concatenate([own, *(_spread(columns, 0) for _, columns, _ in blocks)])
    values = np.concatenate([np.ones(len(own)), *(block.ravel() for _, _, block in blocks)])
    values[~free[down]] = 0.0
    ties = sparse.coo_matrix((values, (down, across)), (len(free), len(free))).tocsc()
    ties.eliminate_zeros()
    return ties[:, np.diff(ties.indptr) > 0]


def _spread(first: Indices, axis: int) -> Indices:
    """Row (axis 1) or column (axis 0) numbers [9 N] of 3x3 blocks that begin at `first` [N]."""
    inner = np.repeat(np.arange(3), 3) if axis else np.tile(np.arange(3), 3)
    return np.asarray((first[:, None] + inner).ravel(), np.int64)


def _owners(groups: Indices) -> Indices:
    """The first member [F] of each one's group; itself where it has none."""
    alone = np.where(groups == FREE, -2 - np.arange(len(groups)), groups)
    _, first, which = np.unique(alone, return_index=True, return_inverse=True)
    return np.asarray(first[which], np.int64)


def only_in_one(spans: Spans, frame: Indices, starts: Indices, row: Indices) -> Flags:
    """bool [N]: the tracks all of whose observations (frame [M], sorted by track; starts [N], row [M]) lie in one
    span: they have a direction and no depth."""
    group = spans.centre[frame]
    first = group[starts]
    same = np.bincount(row, group != first[row], minlength=len(starts)) == 0
    found: Flags = same & (first != FREE)
    return found


def directions(rays: Floats, row: Indices, starts: Indices) -> Floats:
    """Unit directions [N, 3] in the middle of each track's world rays [M, 3], stray rays reweighted (Cauchy)."""
    weight = np.ones(len(rays))
    middle = np.zeros((len(starts), 3))
    for _ in range(4):
        middle = np.add.reduceat(rays * weight[:, None], starts, axis=0)
        middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-12)
        away = np.linalg.norm(rays - middle[row], axis=1)
        usual = np.bincount(row, away, minlength=len(starts)) / np.bincount(row, minlength=len(starts))
        weight = 1.0 / (1.0 + (away / np.maximum(usual, 1e-7)[row]) ** 2)
    return middle
