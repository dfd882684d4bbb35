"""SMPL and SMPL-X model files of the user's, in the layout that their makers hand out (smpl.is.tue.mpg.de,
smpl-x.is.tue.mpg.de): npz, or pkl with plain arrays.

A pickle is a program. Only what makes up numpy arrays and scipy's sparse matrices is allowed in it; anything else is
refused before it runs. Files with objects of the library chumpy (the first SMPL release) are refused too, unless these
hold a plain array, which is then taken without the library.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import EngineUnavailable

Floats = NDArray[np.float64]

_REMEDY = (
    "Give an SMPL or SMPL-X model file as its makers hand it out (npz, or pkl without chumpy): register at "
    "smpl.is.tue.mpg.de or smpl-x.is.tue.mpg.de, and see docs/mocap-body.md."
)
_SHAPES = 10
"""Principal shapes that are used: more say little of a person seen from afar."""

_JOINTS = {24: "smpl", 52: "smplh", 55: "smplx"}


@dataclass(frozen=True)
class SmplModel:
    """kind: smpl, smplh or smplx. template [V,3]: m, T-pose, y up, looking along z. shapes [V,3,S]. poses [V,3,9(J-1)]:
    by the joints' rotation matrices less the identity. regressor [J,V]: joints from vertices. weights [V,J]. parents
    [J], -1 for the root. faces int32 [F,3]."""

    kind: str
    template: Floats
    shapes: Floats
    poses: Floats
    regressor: Floats
    weights: Floats
    parents: NDArray[np.int64]
    faces: NDArray[np.int32]

    def rest(self, betas: Floats) -> tuple[Floats, Floats]:
        """(vertices [V,3], joints [J,3]) of a shape, in the model's T-pose."""
        vertices = self.template + self.shapes[:, :, : len(betas)] @ betas
        return vertices, self.regressor @ vertices

    def posed(self, betas: Floats, turns: Floats, place: Floats) -> Floats:
        """[V,3] of a pose: turns [J,3,3] of joints against their parents, place [3] of the root's origin. Loper et al.,
        "SMPL" (SIGGRAPH Asia 2015), equations 2 to 10."""
        rest, joints = self.rest(betas)
        bent = rest + self.poses @ (turns[1:] - np.eye(3)).ravel()
        world = np.zeros((len(joints), 3, 4))
        for joint, parent in enumerate(self.parents):
            if parent < 0:
                world[joint, :, :3], world[joint, :, 3] = turns[joint], joints[joint]
            else:
                world[joint, :, :3] = world[parent, :, :3] @ turns[joint]
                offset = joints[joint] - joints[parent]
                world[joint, :, 3] = world[parent, :, :3] @ offset + world[parent, :, 3]
        world[:, :, 3] -= np.einsum("jab,jb->ja", world[:, :, :3], joints)
        skin = np.einsum("vj,jab->vab", self.weights, world)
        return np.asarray(np.einsum("vab,vb->va", skin[:, :, :3], bent) + skin[:, :, 3] + place)


def read_smpl(path: Path) -> SmplModel:
    """Raises `EngineUnavailable` for a file that is missing, damaged, of another layout, or not safe to read."""
    try:
        content = _npz(path) if path.suffix.lower() == ".npz" else _pickled(path)
    except FileNotFoundError:
        raise EngineUnavailable(f"There is no model file {path}.", _REMEDY) from None
    except pickle.UnpicklingError as bad:
        raise EngineUnavailable(f"{path} is not read: {bad}.", _REMEDY) from bad
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, IndexError, TypeError) as bad:
        raise EngineUnavailable(f"{path} cannot be read: {bad}.", _REMEDY) from bad
    try:
        return _model(content)
    except (KeyError, ValueError, TypeError, IndexError) as bad:
        raise EngineUnavailable(f"{path} is no SMPL or SMPL-X model: {_said(bad)}.", _REMEDY) from bad


def _said(bad: Exception) -> str:
    return f"it has no {bad.args[0]}" if isinstance(bad, KeyError) else str(bad)


def _npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as stored:
        wanted = set(stored.files) & _FIELDS
        return {name: stored[name] for name in wanted}


_FIELDS = {"v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f"}


