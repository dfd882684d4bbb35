"""A harder clip from two: the moving people of one truth clip pasted, enlarged, over a clip in which nothing moves.

    python -m tests.benchmarks.composite --people FOLDER --over FOLDER --out FOLDER [--seed N] [--share 0.4]

The people are cut out by their alpha (premultiplied, with the clip's own clean plate, so that no old background
comes along), mirrored or not, in one to three copies that walk through the picture on paths of the seed, and
enlarged until `share` of all pixels moves on average. OUT becomes a truth clip: frames/, gt/camera.npz of the static
clip, its depth with 0 (unknown) wherever a person is, gt/masks/person_N, gt/alpha, gt/cleanplate and meta.json.
The people's own shadows are not pasted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.truth import TruthClip, frame_paths, load_truth, picture_size

Floats32 = NDArray[np.float32]
_LEAST_SCALE, _MOST_SCALE = 0.5, 12.0
_STEPS = 12
_OPAQUE = 0.5


@dataclass(frozen=True)
class Walk:
    """One pasted copy. mirror: left for right. start: index of the people's clip at the first frame. first, last:
    where the middle of the people is in the first and the last frame, parts of the picture's width and height."""

    mirror: bool
    start: int
    first: tuple[float, float]
    last: tuple[float, float]


@dataclass(frozen=True)
class Cutout:
    """Premultiplied colour float32 [H, W, 3] and alpha float32 [H, W], 0..1, of one frame; middle: x, y of the
    people in it, px."""

    colour: Floats32
    alpha: Floats32
    middle: tuple[float, float]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench composite", description=__doc__)
    parser.add_argument("--people", type=Path, required=True, help="truth clip with gt/alpha and gt/cleanplate")
    parser.add_argument("--over", type=Path, required=True, help="truth clip in which nothing moves")
    parser.add_argument("--out", type=Path, required=True, help="folder to make; an older one is replaced")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.4, help="part of the pixels that moves, on average")
    options = parser.parse_args(argv)
    made = compose(options.people, options.over, options.out, seed=options.seed, share=options.share)
    print(f"{options.out}: {made:.1%} of the pixels move")
    return 0


def compose(people: Path, over: Path, out: Path, *, seed: int, share: float) -> float:
    """Writes the clip and returns the share of moving pixels it has. Raises ValueError when no size of the people
    reaches `share`, FileNotFoundError for a clip without alpha."""
    truth, frames = load_truth(over), frame_paths(over)
    count, size = len(frames), picture_size(frames[0])
    walks = choose_walks(np.random.default_rng(seed), len(frame_paths(people)))
    scale = _scale_for(share, lambda s: _coverage(people, walks, s, count, size))
    shutil.rmtree(out, ignore_errors=True)
    for name in ("frames", "gt/depth", "gt/alpha"):
        (out / name).mkdir(parents=True)
    shutil.copyfile(truth.truth_folder / "camera.npz", out / "gt" / "camera.npz")
    shutil.copytree(over / "frames", out / "gt" / "cleanplate")
    covered = [_write_frame(truth, people, walks, scale, t, frames[t], out) for t in range(count)]
    found = float(np.mean(covered))
    said = {
        "scene": f"{people.name} over {over.name}", "seed": seed, "frames": count, "size": list(size), "share": found,
        "scale": scale, "instances": [f"person_{n + 1}" for n in range(len(walks))],
    }  # fmt: skip
    (out / "meta.json").write_text(json.dumps(said, indent=1), encoding="utf-8")
    return found


def choose_walks(rng: np.random.Generator, length: int) -> list[Walk]:
    """One to three copies; each crosses part of the picture. length: frames of the people's clip."""
    walks = []
    for number in range(int(rng.integers(1, 4))):
        left, right = rng.uniform(0.1, 0.45), rng.uniform(0.55, 0.9)
        ends = (left, right) if (number + rng.integers(2)) % 2 else (right, left)
        height = rng.uniform(0.45, 0.6)
        walks.append(
            Walk(
                bool(rng.integers(2)), int(rng.integers(length)), (ends[0], height),
                (ends[1], height + rng.uniform(-0.05, 0.05)),
            )
        )  # fmt: skip
    return walks


def _scale_for(share: float, coverage: Callable[[float], float]) -> float:
    """The enlargement that covers `share`, by bisection: coverage grows with it."""
    low, high = _LEAST_SCALE, _MOST_SCALE
    if not coverage(low) <= share <= coverage(high):
        raise ValueError(f"No size of the people covers {share:.0%} of the picture.")
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if coverage(middle) < share else (low, middle)
    return (low * high) ** 0.5


