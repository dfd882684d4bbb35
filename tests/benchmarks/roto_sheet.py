"""A picture of masks to look at: found ones tinted, with their outline; true outlines in white."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.mask_scores import Mask

_COLOURS = ((60, 60, 255), (255, 160, 40), (60, 220, 60), (40, 200, 255))
_WIDTH, _COLUMNS = 480, 4


def write_sheet(
    out: Path,
    pictures: Sequence[Path],
    found: Mapping[str, Mapping[int, Mask]],
    true: Mapping[str, Mapping[int, Mask]],
    count: int = 12,
) -> None:
    """A PNG of `count` frames, evenly spread."""
    shown = []
    for index in np.unique(np.linspace(0, len(pictures) - 1, count).astype(int)):
        picture = cv2.imread(str(pictures[index]))
        for name, colour in zip(found, _COLOURS * len(found), strict=False):
            mask = found[name][int(index)]
            picture[mask] = (0.6 * picture[mask] + 0.4 * np.array(colour)).astype(np.uint8)
            cv2.drawContours(picture, _outlines(mask), -1, colour, 2)
            cv2.drawContours(picture, _outlines(true[name][int(index)]), -1, (255, 255, 255), 1)
        cv2.putText(picture, str(index + 1), (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
        shown.append(cv2.resize(picture, (_WIDTH, round(_WIDTH * picture.shape[0] / picture.shape[1]))))
    shown += [np.zeros_like(shown[0])] * (-len(shown) % _COLUMNS)
    rows = [np.hstack(shown[n : n + _COLUMNS]) for n in range(0, len(shown), _COLUMNS)]
    cv2.imwrite(str(out), np.vstack(rows))


def _outlines(mask: Mask) -> Sequence[np.ndarray]:
    lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return lines