def _pickled(path: Path) -> dict[str, Any]:
    # Written by Python 2: bytes become latin-1 text, as numpy wants it.
    content = _Restricted(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    if not isinstance(content, Mapping):
        raise ValueError("it holds no map of arrays")
    return {name: content[name] for name in _FIELDS if name in content}


class _Plain:
    """What stands for an object of a class that is not loaded: its state, nothing of its behaviour."""

    def __init__(self, *_arguments: Any) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state) if isinstance(state, Mapping) else {}


class _Sparse(_Plain):
    """A matrix of scipy's, compressed by columns: data, indices, indptr and _shape."""


class _Chumpy(_Plain):
    """An array of chumpy's: its value is x."""


class _Restricted(pickle.Unpickler):
    """Reads arrays. Raises `UnpicklingError` for anything that would need other code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ARRAYS:
            return getattr(_numpy_module(module), name)
        if (module, name) == ("_codecs", "encode"):  # how Python 3 pickles bytes for Python 2
            return _latin1
        if module.split(".")[:2] == ["scipy", "sparse"] and name == "csc_matrix":
            return _Sparse
        if module in ("chumpy.ch", "chumpy") and name == "Ch":
            return _Chumpy
        if module.split(".")[0] == "chumpy":
            raise pickle.UnpicklingError(f"it holds an object of the library chumpy ({name}), which is not loaded")
        raise pickle.UnpicklingError(f"it wants to run {module}.{name}, which no model file needs")


_ARRAYS = {
    (module, name)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy")
    for name in ("_reconstruct", "scalar", "ndarray", "dtype")
}


def _latin1(text: str, _encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


def _numpy_module(module: str) -> Any:
    from numpy._core import multiarray

    return np if module == "numpy" else multiarray


def _model(content: Mapping[str, Any]) -> SmplModel:
    """Raises `KeyError`, `ValueError`."""
    template = _array(content["v_template"])
    count = len(template)
    weights, regressor = _array(content["weights"]), _array(content["J_regressor"])
    joints = weights.shape[1]
    if joints not in _JOINTS:
        raise ValueError(f"it has {joints} joints")
    tree = np.asarray(content["kintree_table"]).astype(np.int64)
    parents = np.where((tree[0] < 0) | (tree[0] >= joints), -1, tree[0])
    poses = _array(content["posedirs"])
    # SMPL-X hands shapes and expressions out as one.
    shapes = _array(content["shapedirs"])[:, :, :_SHAPES]
    faces = np.asarray(content["f"]).astype(np.int32)
    wanted = {
        "v_template": (template, (count, 3)), "weights": (weights, (count, joints)),
        "J_regressor": (regressor, (joints, count)), "posedirs": (poses, (count, 3, 9 * (joints - 1))),
        "kintree_table": (parents, (joints,)), "f": (faces, (len(faces), 3)),
    }  # fmt: skip
    for name, (array, shape) in wanted.items():
        if array.shape != shape:
            raise ValueError(f"its {name} has the shape {array.shape}, not {shape}")
    if shapes.ndim != 3 or shapes.shape[:2] != (count, 3):
        raise ValueError(f"its shapedirs have the shape {shapes.shape}")
    if not 0 <= faces.min() <= faces.max() < count or (parents >= np.arange(joints)).any() or parents[0] != -1:
        raise ValueError("its faces or joints name others that it does not have")
    return SmplModel(_JOINTS[joints], template, shapes, poses, regressor, weights, parents, faces)


def _array(value: Any) -> Floats:
    """Raises `ValueError`, `KeyError`."""
    if isinstance(value, _Sparse):
        shape = value.state.get("_shape", value.state.get("shape"))
        dense = np.zeros(tuple(int(n) for n in shape))  # type: ignore[union-attr]
        starts = np.asarray(value.state["indptr"])
        column = np.repeat(np.arange(dense.shape[1]), np.diff(starts))
        dense[np.asarray(value.state["indices"]), column] = np.asarray(value.state["data"])
        return dense
    if isinstance(value, _Chumpy):
        value = value.state["x"]
    array = np.asarray(value)
    if array.dtype == object:
        raise ValueError("an array in it is of objects")
    return np.asarray(array, np.float64)