def _coverage(people: Path, walks: list[Walk], scale: float, count: int, size: tuple[int, int]) -> float:
    """Share of pixels that move, over a few of the frames."""
    frames = np.unique(np.linspace(0, count - 1, 8).astype(int))
    shares = []
    for t in frames:
        layers = [_pasted(people, walk, scale, int(t), count, size, colour=False) for walk in walks]
        shares.append(np.mean(np.max([alpha for _, alpha in layers], axis=0) > _OPAQUE))
    return float(np.mean(shares))


def _write_frame(
    truth: TruthClip, people: Path, walks: list[Walk], scale: float, t: int, plate: Path, out: Path
) -> float:
    """Writes one frame with its truth; the share of its pixels that belongs to people."""
    picture = _read(plate).astype(np.float32)
    size = (picture.shape[1], picture.shape[0])
    whole = np.zeros(picture.shape[:2], np.float32)
    masks: list[NDArray[np.bool_]] = []
    for walk in walks:  # the later one is in front
        colour, alpha = _pasted(people, walk, scale, t, len(truth.poses), size)
        picture = picture * (1.0 - alpha[..., None]) + colour
        whole = 1.0 - (1.0 - whole) * (1.0 - alpha)
        masks = [mask & (alpha <= _OPAQUE) for mask in masks] + [alpha > _OPAQUE]
    for number, mask in enumerate(masks):
        folder = out / "gt" / "masks" / f"person_{number + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{t + 1:04d}.png"), mask.astype(np.uint8) * 255)
    cv2.imwrite(str(out / "frames" / f"frame_{t + 1:04d}.png"), np.clip(picture + 0.5, 0, 255).astype(np.uint8))
    cv2.imwrite(str(out / "gt" / "alpha" / f"{t + 1:04d}.png"), (whole * 65535 + 0.5).astype(np.uint16))
    depth = truth.depth(t)
    if depth is not None:
        np.savez_compressed(
            out / "gt" / "depth" / f"{t + 1:04d}.npz", depth=np.where(whole > 0, 0.0, depth).astype(np.float16)
        )
    return float(np.mean(np.any(masks, axis=0)))


def _pasted(
    people: Path, walk: Walk, scale: float, t: int, count: int, size: tuple[int, int], *, colour: bool = True
) -> tuple[Floats32, Floats32]:
    """The copy as it lies in the picture of `size` (w, h): premultiplied colour and alpha. The people keep what
    they do in their own clip, on top of the walk; at the clip's end they go back through it."""
    cut = _cut_out(people, _there_and_back(walk.start + t, len(frame_paths(people))), colour=colour)
    part = t / max(count - 1, 1)
    to = [(a + (b - a) * part) * n for a, b, n in zip(walk.first, walk.last, size, strict=True)]
    sx = -scale if walk.mirror else scale
    warp = np.array([[sx, 0.0, to[0] - sx * cut.middle[0]], [0.0, scale, to[1] - scale * cut.middle[1]]])
    warp[:, 2] += warp[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV has the centre of a pixel at integers
    alpha = cv2.warpAffine(cut.alpha, warp, size, flags=cv2.INTER_LINEAR)
    moved = cv2.warpAffine(cut.colour, warp, size, flags=cv2.INTER_LINEAR) if colour else np.zeros((0, 0, 3))
    return moved.astype(np.float32), np.clip(alpha, 0.0, 1.0).astype(np.float32)


def _there_and_back(index: int, length: int) -> int:
    index %= max(2 * length - 2, 1)
    return index if index < length else 2 * length - 2 - index


def _cut_out(people: Path, index: int, *, colour: bool) -> Cutout:
    """The moving instances of a frame: frame - (1 - alpha) * clean plate is their premultiplied colour."""
    coverage = _read(people / "gt" / "alpha" / f"{index + 1:04d}.png", cv2.IMREAD_UNCHANGED)
    alpha = (coverage / 65535.0).astype(np.float32)
    ys, xs = np.nonzero(alpha > _OPAQUE)
    if not len(xs):
        return Cutout(np.zeros((*alpha.shape, 3), np.float32), alpha, (alpha.shape[1] / 2.0, alpha.shape[0] / 2.0))
    middle = (float(xs.min() + xs.max() + 1) / 2.0, float(ys.min() + ys.max() + 1) / 2.0)
    if not colour:
        return Cutout(np.zeros((0, 0, 3), np.float32), alpha, middle)
    frame = _read(frame_paths(people)[index]).astype(np.float32)
    behind = _read(people / "gt" / "cleanplate" / f"frame_{index + 1:04d}.png").astype(np.float32)
    mine = np.clip(frame - (1.0 - alpha[..., None]) * behind, 0.0, 255.0 * alpha[..., None])
    return Cutout(np.where(alpha[..., None] > 0, mine, 0.0).astype(np.float32), alpha, middle)


def _read(path: Path, flags: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or no picture")
    return np.asarray(picture)


if __name__ == "__main__":
    sys.exit(main())
