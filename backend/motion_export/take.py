"""A motion as animation programs have it: at rest every joint's axes are the world's, and every frame has a pose.

`motion.npz` lets a joint have axes of its own at rest, and frames without a pose. BVH knows neither: where nobody is
known the pose before is held, the first known one before that, and the numbers of such frames are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from shared import axes
from shared.errors import ArtifactMissing
from shared.motion_arrays import Floats, Motion, multiply, rotate, without_jumps


@dataclass(frozen=True)
class Take:
    """names [J], root first. parents [J], -1 for the root. bones [J,3]: from the parent, at rest, in the world's axes;
    the root's is where it is at rest. root [T,3]: world. turns [T,J,4]: wxyz, against the parent, from rest, without
    jumps of sign. first: plate number of the first frame; the others follow. held: plate numbers without a pose of
    their own."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    bones: Floats
    root: Floats
    turns: Floats
    first: int
    fps: Fraction
    held: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.root)

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self))

    @property
    def rest(self) -> Floats:
        """[J,3] world places at rest."""
        found = self.bones.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                found[joint] += found[parent]
        return found

    def children(self, joint: int) -> list[int]:
        return [child for child, parent in enumerate(self.parents) if parent == joint]

    def in_world(self, convention: axes.Convention) -> Take:
        """The same in another program's world axes."""
        turn = np.array(convention.world)
        # The vector part of a quaternion is an axis; worlds are right-handed, so that it turns as any vector.
        turned = np.concatenate([self.turns[..., :1], self.turns[..., 1:] @ turn.T], -1)
        return Take(
            self.names, self.parents, self.bones @ turn.T, self.root @ turn.T, turned, self.first, self.fps, self.held
        )


def take_of(motion: Motion) -> Take:
    """Raises `ArtifactMissing` when the person is in no frame."""
    known = np.nonzero(motion.known)[0]
    if not len(known):
        raise ArtifactMissing(
            "The motion has no frame with a pose: there is nothing to write.",
            "Look at the states in the shot's mocap report, and run motion capture again with another label or range.",
        )
    source = _source(known, len(motion))
    rest = _rest_turns(motion)
    inverse = rest * np.array([1.0, -1.0, -1.0, -1.0])
    turns = multiply(multiply(rest, motion.rotations[source]), inverse)
    bones = motion.rest_offsets.copy()
    hanging = np.nonzero(motion.parents >= 0)[0]
    bones[hanging] = rotate(rest[motion.parents[hanging]], motion.rest_offsets[hanging])
    return Take(
        names=motion.joint_names,
        parents=tuple(int(parent) for parent in motion.parents),
        bones=bones,
        root=motion.root[source],
        turns=without_jumps(turns),
        first=int(motion.frames[0]),
        fps=Fraction(motion.fps),
        held=tuple(int(number) for number in motion.frames[~motion.known]),
    )


def _source(known: NDArray[np.intp], frames: int) -> NDArray[np.intp]:
    """[T]: the frame whose pose each frame shows."""
    before = np.searchsorted(known, np.arange(frames), side="right") - 1
    found: NDArray[np.intp] = known[np.maximum(before, 0)]
    return found


def _rest_turns(motion: Motion) -> Floats:
    """[J,4]: world orientation of each joint's own axes at rest."""
    found = np.empty_like(motion.rest_rotations)
    for joint, parent in enumerate(motion.parents):
        own = motion.rest_rotations[joint]
        found[joint] = own if parent < 0 else multiply(found[parent], own)
    unit: Floats = found / np.linalg.norm(found, axis=-1, keepdims=True)
    return unit


def matrices(turns: Floats) -> Floats:
    """[...,3,3] of unit quaternions wxyz [...,4]."""
    w, x, y, z = np.moveaxis(turns, -1, 0)
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ]
    found: Floats = np.stack([np.stack(row, -1) for row in rows], -2)
    return found
