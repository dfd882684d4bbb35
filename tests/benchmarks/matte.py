"""`build.py bench matte`: mattes of engine `banded` against pymatting's closed form and KNN, every frame by itself.

    python3 build.py bench matte --clip FOLDER [--clip FOLDER]... [--still FOLDER]... [--frames 5-12] [--radius 6]...
        [--knn-every 4] [--json]

A clip's folder holds frames/ and gt/alpha/0001.png (16-bit coverage of all that moves); a still's frames/, gt/alpha.png
and gt/trimap.png. Everybody gets the same trimaps: of a clip, made from the truth (surely inside or outside from
`radius` px on of anything that is not), of a still, the given one. Printed are, over the unknown pixels: MAD, gradient
error, dtSSD, and processor seconds a frame (median; of all threads, reading not counted). KNN runs on every so many-th
frame only, and is compared to the others on these. "from masks": the stage's own trimaps, made from the truth cut at
one half, scored over the pixels of either trimap.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from backend.matte.banded import Banded, BandedSettings
from backend.matte.clip import UNKNOWN, Alpha, MatteClip, Picture, Recent, Trimap
from backend.matte.job import speed
from backend.matte.motion import Motion
from backend.matte.pymatting_engines import PymattingMatter
from backend.matte.trimap import Band, BandSettings, band_of
from tests.benchmarks.matte_scores import MatteScore, Scoring, true_trimap

NEEDS_MODELS = True
_KEPT = 64

Matter = Callable[[int], Alpha]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    rows: list[dict[str, object]] = []
    for folder in options.clip:
        for radius in options.radius or (6, 12):
            rows += _clip_rows(folder.resolve(), radius, options)
    for folder in options.still:
        rows += _still_rows(folder.resolve())
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        print(_table(rows))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench matte", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clip", type=Path, action="append", default=[])
    parser.add_argument("--still", type=Path, action="append", default=[])
    parser.add_argument("--frames", help="first-last frame number that is scored (default: all)")
    parser.add_argument("--radius", type=int, action="append", help="px (default: 6 and 12)")
    parser.add_argument("--knn-every", type=int, default=4)
    parser.add_argument("--reach", type=int, default=BandedSettings().reach)
    parser.add_argument("--json", action="store_true")
    return parser


class Truth:
    """A clip's pictures and true mattes by index, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._frames = sorted((folder / "frames").glob("frame_*"))
        self._gt = folder / "gt" / "alpha"
        self._pictures: Recent[Picture] = Recent(_KEPT)
        self._alphas: Recent[Alpha] = Recent(_KEPT)

    def __len__(self) -> int:
        return len(self._frames)

    def picture(self, index: int) -> Picture:
        return self._pictures.get(index, lambda: _read_rgb(self._frames[index]))

    def alpha(self, index: int) -> Alpha:
        return self._alphas.get(index, lambda: _read_grey(self._gt / f"{index + 1:04d}.png"))


def _read_rgb(path: Path) -> Picture:
    found = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if found is None:
        raise SystemExit(f"{path} cannot be read")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


def _read_grey(path: Path) -> Alpha:
    found = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if found is None:
        raise SystemExit(f"{path} cannot be read")
    return np.asarray(found, np.float32) / np.float32(65535.0 if found.dtype == np.uint16 else 255.0)


def _clip_rows(folder: Path, radius: int, options: argparse.Namespace) -> list[dict[str, object]]:
    truth = Truth(folder)
    first, _, last = (options.frames or f"1-{len(truth)}").partition("-")
    indices = range(int(first) - 1, int(last or first))
    trimaps: Recent[Trimap] = Recent(_KEPT)
    clip = MatteClip(
        len(truth), truth.picture, lambda index: trimaps.get(index, lambda: true_trimap(truth.alpha(index), radius))
    )
    own = _own_bands(truth, options.reach)
    for index in indices:  # reading and the given trimaps are nobody's processor time
        clip.trimap(index)
    some = list(indices)[:: options.knn_every]
    plans: list[tuple[str, Matter, Sequence[int], MatteClip]] = [
        ("banded", _banded(clip, options.reach), indices, clip),
        ("closed form", _warm(PymattingMatter("closed-form", clip).alpha, indices[0]), indices, clip),
        ("KNN", _warm(PymattingMatter("knn", clip).alpha, indices[0]), some, clip),
        ("from masks", _banded(own, options.reach), indices, own),
    ]
    rows = []
    for method, matter, wanted, bands in plans:
        whole, few = _scored(matter, wanted, truth, clip, bands, some)
        rows.append(_row(folder.name, radius, method, len(wanted), whole, few))
    return rows


