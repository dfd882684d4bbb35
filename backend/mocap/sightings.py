"""What a body is held to: the picture, and the detector's guess of its shape.

A detector has not only joints wrong, but whole bodies: turned, or shifted as one. Residuals of its guess are therefore
whitened before they are weighed, by how far all of it may be shifted and turned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.sfm.rotations import skew

from .band import Normals
from .body import MEASURE
from .evidence import Cameras, Evidence, Flags
from .skeleton import Floats, Slopes
from .terms import State, cauchy

_SHIFTED_M, _TURNED_DEG = 0.03, 4.0
"""Standard deviations of the whole guess: its middle of the hips, and how it is turned."""


@dataclass(frozen=True)
class Rows:
    """off [T,R]: residuals in standard deviations, 0 where nothing is seen. own [T,R,P], across [T,R,G]: how they
    answer to the frame's numbers and the shared ones. seen [T,R]."""

    off: Slopes
    own: Slopes
    across: Slopes
    seen: Flags

    def add_to(self, normals: Normals) -> None:
        normals.add(self.off, self.seen.astype(np.float64), {0: self.own}, self.across)


def picture_rows(state: State, cameras: Cameras, evidence: Evidence) -> Rows:
    """Joints are seen where the detector found them."""
    camera = cameras.seen(state.joints)
    off = cameras.project(camera) - evidence.xy
    ahead = camera[..., 2] > 1e-2
    sd = np.where(ahead, evidence.sd_px, np.inf)
    scale = np.sqrt(cauchy(np.linalg.norm(off, axis=-1) / sd)) / sd
    to_px = np.matmul(cameras.project_slope(camera), cameras.rotation[:, None]) * scale[..., None, None]
    to_px = to_px.astype(np.float32)
    return Rows(
        _flat(off * scale[..., None]), _flat(np.matmul(to_px, state.own)), _flat(np.matmul(to_px, state.shared)),
        np.repeat(scale > 0.0, 2, axis=1),
    )  # fmt: skip


def shape_rows(state: State, cameras: Cameras, evidence: Evidence) -> Rows:
    """Joints lie from the middle of the hips as the detector guesses, in its own measure."""
    body = state.body
    hips = list(body.skeleton.hips)
    turn = cameras.rotation / body.measure
    camera = np.einsum("tij,tkj->tki", turn, state.joints - state.joints[:, hips].mean(1, keepdims=True))
    off = camera - evidence.relative
    scale = np.sqrt(cauchy(np.linalg.norm(off, axis=-1) / (1.7 * evidence.sd_m))) / evidence.sd_m
    turn = (turn[:, None] * scale[..., None, None]).astype(np.float32)
    own = np.matmul(turn, state.own - state.own[:, hips].mean(1, keepdims=True))
    across = np.matmul(turn, state.shared - state.shared[:, hips].mean(1, keepdims=True))
    across[..., MEASURE] -= camera * scale[..., None] / body.measure
    keep = _free_of_shifts(camera, scale)
    left = keep(_flat((off * scale[..., None])[..., None]))[..., 0]
    return Rows(left, keep(_flat(own)), keep(_flat(across)), np.repeat(scale > 0.0, 3, axis=1))


def _flat(values: Slopes) -> Slopes:
    """[T,J,3,...] -> [T,3J,...]"""
    return values.reshape(len(values), -1, *values.shape[3:])


def _free_of_shifts(camera: Floats, scale: Floats) -> Callable[[Slopes], Slopes]:
    """What makes residuals and slopes [T,3J,k], in standard deviations of each joint's own error, such that the shift
    and the turn of all joints together are no likelier than anything else: times (I + B B^T)^(-1/2), B [3J,6] what
    those two do."""
    shift = np.broadcast_to(np.eye(3) * _SHIFTED_M, (*camera.shape, 3))
    turn = skew(camera) * np.radians(_TURNED_DEG)
    both = _flat(np.concatenate([shift, turn], -1) * scale[..., None, None])
    length, along = np.linalg.eigh(np.matmul(both.transpose(0, 2, 1), both))
    length = np.maximum(length, 1e-12)
    less = (1.0 - 1.0 / np.sqrt(1.0 + length)) / length
    ways = np.matmul(both, along)

    def freed(part: Slopes) -> Slopes:
        across = ways.astype(part.dtype)
        weighed = across.transpose(0, 2, 1) * less[..., None].astype(part.dtype)
        found: Slopes = part - np.matmul(across, np.matmul(weighed, part))
        return found

    return freed
