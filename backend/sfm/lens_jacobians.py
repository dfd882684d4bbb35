"""How pixels change with camera-space points and with the lens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .frames import Floats
from .scene import Lens


@dataclass(frozen=True)
class FreeLens:
    """What of the lens may change. centre: the principal point. tangential: p1 and p2."""

    focal: bool = True
    k1: bool = False
    k2: bool = False
    centre: bool = False
    tangential: bool = False


def lens_jacobians(
    lens: Lens, camera: Floats, free: FreeLens, focal: Floats | None = None
) -> tuple[Floats, Floats]:  # fmt: skip
    """d pixel / d camera point [M, 2, 3] and d pixel / d (log focal, k1, k2, p1, p2, centre / focal as freed)
    [M, 2, L].
    focal: that of every point's frame [M], px, when the lens zooms."""
    z = np.where(np.abs(camera[:, 2]) > 1e-9, camera[:, 2], 1e-9)
    x, y = camera[:, 0] / z, camera[:, 1] / z
    r2 = x * x + y * y
    fx, fy = lens.scale() if focal is None else lens.scale(focal).T
    dx, cross, dy = lens.distortion.derivative(x, y)
    xx, xy, yx, yy = fx * dx, fx * cross, fy * cross, fy * dy
    to_camera = np.empty((len(z), 2, 3))
    to_camera[:, 0, 0], to_camera[:, 0, 1] = xx / z, xy / z
    to_camera[:, 1, 0], to_camera[:, 1, 1] = yx / z, yy / z
    to_camera[:, 0, 2] = -(xx * x + xy * y) / z
    to_camera[:, 1, 2] = -(yx * x + yy * y) / z
    columns = []
    ray = np.stack([fx * x, fy * y], 1)
    if free.focal:
        columns.append(lens.distortion.bent(np.stack([x, y], 1)) * np.stack([fx + 0.0 * x, fy + 0.0 * x], 1))
    if free.k1:
        columns.append(ray * r2[:, None])
    if free.k2:
        columns.append(ray * (r2 * r2)[:, None])
    if free.tangential:
        both = 2.0 * x * y
        columns.append(np.stack([fx * both, fy * (r2 + 2.0 * y * y)], 1))
        columns.append(np.stack([fx * (r2 + 2.0 * x * x), fy * both], 1))
    if free.centre:
        unit = np.full(len(z), lens.focal)
        columns += [np.stack([unit, 0 * unit], 1), np.stack([0 * unit, unit], 1)]
    return to_camera, np.stack(columns, 2) if columns else np.zeros((len(z), 2, 0))


def moved_lens(lens: Lens, delta: Floats, free: FreeLens, focal_range: tuple[float, float] | None = None) -> Lens:
    """The lens after a step [L] in the parameters of `lens_jacobians`, its focal length kept in a range (px)."""
    steps = iter(delta.tolist())
    focal = float(moved_focals(np.array([lens.focal]), next(steps), focal_range)[0]) if free.focal else lens.focal
    k1 = lens.k1 + next(steps) if free.k1 else lens.k1
    k2 = lens.k2 + next(steps) if free.k2 else lens.k2
    p1 = lens.p1 + next(steps) if free.tangential else lens.p1
    p2 = lens.p2 + next(steps) if free.tangential else lens.p2
    cx = lens.cx + next(steps) * lens.focal if free.centre else lens.cx
    cy = lens.cy + next(steps) * lens.focal if free.centre else lens.cy
    return replace(lens, focal=focal, k1=k1, k2=k2, cx=cx, cy=cy, p1=p1, p2=p2)


def moved_focals(focals: Floats, step: Floats | float, focal_range: tuple[float, float] | None) -> Floats:
    """Focal lengths [F] px after a step of their logarithms, kept in a range."""
    moved: Floats = focals * np.exp(np.clip(step, -0.3, 0.3))
    return moved if focal_range is None else np.clip(moved, *focal_range)
