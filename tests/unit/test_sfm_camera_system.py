"""The camera system of a bundle adjustment: a band is solved as a band, and gives what a dense solution gives."""

from __future__ import annotations

import numpy as np
import pytest

from backend.sfm.camera_system import CameraSystem, band_width

INNER, LENSES = 1200, 3


def banded(width: int, lenses: int = LENSES, seed: int = 0) -> np.ndarray:
    """Positive definite, nothing further than `width` from the diagonal, with a dense border."""
    rng = np.random.default_rng(seed)
    size = INNER + lenses
    matrix = np.zeros((size, size))
    for k in range(1, width + 1):
        some = rng.normal(size=INNER - k)
        matrix[np.arange(k, INNER), np.arange(INNER - k)] = some
    matrix[INNER:, :INNER] = rng.normal(size=(lenses, INNER))
    matrix += matrix.T
    matrix[np.arange(size), np.arange(size)] = np.abs(matrix).sum(1) + 1.0
    return matrix


def by_hand(matrix: np.ndarray, free: np.ndarray, right: np.ndarray) -> np.ndarray:
    answer = np.zeros(len(right))
    answer[free] = -np.linalg.solve(matrix[np.ix_(free, free)], right[free])
    return answer


@pytest.mark.parametrize("width", [30, 200, 900])
@pytest.mark.parametrize("lenses", [0, 1, 3])
def test_a_band_and_a_full_matrix_give_the_exact_answer(width: int, lenses: int) -> None:
    matrix = banded(width, lenses)
    right = np.random.default_rng(1).normal(size=len(matrix))
    free = np.ones(len(matrix), bool)
    wanted = by_hand(matrix, free, right)
    found = CameraSystem(matrix.copy(), free, lenses).answer(right)
    assert np.abs(found - wanted).max() < 1e-10 * np.abs(wanted).max()


def test_what_may_not_move_does_not() -> None:
    matrix, rng = banded(50), np.random.default_rng(2)
    right = rng.normal(size=len(matrix))
    free = rng.random(len(matrix)) > 0.02
    free[-1] = False
    found = CameraSystem(matrix.copy(), free, LENSES).answer(right)
    assert (found[~free] == 0.0).all()
    wanted = by_hand(matrix, free, right)
    assert np.abs(found - wanted).max() < 1e-10 * np.abs(wanted).max()


def test_a_saddle_is_solved_when_it_is_said_to_be_one() -> None:
    matrix = banded(50)
    matrix[-1, -1] = -1.0
    right, free = np.random.default_rng(3).normal(size=len(matrix)), np.ones(len(matrix), bool)
    wanted = by_hand(matrix, free, right)
    found = CameraSystem(matrix.copy(), free, LENSES, definite=False).answer(right)
    assert np.abs(found - wanted).max() < 1e-10 * np.abs(wanted).max()


@pytest.mark.parametrize("width", [50, 1000])
def test_a_matrix_that_is_not_positive_definite_is_refused(width: int) -> None:
    matrix = banded(width)
    matrix[400, 400] = -1.0
    with pytest.raises(np.linalg.LinAlgError):
        CameraSystem(matrix, np.ones(len(matrix), bool), LENSES)


def test_the_width_of_a_band_is_found_and_rounded_up() -> None:
    for width in (0, 7, 130, 700):
        matrix = banded(width, 0)
        assert width <= band_width(matrix) <= width + 60
    assert band_width(np.zeros((100, 100))) == 0
