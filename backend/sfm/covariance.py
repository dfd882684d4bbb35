"""How sure the solve is of every camera, and of the lens.

The covariance of the last bundle adjustment: the inverse of its reduced camera system (points eliminated; Triggs et
al., "Bundle Adjustment - A Modern Synthesis", 1999, section 9), of which only the 6 x 6 block of each frame is needed.

Gauge. Images fix no origin, axes or scale, so the system has seven null directions. It is made regular by holding
seven coordinates (one frame and one coordinate of the frame farthest from it) and the result is taken to a gauge in
which no frame is special (an S-transformation: Baarda 1973): of all similarities of the world the one that
minimises sum |d centre|^2 + D^2 |d rotation|^2 over the cameras, D the median depth. Standard deviations are thus
"after the best alignment with the truth", as trajectories are scored, and the alignment is well defined on a straight
line too.

Length. Frames are put into groups of 100, and points that are seen in three groups or more count as a new point
every two groups. That throws information away and adds none, so the result is never too optimistic; the system
becomes a chain of blocks and the cost grows linearly with the clip. Up to 200 frames nothing is thrown away.

Number. Where every frame sees hundreds of points, every n-th track stands for all: the covariance is scaled to
their number.

Loss. Tracks are weighted by the Cauchy loss of the bundle adjustment; its M-estimator has the covariance
E[psi^2] / E[psi']^2 (J'J)^-1 (Huber, "Robust Statistics", 1981), with the expectations measured over the residuals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .block_chain import Chain, ChainInverse
from .bundle import BundleSettings
from .frames import Floats, Indices
from .lens_jacobians import FreeLens
from .normal_equations import gather, linearise, reduced_system, residuals
from .rotations import skew
from .scene import Scene
from .tracks import Tracks
from .zoom_prior import prior_system

_GROUP = 100
_PLENTY = 300
"""Points of a frame from which its covariance is known to a few per cent."""


@dataclass(frozen=True)
class PoseCovariance:
    """pose [F, 6, 6]: of each frame's small rotation about the camera's axes (radians; the rotation of
    camera_from_world is exp(w) R) and of its centre (world units), in that order; nan without a pose. focal_sd [F], px,
    and k1_sd: 0 where held. factor: variance of an observation over what its sigma says, times the share of the tracks
    that were used."""

    pose: Floats
    focal_sd: Floats
    k1_sd: float
    factor: float

    @property
    def rotation_sd_deg(self) -> Floats:
        """Root mean square angle [F], degrees."""
        return np.asarray(np.degrees(np.sqrt(np.trace(self.pose[:, :3, :3], axis1=1, axis2=2))))

    @property
    def position_sd(self) -> Floats:
        """Root mean square distance [F], world units."""
        return np.asarray(np.sqrt(np.trace(self.pose[:, 3:, 3:], axis1=1, axis2=2)))


def pose_covariance(scene: Scene, tracks: Tracks, bundle: BundleSettings) -> PoseCovariance | None:
    """The covariance at a scene that `adjust` has brought to rest with the same tracks and settings. None where the
    system has more null directions than the gauge (a camera that does not travel)."""
    everything = tracks.select(scene.known[tracks.track] & scene.posed[tracks.frame])
    seen = _enough(everything)
    frames = np.unique(seen.frame)
    if len(frames) < 3:
        return None
    chain = _chain(scene, seen, frames, bundle.free)
    width = chain.diagonal[0].shape[0] // int(_edges(len(frames))[1])
    _add_priors(chain, scene, frames, bundle, width)
    _hold_gauge(chain, scene, frames, width)
    try:
        inverse = ChainInverse(chain)
        blocks = _in_free_gauge(inverse, scene, frames, width)
    except np.linalg.LinAlgError:
        return None
    factor = _loss_factor(scene, seen, len(frames), bundle.scale_px) * len(seen.track) / len(everything.track)
    return _report(scene, frames, factor * blocks, factor * np.diagonal(inverse.corner), bundle.free, factor)


def _enough(seen: Tracks) -> Tracks:
    """Every n-th track where every frame has plenty: what is known grows with their number, and is scaled to it."""
    counts = seen.per_frame()
    step = int(counts[counts > 0].min() // _PLENTY) if len(seen.track) else 1
    if step < 2:
        return seen
    rank = np.cumsum(np.r_[True, np.diff(seen.track) > 0])
    return seen.select(rank % step == 0)


def _report(
    scene: Scene, frames: Indices, blocks: Floats, corner: Floats, free: FreeLens, factor: float
) -> PoseCovariance | None:
    """From variances of the parameters to those of the report; None where they are no variances."""
    if not np.isfinite(blocks).all() or np.diagonal(blocks, axis1=1, axis2=2).min() < 0:
        return None
    change = _to_centres(scene, frames)
    pose = np.full((len(scene.posed), 6, 6), np.nan)
    pose[frames] = change @ blocks[:, :6, :6] @ change.transpose(0, 2, 1)
    lens = np.sqrt(corner).tolist()
    focal = np.full(len(scene.posed), np.nan)
    focal[frames] = 0.0
    if blocks.shape[1] > 6:
        focal[frames] = np.sqrt(blocks[:, 6, 6])
    elif free.focal and scene.zoom is None:
        focal[frames] = lens.pop(0)
    return PoseCovariance(pose, scene.focals * focal, lens[0] if free.k1 else 0.0, factor)


def _edges(frames: int) -> Indices:
    """Where the groups of the posed frames begin, and where the last ends."""
    count = max(1, -(-frames // _GROUP))
    return np.linspace(0, frames, count + 1).astype(np.int64)


def _chain(scene: Scene, seen: Tracks, frames: Indices, free: FreeLens) -> Chain:
    """The reduced camera system of `frames`, in groups."""
    position = np.zeros(len(scene.posed), np.int64)
    position[frames] = np.arange(len(frames))
    edges = _edges(len(frames))
    count = len(edges) - 1
    group = np.searchsorted(edges, position[seen.frame], side="right") - 1
    origin, pieces, first = _pieces(seen, group)
    chain: Chain | None = None
    for k in range(max(count - 1, 1)):
        mine = first == k if k < count - 2 else first >= k
        chosen = mine[pieces.track]
        if not chosen.any():
            continue
        local = replace(scene, points=scene.points[origin], known=np.ones(len(origin), bool))
        matrix, where, width = _local(local, pieces.select(chosen), free)
        chain = chain or _blank(width * edges, matrix.shape[0] - width * len(where))
        rows = (width * position[where][:, None] + np.arange(width)).ravel()
        _scatter(chain, matrix, rows, width * edges, k)
    assert chain is not None
    return chain


def _pieces(seen: Tracks, group: Indices) -> tuple[Indices, Tracks, Indices]:
    """Tracks cut where they reach a third group: the point that each piece shows, the tracks of the pieces, and the
    first group [pieces]. Pieces of one observation are left out."""
    start = np.r_[True, np.diff(seen.track) > 0]
    born = group[start][np.cumsum(start) - 1]
    # Every second track is cut one group later, so that all neighbouring groups stay linked.
    late = seen.track % 2
    part = (group - born + late) // 2
    begins = start | np.r_[True, np.diff(part) != 0]
    number = np.cumsum(begins) - 1
    first = np.maximum(born + 2 * part - late, born)[begins]
    lone = np.bincount(number)[number] < 2
    pieces = replace(seen, track=number, count=int(number[-1]) + 1)
    return seen.track[begins], pieces.select(~lone), first


def _local(scene: Scene, tracks: Tracks, free: FreeLens) -> tuple[Floats, Indices, int]:
    """Reduced camera system of these tracks alone, the frames it is about, and how many parameters each has."""
    problem = gather(scene, tracks)
    system = linearise(scene, problem, free, np.inf)
    trace = np.trace(system.point, axis1=1, axis2=2)
    half = np.linalg.inv(np.linalg.cholesky(system.point + 1e-9 * trace[:, None, None] * np.eye(3)))
    return reduced_system(problem, system, half, 0.0)[0], problem.frames, system.width


def _blank(edges: Indices, lenses: int) -> Chain:
    sizes = np.diff(edges).tolist()
    return Chain(
        [np.zeros((n, n)) for n in sizes],
        [np.zeros((b, a)) for a, b in pairwise(sizes)],
        [np.zeros((n, lenses)) for n in sizes],
        np.zeros((lenses, lenses)),
    )


def _scatter(chain: Chain, matrix: Floats, rows: Indices, edges: Indices, k: int) -> None:
    """Adds a local system, whose rows are these of the chain, all in groups k and k + 1, and the lens's."""
    poses = len(rows)
    mine = [(rows >= edges[g]) & (rows < edges[g + 1]) for g in (k, k + 1) if g < len(chain.diagonal)]
    for g, chosen in enumerate(mine):
        here, source = rows[chosen] - edges[k + g], np.nonzero(chosen)[0]
        chain.diagonal[k + g][np.ix_(here, here)] += matrix[np.ix_(source, source)]
        if matrix.shape[0] > poses:
            chain.border[k + g][here] += matrix[source, poses:]
        if g == 1:
            there, other = rows[mine[0]] - edges[k], np.nonzero(mine[0])[0]
            chain.link[k][np.ix_(here, there)] += matrix[np.ix_(source, other)]
    chain.corner[:] += matrix[poses : poses + len(chain.corner), poses:]


