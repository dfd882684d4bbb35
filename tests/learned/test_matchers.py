"""The real model code on tiny random checkpoints, saved to disk and loaded back: wiring, shapes, batches, masks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from backend.inference.memory import Batches
from backend.sfm_learned.efficientloftr import coarse_scores, fine_places, load_efficientloftr, mutual_cells
from backend.sfm_learned.lightglue import load_lightglue
from backend.sfm_learned.matches import PairMatcher, PairMatches
from tests.learned.tiny_models import picture, save_efficientloftr, save_lightglue

CPU = torch.device("cpu")
SIZE = (160, 96)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("weights")
    save_lightglue(place)
    save_efficientloftr(place)
    return place


@pytest.fixture(params=["lightglue", "efficientloftr"])
def matcher(request: pytest.FixtureRequest, weights: Path) -> PairMatcher:
    return load(request.param, weights)


def load(name: str, weights: Path, device: torch.device = CPU) -> PairMatcher:
    if name == "lightglue":
        return load_lightglue(weights / "lightglue-superpoint", device, 200)
    return load_efficientloftr(weights / "efficientloftr", device)


def shared(one: PairMatches, other: PairMatches) -> float:
    """Part of all matches that both have. Random weights leave many near ties, which rounding may turn."""
    rows = [{tuple(np.rint(row).tolist()) for row in np.hstack([m.a, m.b])} for m in (one, other)]
    return len(rows[0] & rows[1]) / max(1, len(rows[0] | rows[1]))


def test_matches_lie_in_the_pictures(matcher: PairMatcher) -> None:
    (found,) = matcher.match([(matcher.describe(picture(1)), matcher.describe(picture(1, shift=2)))])
    assert len(found.a) == len(found.b) == len(found.score) >= 5
    assert found.a.dtype == np.float64 and found.a.shape[1] == 2
    for xy in (found.a, found.b):
        assert (xy > -4.0).all() and (xy < np.array(SIZE) + 4.0).all()
    assert (found.score >= 0).all() and (found.score <= 1).all()


def test_a_batch_gives_what_its_pairs_give_alone(matcher: PairMatcher) -> None:
    pairs = [(matcher.describe(picture(seed)), matcher.describe(picture(seed, shift=2))) for seed in range(3)]
    for part in ("depth_confidence", "width_confidence"):
        setattr(matcher._model, part, -1.0)  # type: ignore[attr-defined]  # as a batch on a GPU does
    together = matcher.match(pairs)
    alone = [matcher.match([pair])[0] for pair in pairs]
    assert min(shared(a, b) for a, b in zip(together, alone, strict=True)) > 0.8
    assert shared(together[0], together[1]) < 0.2


def test_masked_pixels_give_no_matches(matcher: PairMatcher) -> None:
    usable = np.zeros((SIZE[1], SIZE[0]), bool)
    usable[:, :80] = True
    a, b = matcher.describe(picture(1, usable=usable)), matcher.describe(picture(1, usable=usable))
    (found,) = matcher.match([(a, b)])
    assert len(found.a)
    assert (found.a[:, 0] < 80).all() and (found.b[:, 0] < 80).all()
    nothing = matcher.describe(picture(1, usable=np.zeros_like(usable)))
    (none,) = matcher.match([(nothing, b)])
    assert not len(none.a)


def test_sizes_that_the_model_does_not_take_are_scaled(weights: Path) -> None:
    matcher = load("efficientloftr", weights)
    size = (150, 101)
    (found,) = matcher.match([(matcher.describe(picture(1, size)), matcher.describe(picture(1, size)))])
    assert len(found.a)
    assert (found.a < np.array(size) + 4.0).all()
    assert found.a[:, 0].max() > 100


def test_lightglue_agrees_with_the_models_own_forward(weights: Path) -> None:
    matcher = load_lightglue(weights / "lightglue-superpoint", CPU, 200)
    first, second = picture(1), picture(1, shift=2)
    (found,) = matcher.match([(matcher.describe(first), matcher.describe(second))])
    pixels = torch.stack([matcher._pixels(first)[0], matcher._pixels(second)[0]])[None]
    with torch.inference_mode():
        whole = matcher._model(pixels)
    partner = whole.matches.reshape(1, 2, -1)[0, 0].numpy()
    at = whole.keypoints[0].numpy() * np.array(SIZE) + 0.5
    paired = partner >= 0
    assert len(found.a) == paired.sum() > 5
    assert np.allclose(found.a, at[0][paired], atol=1e-3)
    assert np.allclose(found.b, at[1][partner[paired]], atol=1e-3)


def test_efficientloftr_pairs_the_cells_that_look_alike() -> None:
    """Cells with features of their own, in another order in the second picture."""
    config = SimpleNamespace(
        coarse_matching_temperature=0.1, coarse_matching_skip_softmax=False, coarse_matching_threshold=0.2,
        coarse_matching_border_removal=0,
    )  # fmt: skip
    rows, columns, depth = 3, 4, 16
    order = torch.randperm(rows * columns, generator=torch.Generator().manual_seed(1))
    first = 60.0 * torch.eye(depth)[: rows * columns].T.reshape(depth, rows, columns)
    second = first.flatten(1)[:, order].reshape(depth, rows, columns)
    certain = coarse_scores(torch.stack([first, second])[None], config)[0]
    a, b, score = mutual_cells(certain, columns, config)
    assert len(a) == rows * columns and (score > 0.99).all()
    assert torch.equal(order[b], a)
    config.coarse_matching_border_removal = 1
    a, b, _ = mutual_cells(certain, columns, config)
    assert set(a.tolist()) <= {5, 6} and set(b.tolist()) <= {5, 6}


def test_efficientloftr_finds_the_pixel_in_both_windows() -> None:
    config = SimpleNamespace(fine_matching_slice_dim=2, fine_matching_regress_temperature=10.0)
    windows_a, windows_b = torch.zeros(2, 64, 12), torch.zeros(2, 100, 12)
    for match, (xa, ya, xb, yb) in enumerate([(2, 5, 6, 1), (7, 0, 3, 3)]):
        windows_a[match, ya * 8 + xa, match] = 50.0
        windows_b[match, (yb + 1) * 10 + xb + 1, match] = 50.0
    a, b = fine_places(windows_a, windows_b, config)
    assert torch.allclose(a, torch.tensor([[2.0, 5.0], [7.0, 0.0]]) - 3.5)
    assert torch.allclose(b, torch.tensor([[6.0, 1.0], [3.0, 3.0]]) - 3.5)
    windows_a[0, 5 * 8 + 2, 10] = 200.0
    windows_b[0, 1 * 10 + 6 + 1, 10] = 200.0  # the place to the right of where the 3 x 3 places are centred
    a, b = fine_places(windows_a, windows_b, config)
    assert torch.allclose(b[0], torch.tensor([3.5, -2.5]), atol=0.05)


def test_running_out_of_memory_halves_the_batch(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matcher = load_efficientloftr(weights / "efficientloftr", CPU)
    described = [matcher.describe(picture(seed)) for seed in range(4)]
    pairs = [(one, one) for one in described]
    expected = [matcher.match([pair])[0] for pair in pairs]
    run: Any = matcher._model.efficientloftr.forward
    tried: list[int] = []

    def greedy(pixels: torch.Tensor, **rest: Any) -> Any:
        tried.append(len(pixels))
        if len(pixels) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(pixels, **rest)

    monkeypatch.setattr(matcher._model.efficientloftr, "forward", greedy)
    heard: list[str] = []
    batches = Batches(4, "pairs of frames", heard.append)
    found = list(batches.over(pairs, matcher.match))
    assert min(shared(a, b) for a, b in zip(found, expected, strict=True)) > 0.99
    assert tried == [4, 2, 1, 1, 1, 1]
    assert batches.size == 1 and len(heard) == 2 and "1 from now on" in heard[1]


def test_other_errors_pass_through() -> None:
    def broken(items: Any) -> Any:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(Batches(4, "pairs", lambda sentence: None).over([1, 2], broken))
