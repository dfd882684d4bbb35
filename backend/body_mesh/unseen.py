"""Colours for skin that no frame shows: they flow over the mesh from where it was seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from .netting import Faces, neighbours
from .texels import Texels
from .texture import Values

_SURE = 0.03
"""Weight at which a texel's own colour and the flow's count alike."""

_HOLD = 20.0
"""How strongly vertices hold on to what was seen of them, over the pull of one neighbour."""


def filled(
    colours: Values, weight: Values, texels: Texels, faces: Faces, vertices: int
) -> tuple[Values, NDArray[np.bool_]]:
    """([N,3] with colours everywhere, bool [N]: where the colour is mostly what was seen). colours [N,3], weight [N]:
    of the texels, 0 where nothing was seen."""
    share = weight / (weight + _SURE)
    known, hold = np.zeros((vertices, 3)), np.zeros(vertices)
    corners = faces[texels.face]
    for k in range(3):
        own = texels.shares[:, k] * share
        hold += np.bincount(corners[:, k], own, vertices)
        for channel in range(3):
            known[:, channel] += np.bincount(corners[:, k], own * colours[:, channel], vertices)
    flowed = _flowed(known / np.maximum(hold, 1e-12)[:, None], np.minimum(hold, 1.0), faces)
    smooth = np.einsum("nk,nkc->nc", texels.shares, flowed[corners])
    mixed = share[:, None] * colours + (1.0 - share[:, None]) * smooth
    return mixed.astype(np.float32), share >= 0.5


def _flowed(known: NDArray[np.float64], hold: NDArray[np.float64], faces: Faces) -> NDArray[np.float64]:
    """[V,3]: the evenest colours that keep to the known ones: Laplace's equation on the mesh."""
    graph = neighbours(faces, len(known))
    pull = diags(np.asarray(graph.sum(1)).ravel() + _HOLD * hold + 1e-9) - graph
    if not hold.any():
        return np.zeros_like(known)
    return np.asarray(splu(pull.tocsc()).solve(_HOLD * hold[:, None] * known))


def run_over(picture: Values, texels: Texels) -> Values:
    """[S,S,C]: every pixel beside the charts has the colour of the nearest one on a chart, so that filtering a texture
    never meets a gap."""
    beside = np.ones(texels.side * texels.side, bool)
    beside[texels.place] = False
    nearest = distance_transform_edt(
        beside.reshape(texels.side, texels.side), return_distances=False, return_indices=True
    )
    return np.asarray(picture[nearest[0], nearest[1]])
