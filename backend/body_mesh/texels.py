"""Which place on the skin each pixel of the texture stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.body_arrays import BodyMesh

from .field import Floats
from .raster import barycentric, pixel_centres, rasterised

SIDE = 1024


@dataclass(frozen=True)
class Texels:
    """side: px of the texture. place [N]: flat numbers of the pixels that lie on a chart, rows from the top. face [N].
    shares float32 [N,3]: of the face's corners."""

    side: int
    place: NDArray[np.int64]
    face: NDArray[np.int32]
    shares: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.place)

    def picture(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [S,S,C] of values [N,C], 0 beside the charts."""
        whole = np.zeros((self.side * self.side, values.shape[1]), np.float32)
        whole[self.place] = values
        return whole.reshape(self.side, self.side, -1)


def texels_of(mesh: BodyMesh, side: int = SIDE) -> Texels:
    """Every pixel whose centre lies on a face."""
    corners = uv_pixels(mesh, side)
    flat = corners.reshape(-1, 2)
    own = np.arange(len(flat), dtype=np.int32).reshape(-1, 3)
    buffer = rasterised(flat, np.ones(len(flat)), own, (side, side))
    place = np.nonzero(buffer.covered.ravel())[0]
    face = buffer.face.ravel()[place]
    centre = pixel_centres(np.stack([place % side, place // side], 1))
    return Texels(side, place, face, barycentric(corners[face], centre).astype(np.float32))


def uv_pixels(mesh: BodyMesh, side: int) -> Floats:
    """[F,3,2]: corners of the faces in px of the texture, rows from the top."""
    return np.asarray((mesh.uv.astype(np.float64) * [1.0, -1.0] + [0.0, 1.0]) * side)


def at_texels(
    texels: Texels, faces: NDArray[np.int32], values: NDArray[np.float32], chosen: NDArray[np.int64]
) -> NDArray[np.float32]:
    """float32 [M,C] of values [V,C] of the vertices, at chosen texels [M]."""
    corners, shares = faces[texels.face[chosen]], texels.shares[chosen]
    found = shares[:, :1] * values[corners[:, 0]]
    for k in (1, 2):
        found += shares[:, k : k + 1] * values[corners[:, k]]
    return found
