"""How much each vertex hangs on each joint: whose shape it lies on, spread over the skin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu

from shared.body_arrays import MOST_JOINTS

from .field import Floats
from .netting import Faces

_SPREAD = 0.55
"""How far weights flow, over the skin's distance to the bone."""

_FEWEST = 2.0
_LEAST = 0.01


def skin_weights(vertices: Floats, quads: Faces, owned: Floats, radius: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """(weights [V,4], joints int32 [V,4], the heaviest first). owned [V,J]: 1 for the joint whose shape a vertex
    lies on. radius [V]: its distance to the bone.

    Weights are heat that starts at 1 where a joint owns the skin and flows over it for a time that grows with the
    square of the radius (implicit Euler): limbs that only lie side by side do not mix, and a joint bends over a stretch
    as long as the limb is thick.
    """
    joints = np.nonzero(owned.any(0))[0]
    heat = owned[:, joints]
    solve = splu(_flow(vertices, quads, _SPREAD * radius).tocsc())
    # Two steps of half the time: nearer to the bell that heat is than one.
    for _ in range(2):
        heat = solve.solve(heat)
    heat = np.clip(heat, 0.0, None)
    first = np.argsort(-heat, axis=1, kind="stable")[:, :MOST_JOINTS]
    if first.shape[1] < MOST_JOINTS:
        first = np.pad(first, ((0, 0), (0, MOST_JOINTS - first.shape[1])), mode="edge")
    weights = np.take_along_axis(heat, first, 1)
    weights[:, len(joints) :] = 0.0
    weights[weights < _LEAST * weights[:, :1]] = 0.0
    if len(joints) > MOST_JOINTS:
        # In the middle of the body a left and a right joint weigh the same: both stay, or both go.
        next_one = -np.partition(-heat, MOST_JOINTS, axis=1)[:, MOST_JOINTS : MOST_JOINTS + 1]
        weights[weights < next_one * (1.0 + 1e-6)] = 0.0
    return weights / weights.sum(1, keepdims=True), joints[first].astype(np.int32)


def _flow(vertices: Floats, quads: Faces, reach: Floats) -> coo_matrix:
    """I + the graph's Laplacian times half the time: [V,V], symmetric up to the skin's area."""
    a, b = quads.ravel().astype(np.int64), np.roll(quads, -1, 1).ravel().astype(np.int64)
    length = np.maximum(np.linalg.norm(vertices[a] - vertices[b], axis=1), 1e-9)
    # Where a limb is hardly thicker than the mesh is fine, weights still take two edges to change.
    pull = 0.25 * np.maximum(reach[a] * reach[b] / length**2, _FEWEST**2)
    count = len(vertices)
    links = coo_matrix((pull, (a, b)), (count, count)).tocsr()  # each edge is in there both ways
    return diags(1.0 + np.asarray(links.sum(1)).ravel()) - links
