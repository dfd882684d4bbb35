"""Sensors that read their rows one after the other: the camera moves while a frame is read.

The pose of frame f is that of its middle row. A row at height y is read at the time t = readout * (y / height - 1/2),
in frames; within a frame the camera moves on as its neighbours say (velocity and acceleration from five
neighbouring poses; Hedborg, Forssen, Felsberg & Ringaby, "Rolling shutter bundle adjustment", CVPR 2012, interpolate
the rows' poses between frames likewise). The rows' shift in pixels is taken off the tracks; what is left is what a
global shutter at the middle row's time would have seen, and goes through the bundle adjustment as it is. Shift, scene
and readout are found in turns: at rest the residuals are those of the full rolling model. Each turn the readout
makes the Gauss-Newton step that it would make as one more parameter of the lens, all poses and points answering.

readout: share of the time between two frames from the first row to the last; negative when the last is read first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.spatial.transform import Rotation

from .bundle import BundleSettings
from .frames import Floats, Indices
from .lens_jacobians import lens_jacobians
from .normal_equations import Problem, System, gather, linearise, points_answer, reduced_system, residuals
from .rotations import exponential
from .scene import Scene
from .tracks import Tracks

_LITTLE = 1e-3
_DAMPING = 1e-7


@dataclass(frozen=True)
class Motion:
    """How each camera moves about its frame's time. turn, bend [F, 3]: rotation vectors about the camera's axes, for a
    frame and for a frame squared (R(t) = exp(t turn + t^2/2 bend) R). speed, push [F, 3]: of the centre, in the
    world."""

    turn: Floats
    bend: Floats
    speed: Floats
    push: Floats


@dataclass(frozen=True)
class ReadoutStep:
    """step: what to add to the readout; sd: its standard deviation."""

    step: float
    sd: float


def motion_of(scene: Scene) -> Motion:
    """From each posed frame's neighbours; at the ends, and beside frames without a pose, the nearest acceleration
    goes on."""
    at = np.nonzero(scene.posed)[0]
    count = len(scene.posed)
    still = Motion(*(np.zeros((count, 3)) for _ in range(4)))
    if len(at) < 2:
        return still
    gap = np.diff(at).astype(np.float64)[:, None]
    turns = scene.rotation[at[1:]] @ scene.rotation[at[:-1]].transpose(0, 2, 1)
    turn = Rotation.from_matrix(turns).as_rotvec() / gap
    centres = scene.centres[at]
    for values, rates, curves in (
        (turn, still.turn, still.bend), (np.diff(centres, axis=0) / gap, still.speed, still.push),
    ):  # fmt: skip
        rates[at], curves[at] = _at_frames(values, gap)
    return still


def _at_frames(between: Floats, gap: Floats) -> tuple[Floats, Floats]:
    """Rates [N, 3] and their change for a frame [N, 3] at N times from the mean rates [N - 1, 3] between them."""
    if len(between) == 1:
        return np.repeat(between, 2, axis=0), np.zeros((2, 3))
    change = (between[1:] - between[:-1]) / (0.5 * (gap[1:] + gap[:-1]))
    change = np.concatenate([change[:1], change, change[-1:]])
    rate = np.concatenate([between - 0.5 * gap * change[:-1], between[-1:] + 0.5 * gap[-1:] * change[-1:]])
    if len(between) < 4:
        return rate, change
    # Five neighbours in a row give both to the fourth order: three are too dull for a shaking hand.
    a, b, c, d = between[:-3], between[1:-2], between[2:-1], between[3:]
    whole = (np.stack([gap[:-3], gap[1:-2], gap[2:-1], gap[3:]]) == 1.0).all((0, 2))[:, None]
    rate[2:-2] = np.where(whole, (7.0 * (b + c) - a - d) / 12.0, rate[2:-2])
    change[2:-2] = np.where(whole, (15.0 * (c - b) - (d - a)) / 12.0, change[2:-2])
    return rate, change


def row_shift(scene: Scene, tracks: Tracks, measured: Floats, readout: float, height: int) -> Floats:
    """How far [M, 2] px each observation lies from where the middle row's time would have it. measured [M, 2]: as the
    plate shows them. Observations without a point are taken to lie at their frame's median depth."""
    time = readout * (measured[:, 1] / height - 0.5)
    motion, frame = motion_of(scene), tracks.frame
    camera = _camera_points(scene, tracks)
    away = time[:, None] * motion.speed[frame] + 0.5 * time[:, None] ** 2 * motion.push[frame]
    turn = time[:, None] * motion.turn[frame] + 0.5 * time[:, None] ** 2 * motion.bend[frame]
    moved = camera - np.einsum("mij,mj->mi", scene.rotation[frame], away)
    moved = np.einsum("mij,mj->mi", exponential(turn), moved)
    safe = (camera[:, 2] > 1e-6) & (moved[:, 2] > 1e-6)
    camera[~safe], moved[~safe] = [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]
    return scene.project(moved, frame) - scene.project(camera, frame)


