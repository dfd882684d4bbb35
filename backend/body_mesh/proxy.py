"""The proxy body: a person's skin made from the bones alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.body_arrays import BodyMesh, rest_pose
from shared.errors import InternalError
from shared.motion_arrays import Motion

from .anatomy import Landmarks, body_field, landmarks
from .atlas import atlas
from .field import Field, Floats
from .netting import Grid, evened, is_manifold, net, planes, sequence_of, triangles
from .weights import skin_weights

_COARSE = 1.42
_ATTEMPTS = (1.0, 0.93, 1.07, 0.87)
"""Of the grid's step. Where two pieces of skin meet in the same two cells, the net is no surface, and another grid is
taken."""


def build_mesh(motion: Motion, detail: float = 1.0, checkpoint: Callable[[], None] = lambda: None) -> BodyMesh:
    """The body of a motion's person, from the bone lengths: closed, symmetric as the skeleton is, about 8,000 triangles
    at detail 1 (their number grows with its square). Takes about two seconds. Raises `InternalError` for a skeleton
    that a body cannot be put around, and what checkpoint raises."""
    places, turns = rest_pose(motion)
    try:
        marks = landmarks(motion.joint_names, places)
    except ValueError as lacks:
        raise InternalError(f"There is no body for this motion: {lacks}.") from lacks
    field = body_field(marks)
    vertices, quads = _skin(field, marks, detail, checkpoint)
    checkpoint()
    owned, radius = _owners(field, motion, vertices, marks)
    weights, joints = skin_weights(vertices, quads, owned, radius)
    checkpoint()
    faces = triangles(vertices, quads)
    uv = atlas(vertices, faces, _regions(motion, field, vertices), checkpoint)
    return BodyMesh(vertices, faces, weights, joints, uv, motion.joint_names, places, turns, "proxy")


def _skin(
    field: Field, marks: Landmarks, detail: float, checkpoint: Callable[[], None]
) -> tuple[Floats, NDArray[np.int32]]:
    for factor in _ATTEMPTS:
        vertices, quads = net(field, _grid(field, marks, factor * marks.size * _COARSE / detail), checkpoint)
        if is_manifold(quads):
            checkpoint()
            return evened(vertices, quads, field, 0.004 * marks.size), quads
    raise InternalError("The bones of this motion do not allow a closed body.", "Look at the motion: is it a person's?")


def _grid(field: Field, marks: Landmarks, size: float) -> Grid:
    """Finer at head, hands, feet and where limbs begin. size: of the steps, over those of a usual person."""
    at, reach = marks.places, 0.11 * marks.size
    arm = [0.5 * (at[f"left_{j}"][0] - at[f"right_{j}"][0]) for j in ("shoulder", "elbow", "wrist", "hand")]
    shoulder, elbow, wrist, hand = (float(place) for place in arm)
    middle = 0.5 * (elbow + wrist)
    across = sequence_of(
        [(0.0, 0.0105 * size), (0.3 * shoulder, 0.018 * size), (shoulder, 0.019 * size),
         (shoulder + reach, 0.026 * size), (middle, 0.026 * size),
         (wrist, 0.017 * size), (hand, 0.015 * size)]
    )  # fmt: skip
    low, high = field.box()
    # Where shapes flow into each other, the body is a little larger than they are.
    low, high = low - 0.02 * marks.size, high + 0.02 * marks.size
    half = planes(0.5 * across(0.0), float(max(high[0], -low[0])), across)
    shoulders = [float(at[f"{side}_shoulder"][2]) for side in ("left", "right")]
    knee, hip, head = (float(at[joint][2]) for joint in ("left_knee", "left_hip", "head"))
    heights = [(0.0, 0.0125), (0.5 * float(at["left_ankle"][2]), 0.015), (0.5 * knee, 0.027), (knee, 0.024),
               (0.5 * (knee + hip), 0.027), (hip - 0.04 * marks.size, 0.018), (hip, 0.019),
               (min(shoulders) - reach, 0.019), (min(shoulders), 0.0145), (max(shoulders), 0.0145),
               (head, 0.0165), (head + 2 * reach, 0.0165)]  # fmt: skip
    up = sequence_of([(place, step * size) for place, step in heights])
    return Grid(
        np.concatenate([-half[::-1], half]),
        planes(float(low[1]), float(high[1]), sequence_of([(-0.12 * marks.size, 0.021 * size), (0.0, 0.0155 * size)])),
        planes(-0.75 * up(0.0), float(high[2]), up),
    )


def _owners(field: Field, motion: Motion, vertices: Floats, marks: Landmarks) -> tuple[Floats, Floats]:
    """[V,J]: whose skin it is. [V]: how far the skin is from the middle of what it covers."""
    shares = field.shares(vertices, 1e-6 * marks.size)
    owned = np.zeros((len(vertices), len(motion.joint_names)))
    for number, shape in enumerate(field.shapes):
        owned[:, motion.joint_names.index(_joint(shape.owner, motion))] += shares[:, number]
    thick = np.array([max(one.ra, one.rb) * float(np.sort(one.flat)[1]) for one in field.shapes])
    return owned, np.minimum(shares @ thick, 0.11 * marks.size)


def _joint(owner: str, motion: Motion) -> str:
    """The joint that carries a shape in a skeleton that may lack some of the trunk."""
    instead = {"spine": "pelvis", "chest": "neck", "head": "neck"}
    while owner not in motion.joint_names:
        owner = instead[owner]
    return owner


@dataclass(frozen=True)
class _Part:
    """owners: ends of the joints' names. name: of the part of the atlas."""

    owners: tuple[str, ...]
    name: str


_PARTS = (
    _Part(("shoulder", "elbow", "wrist"), "arm"),
    _Part(("hip", "knee"), "leg"),
    _Part(("ankle",), "foot"),
)


def _regions(motion: Motion, field: Field, vertices: Floats) -> list[str]:
    """The part of the body that each vertex lies on: trunk, head, left_arm, left_leg, left_foot, right_..."""
    names = []
    for shape in field.shapes:
        side, _, joint = shape.owner.partition("_")
        part = next((one.name for one in _PARTS if joint in one.owners), None)
        names.append("head" if shape.owner == "head" else "trunk" if part is None else f"{side}_{part}")
    return [names[number] for number in field.owners(vertices)]