def _add_priors(chain: Chain, scene: Scene, frames: Indices, bundle: BundleSettings, width: int) -> None:
    """What the bundle adjustment was told of the focal length besides the tracks."""
    if bundle.free.focal and bundle.focal_prior is not None and scene.zoom is None:
        chain.corner[0, 0] += (scene.lens.focal / bundle.focal_prior[1]) ** 2
    if width > 6 and scene.zoom is not None and bundle.zoom_scale is not None:
        smooth, _ = prior_system(scene.zoom[frames], frames, bundle.zoom_scale)
        groups = np.split(np.arange(len(frames)), _edges(len(frames))[1:-1])
        for k, group in enumerate(groups):
            chain.diagonal[k][6::7, 6::7] += smooth[np.ix_(group, group)]
        for k, (before, after) in enumerate(pairwise(groups)):
            chain.link[k][6::7, 6::7] += smooth[np.ix_(after, before)]


def _null_space(scene: Scene, frames: Indices) -> Floats:
    """How poses (rotation, translation of camera_from_world) change with the world's rotation, shift and scale:
    [F, 6, 7]."""
    null = np.zeros((len(frames), 6, 7))
    rotation, translation = scene.rotation[frames], scene.translation[frames]
    null[:, :3, :3] = -rotation
    null[:, 3:, 3:6] = -rotation
    null[:, 3:, 6] = translation
    return null