def _camera_points(scene: Scene, tracks: Tracks) -> Floats:
    """Points [M, 3] in the axes of the cameras that see them."""
    solid = scene.known[tracks.track] & scene.posed[tracks.frame]
    flat = scene.normalised(tracks.xy, tracks.frame)
    camera = np.concatenate([flat, np.ones((len(flat), 1))], 1)
    known = scene.camera_points(tracks.track[solid], tracks.frame[solid])
    if len(known):
        camera *= _usual_depth(known[:, 2], tracks.frame[solid], tracks.frames)[tracks.frame][:, None]
        camera[solid] = known
    return camera


def _usual_depth(depth: Floats, frame: Indices, frames: int) -> Floats:
    """Geometric mean depth [F] of each frame's points; the clip's where it has none."""
    logs = np.log(np.maximum(depth, 1e-9))
    seen = np.bincount(frame, minlength=frames)
    mean = np.bincount(frame, logs, minlength=frames) / np.maximum(seen, 1)
    return np.asarray(np.exp(np.where(seen > 0, mean, logs.mean())))


def rectified(scene: Scene, tracks: Tracks, measured: Floats, readout: float, height: int) -> Tracks:
    """The tracks as a global shutter at the middle row's time would have seen them."""
    return replace(tracks, xy=measured - row_shift(scene, tracks, measured, readout, height))


def readout_step(
    scene: Scene, tracks: Tracks, measured: Floats, readout: float, height: int, bundle: BundleSettings
) -> ReadoutStep:
    """The Gauss-Newton step of the readout. tracks: rectified with `readout`, at rest; measured [M, 2]: as the plate
    shows them."""
    problem = gather(scene, tracks)
    use = scene.known[tracks.track] & scene.posed[tracks.frame]
    ahead, behind = (row_shift(scene, tracks, measured, readout + h, height) for h in (_LITTLE, -_LITTLE))
    system = linearise(scene, problem, bundle.free, bundle.scale_px)
    root = system.root[:, None]
    slope = root * ((ahead - behind) / (2.0 * _LITTLE))[use]
    error, camera = residuals(scene, problem)
    error = root * error
    to_lens = lens_jacobians(scene.lens, camera, bundle.free, problem.focals(scene))[1] * root[:, :, None]
    own = system.width - 6
    answer = _answer(problem, system, slope, to_lens[:, :, own:])
    information = float((slope * slope).sum() + (slope * answer).sum())
    pull = float((slope * error).sum() + (error * answer).sum())
    if information <= 0.0:
        return ReadoutStep(0.0, np.inf)
    return ReadoutStep(-pull / information, information**-0.5)


def _answer(p: Problem, system: System, slope: Floats, to_lens: Floats) -> Floats:
    """How the residuals [M, 2] change when cameras, lens and points answer to a change of them by `slope` [M, 2] as
    well as they can."""
    grad = np.zeros((len(p.frames), system.width))
    np.add.at(grad, p.col, (system.to_pose * slope[:, :, None]).sum(1))
    pulled = replace(
        system, grad_pose=grad, grad_lens=np.einsum("mil,mi->l", to_lens, slope),
        grad_point=p.per_point((system.to_point * slope[:, :, None]).sum(1)),
    )  # fmt: skip
    trace = np.trace(system.point, axis1=1, axis2=2)
    half = np.linalg.inv(np.linalg.cholesky(system.point + 1e-9 * trace[:, None, None] * np.eye(3)))
    matrix, right = reduced_system(p, pulled, half, _DAMPING)
    delta = -linalg.cho_solve(linalg.cho_factor(matrix, lower=True, check_finite=False), right, check_finite=False)
    poses, lens = delta[: grad.size].reshape(grad.shape), delta[grad.size :]
    points = points_answer(p, pulled, half, poses, lens)
    seen = (system.to_pose * poses[p.col][:, None, :]).sum(2) + (system.to_point * points[p.row][:, None, :]).sum(2)
    return np.asarray(seen + to_lens @ lens)
