"""Pictures to look at: the solved points, a grid on the ground and axes, drawn over the frames by the solved camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.scoring import Array, Lens, project

Picture = NDArray[np.uint8]
_MOST_POINTS = 1500
_MOST_BELOW = 0.1


def contact_sheet(
    pictures: list[Path], poses: dict[int, Array], lens: Lens, cloud: Array, out: Path, *, count: int = 6
) -> None:
    """Writes a PNG of `count` frames. cloud: solved points [P, 3]. Frames without a pose are shown crossed out."""
    rng = np.random.default_rng(0)
    some = cloud[rng.permutation(len(cloud))[:_MOST_POINTS]]
    lines = _helpers(cloud, poses)
    shown = []
    for t in np.unique(np.linspace(0, len(pictures) - 1, count).astype(int)):
        picture = cv2.imread(str(pictures[t]))
        if int(t) in poses:
            _draw(picture, poses[int(t)], lens, int(t), some, lines)
        else:
            cv2.line(picture, (0, 0), (picture.shape[1], picture.shape[0]), (0, 0, 255), 3)
        cv2.putText(picture, str(t + 1), (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
        shown.append(cv2.resize(picture, (640, round(640 * picture.shape[0] / picture.shape[1]))))
    columns = 2
    shown += [np.zeros_like(shown[0])] * (-len(shown) % columns)
    rows = [np.hstack(shown[n : n + columns]) for n in range(0, len(shown), columns)]
    cv2.imwrite(str(out), np.vstack(rows))


Line = tuple[Array, tuple[int, int, int]]


def _helpers(cloud: Array, poses: dict[int, Array]) -> list[Line]:
    """A grid on the ground about the middle of the points nearest the cameras, and axes there (x red, y green, the
    ground's normal blue). Each line is points [N, 3] and a BGR colour."""
    centres = np.stack([pose[:3, 3] for pose in poses.values()])
    away = np.linalg.norm(cloud - centres.mean(0), axis=1)
    near = cloud[away <= np.quantile(away, 0.7)]
    normal, offset = ground(near)
    middle = np.median(near, 0)
    middle -= (normal @ middle - offset) * normal
    x = np.cross([0.0, 1.0, 0.0], normal) / np.linalg.norm(np.cross([0.0, 1.0, 0.0], normal))
    axes = np.stack([x, np.cross(normal, x), normal])
    size = float(np.median(np.abs((near - middle) @ axes[:2].T))) * 2.0
    steps, along = np.linspace(-size, size, 9), np.linspace(-size, size, 60)[:, None]
    lines: list[Line] = []
    for step in steps:
        lines.append((middle + along * axes[0] + step * axes[1], (200, 200, 60)))
        lines.append((middle + along * axes[1] + step * axes[0], (200, 200, 60)))
    for axis, colour in enumerate(((0, 0, 255), (0, 255, 0), (255, 0, 0))):
        lines.append((middle + np.linspace(0.0, size / 2.0, 60)[:, None] * axes[axis], colour))
    return lines


def ground(points: Array) -> tuple[Array, float]:
    """Unit normal [3] and offset of the plane, tilted by 40 degrees at most, that most points [P, 3] lie on and few
    lie below; of the height of the lowest where there is none."""
    rng = np.random.default_rng(0)
    thick = 0.02 * float(np.median(np.linalg.norm(points - np.median(points, 0), axis=1)))
    best: tuple[int, Array, float] = (0, np.array([0.0, 0.0, 1.0]), float(np.quantile(points[:, 2], 0.03)))
    for _ in range(400):
        a, b, c = points[rng.choice(len(points), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        normal /= max(float(np.linalg.norm(normal)), 1e-12) * (np.sign(normal[2]) or 1.0)
        if normal[2] < np.cos(np.radians(40.0)):
            continue
        above = (points - a) @ normal
        on = int((np.abs(above) < thick).sum())
        if on > best[0] and (above < -thick).mean() < _MOST_BELOW:
            best = (on, normal, float(normal @ a))
    return best[1], best[2]


def _draw(picture: Picture, pose: Array, lens: Lens, t: int, cloud: Array, lines: list[Line]) -> None:
    for points, colour in lines:
        seen, front = _seen(points, pose, lens, t)
        for a, b, good in zip(seen[:-1], seen[1:], front[:-1] & front[1:], strict=True):
            if good:
                cv2.line(picture, _pixel(a), _pixel(b), colour, 1 if colour[0] == 200 else 3, cv2.LINE_AA)
    seen, front = _seen(cloud, pose, lens, t)
    depth = ((cloud - pose[:3, 3]) @ pose[:3, :3])[:, 2]
    rank = np.clip(depth / max(np.quantile(depth[front], 0.9), 1e-9), 0, 1) if front.any() else depth
    colours = cv2.applyColorMap((255 - 255 * rank).astype(np.uint8).reshape(-1, 1), cv2.COLORMAP_TURBO).reshape(-1, 3)
    for place, colour, good in zip(seen, colours, front, strict=True):
        if good:
            cv2.circle(picture, _pixel(place), 2, tuple(int(c) for c in colour), -1, cv2.LINE_AA)


def _seen(points: Array, pose: Array, lens: Lens, t: int) -> tuple[Array, NDArray[np.bool_]]:
    """Pixels, and which are in front of the camera and not far outside the picture."""
    camera = (points - pose[:3, 3]) @ pose[:3, :3]
    front = camera[:, 2] > 1e-6
    camera[:, 2] = np.where(front, camera[:, 2], 1.0)
    seen = project(camera, lens.K[t], lens.distortion)
    return seen, front & (np.abs(seen).max(1) < 4 * lens.K[t, 0, 2] + 4000)


def _pixel(place: Array) -> tuple[int, int]:
    return round(float(place[0]) - 0.5), round(float(place[1]) - 0.5)