def _to_centres(scene: Scene, frames: Indices) -> Floats:
    """d (rotation, centre) / d (rotation, translation) [F, 6, 6]."""
    back = scene.rotation[frames].transpose(0, 2, 1)
    change = np.zeros((len(frames), 6, 6))
    change[:, :3, :3] = np.eye(3)
    change[:, 3:, :3] = -back @ skew(scene.translation[frames])
    change[:, 3:, 3:] = -back
    return change


def _hold_gauge(chain: Chain, scene: Scene, frames: Indices, width: int) -> None:
    """Information about exactly the seven gauge directions. How much does not matter: it leaves with the gauge."""
    centres = scene.centres[frames]
    near = len(frames) // 2
    away = centres - centres[near]
    far = int(np.linalg.norm(away, axis=1).argmax())
    axis = int(np.abs(scene.rotation[frames[far]] @ away[far]).argmax())
    for row in [*range(width * near, width * near + 6), width * far + 3 + axis]:
        block, inner = _place(chain, row)
        block[inner, inner] *= 2.0


def _place(chain: Chain, row: int) -> tuple[Floats, int]:
    for block in chain.diagonal:
        if row < len(block):
            return block, row
        row -= len(block)
    raise IndexError(row)


def _in_free_gauge(inverse: ChainInverse, scene: Scene, frames: Indices, width: int) -> Floats:
    """Diagonal blocks [F, C, C] of P K P' with P = 1 - N (M N)^-1 M, where M x = 0 is the gauge of the header and K
    the inverse with the gauge held some other way."""
    null = np.zeros((len(frames), width, 7))
    null[:, :6] = _null_space(scene, frames)
    to_centres = _to_centres(scene, frames)
    weight = np.r_[np.full(3, _depth(scene, frames) ** 2), np.ones(3)]
    onto = np.zeros_like(null)
    onto[:, :6] = np.einsum("fji,j,fjk->fik", to_centres, weight, to_centres @ null[:, :6])
    solve = np.linalg.inv(np.einsum("fik,fil->kl", onto, null))
    read = np.einsum("kl,fil->fik", solve, onto)
    found = inverse.diagonal()
    sizes = [len(block) // width for block in found]
    columns = [c.reshape(-1, 7) for c in np.split(read, np.cumsum(sizes)[:-1])]
    pulled = np.concatenate(inverse.columns(columns)).reshape(len(frames), width, 7)
    inner = np.einsum("fik,fil->kl", read, pulled)
    blocks = np.concatenate([
        block.reshape(n, width, n, width)[np.arange(n), :, np.arange(n)]
        for n, block in zip(sizes, found, strict=True)
    ])  # fmt: skip
    crossed = np.einsum("fik,fjk->fij", pulled, null)
    out: Floats = blocks - crossed - crossed.transpose(0, 2, 1) + np.einsum("fik,kl,fjl->fij", null, inner, null)
    return out


def _depth(scene: Scene, frames: Indices) -> float:
    """Median depth of some points before some cameras: the length that one radian is worth."""
    some = frames[:: max(1, len(frames) // 10)]
    points = scene.points[scene.known][:: max(1, int(scene.known.sum()) // 500)]
    depth = np.einsum("fj,pj->fp", scene.rotation[some, 2], points) + scene.translation[some, 2:]
    ahead = depth[depth > 0]
    return float(np.median(ahead)) if len(ahead) else 1.0


def _loss_factor(scene: Scene, seen: Tracks, frames: int, scale: float) -> float:
    """E[psi^2] / E[psi']^2 of the Cauchy loss in two dimensions, with Bessel's correction for what was fitted."""
    problem = gather(scene, seen)
    error, _ = residuals(scene, problem)
    squared = (error**2).sum(1) * problem.weight**2
    loss = 1.0 / (1.0 + squared / scale**2)
    fitted = 6 * frames + 3 * len(problem.points)
    spare = max(2 * len(squared) - fitted, 1) / (2 * len(squared))
    return float(0.5 * (squared * loss**2).mean() / (loss**2).mean() ** 2 / spare)
