"""The scores of `bench roto`, on masks whose values are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.benchmarks.grabcut_peer import box_of
from tests.benchmarks.mask_scores import boundary, boundary_accuracy, corrective_click, region_similarity
from tests.benchmarks.roto import scaled_clip, true_masks
from tests.benchmarks.truth import frame_paths


def square(x0: int, y0: int, x1: int, y1: int, shape: tuple[int, int] = (100, 120)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_j_is_intersection_over_union() -> None:
    assert region_similarity(square(0, 0, 10, 10), square(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert region_similarity(square(0, 0, 0, 0), square(0, 0, 0, 0)) == 1.0
    assert region_similarity(square(0, 0, 0, 0), square(0, 0, 1, 1)) == 0.0


def test_the_boundary_is_one_pixel_wide() -> None:
    edge = boundary(square(10, 20, 30, 40))
    assert edge[19, 9] and edge[39, 29] and not edge[20, 10] and not edge[40, 30]
    assert np.count_nonzero(edge) == 80  # 20 on each side, the corners among them


def test_f_forgives_as_much_as_the_tolerance() -> None:
    """0.8 % of the diagonal of 120 x 100 is 1.25 px, so that 2 px are forgiven."""
    true = square(20, 20, 80, 80)
    assert boundary_accuracy(true, true) == 1.0
    assert boundary_accuracy(square(22, 20, 82, 80), true) == 1.0
    assert boundary_accuracy(square(25, 25, 75, 75), true) == 0.0
    moved = boundary_accuracy(square(25, 20, 85, 80), true)
    assert 0.4 < moved < 0.6  # upper and lower side agree where both are
    assert boundary_accuracy(square(0, 0, 0, 0), true) == boundary_accuracy(true, square(0, 0, 0, 0)) == 0.0


def test_the_click_is_in_the_middle_of_the_largest_error() -> None:
    true = square(20, 20, 80, 80)
    assert corrective_click(square(20, 20, 60, 80), true) == (pytest.approx(70, abs=1), pytest.approx(50, abs=21), True)
    assert corrective_click(true | square(90, 90, 101, 97), true) == (
        pytest.approx(95, abs=4), pytest.approx(93.5), False
    )  # fmt: skip
    with pytest.raises(ValueError, match="no error"):
        corrective_click(true, true)


def test_a_box_is_half_open() -> None:
    assert box_of(square(3, 4, 10, 20)) == (3, 4, 10, 20)


def test_a_scaled_clip_has_its_truth_at_that_size(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    for folder in ("frames", "gt/masks/one", "gt/masks/other"):
        (clip / folder).mkdir(parents=True)
    for number in (1, 2, 3):
        cv2.imwrite(str(clip / "frames" / f"frame_{number:04d}.png"), np.full((100, 120, 3), 40 * number, np.uint8))
        for name, mask in (("one", square(20, 20, 40, 60)), ("other", square(60, 10, 100, 50))):
            cv2.imwrite(str(clip / "gt" / "masks" / name / f"{number:04d}.png"), mask.astype(np.uint8) * 255)
    scaled = scaled_clip(clip, tmp_path / "scaled", "180x200", 2)
    paths, truth = frame_paths(scaled), true_masks(scaled, 2)
    assert [cv2.imread(str(path)).shape for path in paths] == [(200, 180, 3)] * 2
    assert {name: list(masks) for name, masks in truth.items()} == {"one": [0, 1], "other": [0, 1]}
    assert region_similarity(truth["other"][1], square(90, 20, 150, 100, (200, 180))) > 0.97
