"""A clip with its truth, from a folder: frames/ or clip.mp4, and truth in one of two layouts.

gt/camera.npz with gt/depth/0001.npz (rendered clips), or gt/poses.json with K.txt and gt/depth/frame_0001.png in
millimetres (a real RGB-D clip). `truth/` is accepted for `gt/`. Depth may be missing: then nothing is said about
points.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .scoring import Array, Lens

IMAGES = {".png", ".jpg", ".jpeg"}

Mask = NDArray[np.bool_]
MaskOf = Callable[[int], Mask | None]
"""Frame index to what moves [H, W] there; None for a frame without masks."""


@dataclass(frozen=True)
class TruthClip:
    """poses [T, 4, 4] world_from_camera, metres; index 0 is the first frame of the clip."""

    folder: Path
    truth_folder: Path
    poses: Array
    lens: Lens

    def depth(self, index: int) -> Array | None:
        """Planar depth [H, W] in metres of a frame; 0 or inf where unknown. None without a file."""
        for name in (f"{index + 1:04d}.npz", f"frame_{index + 1:04d}.npz"):
            packed = self.truth_folder / "depth" / name
            if packed.is_file():
                with np.load(packed) as file:
                    return np.asarray(file["depth"], np.float64)
        picture = self.truth_folder / "depth" / f"frame_{index + 1:04d}.png"
        if picture.is_file():
            return np.asarray(cv2.imread(str(picture), cv2.IMREAD_UNCHANGED), np.float64) / 1000.0
        return None

    def moving(self, index: int) -> Mask | None:
        """Union of the masks of all instances [H, W]; None without masks. A folder of DAVIS has one object only, so
        its masks may lie in masks/ itself."""
        return read_masks(self.truth_folder / "masks", index)

    @property
    def instances(self) -> tuple[str, ...]:
        folder = self.truth_folder / "masks"
        return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()

    @property
    def is_distorted(self) -> bool:
        return any(self.lens.distortion)


def read_masks(folder: Path, index: int) -> Mask | None:
    """Union [H, W] of FOLDER/INSTANCE/0001.png, or FOLDER/0001.png (or frame_0001.png), of a frame; None without."""
    union: Mask | None = None
    for path in sorted(folder.glob(f"**/*{index + 1:04d}.png")):
        mask = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127)
        union = mask if union is None else union | mask
    return union


def load_truth(folder: Path) -> TruthClip:
    """The truth of a clip. Raises FileNotFoundError when the folder holds none."""
    for truth in (folder / "gt", folder / "truth", folder):
        if (truth / "camera.npz").is_file():
            return _rendered(folder, truth)
        if (truth / "poses.json").is_file():
            return _real(folder, truth)
    raise FileNotFoundError(f"{folder} has no gt/camera.npz and no gt/poses.json")


def _rendered(folder: Path, truth: Path) -> TruthClip:
    with np.load(truth / "camera.npz") as file:
        poses = np.asarray(file["world_from_camera"], np.float64)
        K = np.broadcast_to(np.asarray(file["K"], np.float64), (len(poses), 3, 3))
        brown = np.zeros(5) if "distortion" not in file else np.asarray(file["distortion"], np.float64)
    return TruthClip(folder, truth, poses, Lens(K, (brown[0], brown[1], brown[2], brown[3])))


def _real(folder: Path, truth: Path) -> TruthClip:
    listed = json.loads((truth / "poses.json").read_text(encoding="utf-8"))["poses"]
    poses = np.array([entry["cam_to_world"] for entry in listed], np.float64)
    K = np.loadtxt(truth / "K.txt")
    K[:2, 2] += 0.5  # as shipped, pixel centres are at integers
    return TruthClip(folder, truth, poses, Lens(np.broadcast_to(K, (len(poses), 3, 3))))


def frame_paths(folder: Path) -> list[Path]:
    """The clip's frames in order; empty when it is a video."""
    frames = folder / "frames"
    return pictures_in(frames) if frames.is_dir() else []


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, by the numbers in their names."""
    named = [path for path in folder.iterdir() if path.suffix.lower() in IMAGES]
    return sorted(named, key=lambda path: [int(part) for part in re.findall(r"\d+", path.stem)])


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height, px. Raises FileNotFoundError for what is no picture."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or no picture")
    height, width = picture.shape[:2]
    return width, height