def _own_bands(truth: Truth, reach: int) -> MatteClip:
    """The trimaps that the stage would make of a perfect mask."""
    motion = Motion(truth.picture, reach)
    kept: Recent[Band] = Recent(_KEPT)

    def make(index: int) -> Band:
        mask = truth.alpha(index) >= 0.5
        return band_of(truth.picture(index), mask, speed(motion, mask, index, len(truth)), BandSettings())

    def band(index: int) -> Band:
        return kept.get(index, lambda: make(index))

    return MatteClip(len(truth), truth.picture, lambda index: band(index).trimap, lambda index: band(index).depth)


def _banded(clip: MatteClip, reach: int) -> Matter:
    return Banded(clip, Motion(clip.picture, reach), BandedSettings(reach=reach)).alpha


def _warm(matter: Matter, index: int) -> Matter:
    """Compiles what a library compiles at its first call."""
    matter(index)
    return matter


def _scored(
    matter: Matter, wanted: Sequence[int], truth: Truth, clip: MatteClip, bands: MatteClip, some: Sequence[int]
) -> tuple[Scoring, Scoring]:
    """Over all wanted frames, and over those that KNN has."""
    whole, few = Scoring(), Scoring()
    for index in wanted:
        band = (clip.trimap(index) == UNKNOWN) | ((bands.trimap(index) == UNKNOWN) if bands is not clip else False)
        started = time.process_time()
        alpha = matter(index)
        spent = time.process_time() - started
        for scoring in (whole, few) if index in some else (whole,):
            scoring.add(index, alpha, truth.alpha(index), band, spent)
    return whole, few


def _still_rows(folder: Path) -> list[dict[str, object]]:
    picture = _read_rgb(sorted((folder / "frames").glob("frame_*"))[0])
    truth, given = _read_grey(folder / "gt" / "alpha.png"), _read_grey(folder / "gt" / "trimap.png")
    trimap = np.where(given > 0.9, 255, np.where(given < 0.1, 0, UNKNOWN)).astype(np.uint8)
    clip = MatteClip(1, lambda index: picture, lambda index: trimap)
    methods = {
        "banded": _banded(clip, 0),
        "closed form": _warm(PymattingMatter("closed-form", clip).alpha, 0),
        "KNN": _warm(PymattingMatter("knn", clip).alpha, 0),
    }
    rows = []
    for method, matter in methods.items():
        scoring = Scoring()
        started = time.process_time()
        alpha = matter(0)
        scoring.add(0, alpha, truth, trimap == UNKNOWN, time.process_time() - started)
        rows.append(_row(folder.name, None, method, 1, scoring, scoring))
    return rows


def _row(name: str, radius: int | None, method: str, frames: int, whole: Scoring, few: Scoring) -> dict[str, object]:
    score: MatteScore = whole.score()
    return {
        "clip": name, "radius": radius, "method": method, "frames": frames, **asdict(score),
        "mean_seconds": whole.mean_seconds, "mad_on_knn_frames": few.score().mad,
    }  # fmt: skip


def _table(rows: Sequence[dict[str, object]]) -> str:
    head = f"{'clip':<14}{'radius':>7}  {'method':<12}{'frames':>7}{'MAD':>9}{'on KNN fr.':>11}{'gradient':>10}{'dtSSD':>9}{'s/frame':>9}"  # fmt: skip # noqa: E501
    lines = [head]
    for row in rows:
        dtssd = "-" if row["dtssd"] is None else f"{row['dtssd']:.4f}"
        lines.append(
            f"{row['clip']:<14}{row['radius'] or 'given':>7}  {row['method']:<12}{row['frames']:>7}{row['mad']:>9.4f}"
            f"{row['mad_on_knn_frames']:>11.4f}{row['gradient']:>10.4f}{dtssd:>9}{row['seconds']:>9.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
