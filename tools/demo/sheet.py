"""Puts the demo's renders over the plate and tiles them: `python -m tools.demo.sheet DEMO_FOLDER` (in .venv).

The scene's camera has no lens distortion, the plate has: each render is bent with the solved lens first.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.camera_files import Intrinsics, read_camera
from shared.shot import ShotFolder

COLUMNS = 2
BAND = 34


def bent(render: NDArray[np.float32], lens: Intrinsics, frame: int) -> NDArray[np.float32]:
    """A straight render [H,W,4] as the plate's lens would have drawn it."""
    if not any((lens.k1, lens.k2, lens.p1, lens.p2)):
        return render
    k = next(entry for entry in lens.frames if entry.frame == frame)
    height, width = render.shape[:2]
    v, u = np.mgrid[0:height, 0:width].astype(np.float64)
    # OpenCV's pixel centres are at integers, ours half a pixel on.
    matrix = np.array([[k.fx, 0, k.cx - 0.5], [0, k.fy, k.cy - 0.5], [0, 0, 1]])
    pixels = np.stack([u.ravel(), v.ravel()], 1).reshape(-1, 1, 2)
    brown = np.array([lens.k1, lens.k2, lens.p1, lens.p2])
    straight = cv2.undistortPoints(pixels, matrix, brown, P=matrix).reshape(height, width, 2).astype(np.float32)
    return np.asarray(cv2.remap(render, straight[..., 0], straight[..., 1], cv2.INTER_LINEAR), np.float32)


def over(plate: NDArray[np.uint8], render: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Straight-alpha BGRA [H,W,4] 0..1 over a BGR plate."""
    alpha = render[..., 3:]
    mixed = render[..., :3] * alpha + plate.astype(np.float32) / 255.0 * (1.0 - alpha)
    return np.asarray(np.clip(np.rint(mixed * 255.0), 0, 255), np.uint8)


def tile(demo: Path) -> list[NDArray[np.uint8]]:
    shot = ShotFolder(demo / "shot")
    lens = read_camera(shot.root).intrinsics
    tiles = []
    for path in sorted((demo / "render").glob("frame_*.png")):
        frame = int(re.findall(r"\d+", path.stem)[-1])
        render = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        plate = cv2.imread(str(shot.frame_path(frame)), cv2.IMREAD_COLOR)
        if render is None or plate is None:
            raise OSError(f"{path} or its plate cannot be read")
        straight = render.astype(np.float32) / np.iinfo(render.dtype).max
        picture = over(np.asarray(plate, np.uint8), bent(straight, lens, frame))
        _write(picture, f"frame {frame}", (10, picture.shape[0] - 12))
        tiles.append(picture)
    return tiles


def _write(picture: NDArray[np.uint8], text: str, at: tuple[int, int]) -> None:
    for thickness, colour in ((3, (0, 0, 0)), (1, (255, 255, 255))):
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness, cv2.LINE_AA)


def caption(report: dict[str, float | None]) -> str:
    text = f"{report['solved']} of {report['frames']} frames solved in {report['seconds']:.1f} s"
    if report.get("ate_percent") is not None:
        text += f"   path error {report['ate_percent']:.2f} %"
    if report.get("points_px") is not None:
        text += f"   truth points {report['points_px']:.2f} px"
    return text


def main(argv: Sequence[str]) -> int:
    demo = Path(argv[0])
    tiles = tile(demo)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[first : first + COLUMNS]) for first in range(0, len(tiles), COLUMNS)]
    band = np.zeros((BAND, rows[0].shape[1], 3), np.uint8)
    _write(band, caption(json.loads((demo / "solve.json").read_text(encoding="utf-8"))), (10, BAND - 12))
    if not cv2.imwrite(str(demo / "overlay.png"), np.vstack([band, *rows])):
        raise OSError(f"{demo / 'overlay.png'} cannot be written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
