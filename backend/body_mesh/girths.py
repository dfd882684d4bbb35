"""How a skin may be made stouter or slimmer: a few girths, the same for both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shared.body_arrays import BodyMesh

from .field import Floats

_LIMBS = (
    ("upper arm", ("shoulder",), ("elbow",)),
    ("forearm", ("elbow",), ("wrist",)),
    ("hand", ("wrist",), ("hand",)),
    ("thigh", ("hip",), ("knee",)),
    ("shin", ("knee",), ("ankle",)),
    ("foot", ("ankle",), ("foot_index",)),
)
"""Name, the joint that carries it, and the one it reaches to. A limb has a girth at each end, hand and foot one."""

_TRUNK = (
    ("hips", ("pelvis",)),
    ("waist", ("spine",)),
    ("chest", ("chest", "left_collar", "right_collar")),
    ("head", ("head",)),
)
"""Name and the joints that carry it. Each has a breadth, a depth, and where it is: detectors do not agree on how far
behind the belly a spine's joints are."""

_FORWARD = 0.13
"""Of the stature: what a part goes forward where a girth would double."""

_WHOLE = ("hand", "foot")
_SIDES = ("left", "right")


@dataclass(frozen=True)
class Girths:
    """names [G]. ways [G,V,3]: where the vertices at rest go when a girth becomes its own size greater."""

    names: tuple[str, ...]
    ways: Floats

    def moved(self, mesh: BodyMesh, logs: Floats) -> BodyMesh:
        """The mesh with girths exp(logs) [G] times as large."""
        return replace(mesh, vertices=mesh.vertices + np.einsum("g,gvc->vc", np.exp(logs) - 1.0, self.ways))


def girths_of(mesh: BodyMesh) -> Girths:
    """Those of the parts that the mesh's skeleton has."""
    names: list[str] = []
    ways: list[Floats] = []
    for name, carriers in _TRUNK:
        share = _share(mesh, carriers)
        if share.any():
            from_axis = mesh.vertices - mesh.rest_joints[mesh.joint_names.index(carriers[0])]
            for axis, word in ((0, "breadth"), (1, "depth")):
                names.append(f"{name} {word}")
                ways.append(share[:, None] * from_axis * np.eye(3)[axis])
            names.append(f"{name} forward")
            ways.append(share[:, None] * [0.0, -_FORWARD * float(np.ptp(mesh.vertices[:, 2])), 0.0])
    if (share := _share(mesh, ("neck",))).any():
        from_axis = mesh.vertices - mesh.rest_joints[mesh.joint_names.index("neck")]
        names.append("neck")
        ways.append(share[:, None] * from_axis * [1.0, 1.0, 0.0])
    for name, start, end in _LIMBS:
        near, far = _limb(mesh, start[0], end[0])
        whole = name in _WHOLE
        names += [name] if whole else [f"{name}, upper end", f"{name}, lower end"]
        ways += [near + far] if whole else [near, far]
    return Girths(tuple(names), np.stack(ways))


def _limb(mesh: BodyMesh, start: str, end: str) -> tuple[Floats, Floats]:
    """Ways of both sides' limbs at their near and far ends."""
    near, far = np.zeros(mesh.vertices.shape), np.zeros(mesh.vertices.shape)
    for side in _SIDES:
        if not {f"{side}_{start}", f"{side}_{end}"} <= set(mesh.joint_names):
            continue
        a, b = (mesh.rest_joints[mesh.joint_names.index(f"{side}_{joint}")] for joint in (start, end))
        along = b - a
        place = np.clip((mesh.vertices - a) @ along / (along @ along), 0.0, 1.0)
        out = mesh.vertices - a - np.outer((mesh.vertices - a) @ along / (along @ along), along)
        share = _share(mesh, (f"{side}_{start}",))[:, None] * out
        near += (1.0 - place)[:, None] * share
        far += place[:, None] * share
    return near, far


def _share(mesh: BodyMesh, joints: Sequence[str]) -> Floats:
    """[V]: how much vertices hang on joints."""
    wanted = [mesh.joint_names.index(name) for name in joints if name in mesh.joint_names]
    return np.asarray((np.isin(mesh.joints, wanted) * mesh.weights).sum(1), np.float64)
