"""The state of a body over time, where its joints are, and how they answer to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backend.sfm.rotations import exponential, orthonormal, skew

from .skeleton import Floats, Skeleton

SIZE, MEASURE = -2, -1
"""Where they are among the shared numbers."""


@dataclass(frozen=True)
class Body:
    """root [T,3]: the pelvis, world m. turns [T,S,3,3]: world-from-body orientation of each segment. rest [J,3]: joints
    from their parents, m, both sides alike. size: of the whole over the skeleton's. measure: metres that the
    detector's metre is."""

    skeleton: Skeleton
    root: Floats
    turns: Floats
    rest: Floats
    size: float
    measure: float = 1.0

    @property
    def frames(self) -> int:
        return len(self.root)

    @property
    def per_frame(self) -> int:
        """Numbers of a frame: root, and a rotation vector for each segment, world axes."""
        return 3 + 3 * len(self.skeleton.segments)

    @property
    def shared(self) -> int:
        """Numbers that all frames share: the rest of the joints of the middle and of the left side, the size, the
        measure."""
        return 3 * len(free_rest(self.skeleton)) + 2

    def bones(self) -> Floats:
        """[T,J,3] from parent to joint, world; 0 for the root."""
        skeleton = self.skeleton
        found = np.zeros((self.frames, len(skeleton), 3))
        hangs = np.nonzero(skeleton.parents >= 0)[0]
        turns = self.turns[:, skeleton.segment_of[skeleton.parents[hangs]]]
        found[:, hangs] = np.einsum("tjab,jb->tja", turns, self.rest[hangs])
        return found

    def joints(self) -> Floats:
        """[T,J,3] world m."""
        found = self.bones()
        found[:, 0] = self.root
        for joint, parent in enumerate(self.skeleton.parents):
            if parent >= 0:
                found[:, joint] += found[:, parent]
        return found

    def slopes(self) -> tuple[Floats, Floats]:
        """Of the joints: [T,J,3,P] by a frame's numbers, and [T,J,3,G] by the shared ones."""
        skeleton, bones = self.skeleton, self.bones()
        frames, joints = self.frames, len(skeleton)
        own = np.zeros((frames, joints, 3, self.per_frame))
        own[..., :3] = np.eye(3)
        shared = np.zeros((frames, joints, 3, self.shared))
        place = {joint: i for i, joint in enumerate(free_rest(skeleton))}
        across = -skew(bones)
        for joint in range(1, joints):
            parent = int(skeleton.parents[joint])
            segment = int(skeleton.segment_of[parent])
            own[:, joint, :, 3:] = own[:, parent, :, 3:]
            own[:, joint, :, 3 + 3 * segment : 6 + 3 * segment] += across[:, joint]
            shared[:, joint] = shared[:, parent]
            at = 3 * place[int(skeleton.twin[joint])]
            shared[:, joint, :, at : at + 3] += self.turns[:, segment] * skeleton.mirrored[joint]
        return own, shared

    def shared_numbers(self) -> Floats:
        """[G]"""
        return np.append(self.rest[free_rest(self.skeleton)].ravel(), [self.size, self.measure])

    def with_shared(self, numbers: Floats) -> Body:
        """[G]"""
        return self.moved(np.zeros((self.frames, self.per_frame)), numbers - self.shared_numbers())

    def part(self, start: int, stop: int) -> Body:
        """Frames start..stop - 1."""
        return replace(self, root=self.root[start:stop], turns=self.turns[start:stop])

    def scaled(self, factor: float) -> Body:
        """In a world `factor` times as large."""
        return replace(self, root=self.root * factor, rest=self.rest * factor)

    def moved(self, step: Floats, shared: Floats) -> Body:
        """After steps [T,P] and [G]."""
        turn = exponential(step[:, 3:].reshape(-1, 3)).reshape(self.turns.shape)
        turns = orthonormal(turn @ self.turns)
        free = free_rest(self.skeleton)
        half = np.zeros_like(self.rest)
        half[free] = shared[:SIZE].reshape(-1, 3)
        whole = half[self.skeleton.twin] * self.skeleton.mirrored
        return replace(
            self, root=self.root + step[:, :3], turns=turns, rest=self.rest + whole,
            size=self.size + float(shared[SIZE]), measure=self.measure + float(shared[MEASURE]),
        )  # fmt: skip


def free_rest(skeleton: Skeleton) -> list[int]:
    """Joints whose rest is free: all but the root and the right side."""
    return [j for j in range(1, len(skeleton)) if skeleton.twin[j] == j]
