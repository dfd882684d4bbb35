"""EfficientLoFTR: semi-dense matches without keypoints.

Wang et al., "Efficient LoFTR: Semi-Dense Local Feature Matching with Sparse-Like Speed", CVPR 2024. The networks are
those of transformers; the matching between them is written here after the paper (3.2, 3.3) and what the authors'
release computes, because the `forward` of transformers 5.23 does not pair what it refines: it lists the matched cells
of each picture in the order of the other picture's cells, takes the fine windows from these two lists, mixes up the
pairs of a batch, and normalises the fine scores over the matches. That is right only where nothing has moved.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference
from backend.sfm.frames import Flags, Floats, Picture, WorkingFrame

from .matches import PairMatches, usable_at

_STEP = 32
"""Sides of the pictures must be multiples of it: 1/8 resolution, aggregated by 4."""

_CELL = 8.0
_BATCH_ON_GPU = 4


@dataclass(frozen=True)
class _Described:
    """gray uint8 at the model's size; scale [2]: working px per px of it; usable at working size."""

    gray: Picture
    scale: Floats
    usable: Flags | None


class EfficientLoFTRMatcher:
    """A frame's description is its picture: the network looks at both pictures of a pair together."""

    name = "efficientloftr"
    merge_px = 3.0
    sigma_px = 1.0

    def __init__(self, model: Any, device: Any) -> None:
        self._model, self._device = model, device
        self.batch = _BATCH_ON_GPU if device.type == "cuda" else 1

    def describe(self, frame: WorkingFrame) -> _Described:
        height, width = frame.gray.shape
        size = (max(_STEP, round(width / _STEP) * _STEP), max(_STEP, round(height / _STEP) * _STEP))
        gray = frame.gray if size == (width, height) else cv2.resize(frame.gray, size, interpolation=cv2.INTER_AREA)
        return _Described(np.asarray(gray, np.uint8), np.array([width / size[0], height / size[1]]), frame.usable)

    def match(self, pairs: Sequence[tuple[Any, Any]]) -> list[PairMatches]:
        torch: Any = importlib.import_module("torch")
        stacked = np.stack([np.stack([a.gray, b.gray]) for a, b in pairs])
        config = self._model.config
        with inference(self._device):
            pixels = torch.from_numpy(stacked).to(self._device).float() / 255.0
            features = self._model.efficientloftr(pixels[:, :, None].expand(-1, -1, 3, -1, -1)).feature_maps
            coarse = features[0]
            windows = self._model.refinement_layer(coarse / config.hidden_size**0.5, features[1:])
        with inference(self._device, mixed=False):
            certain = coarse_scores(coarse, config)
            return [
                self._matched(certain[i], windows[0][i], windows[1][i], coarse.shape[-1], *pair)
                for i, pair in enumerate(pairs)
            ]

    def _matched(
        self, certain: Any, windows_a: Any, windows_b: Any, columns: int, a: _Described, b: _Described
    ) -> PairMatches:
        """certain [L, L]; windows_a [L, W * W, C], windows_b [L, (W + 2)^2, C]: of every cell."""
        cells_a, cells_b, score = mutual_cells(certain, columns, self._model.config)
        fine_a, fine_b = fine_places(windows_a[cells_a], windows_b[cells_b], self._model.config)
        xy_a = (_corner(cells_a, columns) + _array(fine_a) + 0.5) * a.scale
        xy_b = (_corner(cells_b, columns) + _array(fine_b) + 0.5) * b.scale
        found = PairMatches(xy_a, xy_b, _array(score))
        return found.select(usable_at(a.usable, found.a) & usable_at(b.usable, found.b))


def _corner(cells: Any, columns: int) -> Floats:
    """Top-left px [K, 2] of cells [K]."""
    number = cells.detach().cpu().numpy()
    corner: Floats = np.stack([number % columns, number // columns], 1) * _CELL
    return corner


def coarse_scores(coarse: Any, config: Any) -> Any:
    """float32 [B, L, L] from features [B, 2, D, h, w]: the dual softmax of their likeness."""
    flat = coarse.float().flatten(3).transpose(2, 3) / coarse.shape[2] ** 0.5
    likeness = flat[:, 0] @ flat[:, 1].transpose(1, 2) / config.coarse_matching_temperature
    if config.coarse_matching_skip_softmax:
        return likeness
    return likeness.softmax(1) * likeness.softmax(2)


def mutual_cells(certain: Any, columns: int, config: Any) -> tuple[Any, Any, Any]:
    """Cells a [K], b [K] that are each other's best, certain enough and not at the border; and their score [K]."""
    torch: Any = importlib.import_module("torch")
    best, b = certain.max(1)
    back = certain.argmax(0)
    a = torch.arange(len(best), device=best.device)
    keep = (back[b] == a) & (best > config.coarse_matching_threshold)
    rows, border = len(best) // columns, config.coarse_matching_border_removal
    for cells in (a, b):
        column, row = cells % columns, cells // columns
        keep &= (column >= border) & (column < columns - border) & (row >= border) & (row < rows - border)
    return a[keep], b[keep], best[keep]


def fine_places(windows_a: Any, windows_b: Any, config: Any) -> tuple[Any, Any]:
    """Where each match lies in its cell [K, 2] (x, y; px from the cell's corner), in both pictures.

    Pixel by pixel first: the best of the dual softmax between the windows. Then the second picture's place moves by the
    expectation over 3 x 3 places, of features kept for that. The release counts these places in the window with a
    border from where the pixel is in the window without, and its weights were trained so: it stays.
    """
    torch: Any = importlib.import_module("torch")
    count, inner, depth = windows_a.shape
    side, kept = round(inner**0.5), config.fine_matching_slice_dim
    if count == 0:
        return windows_a.new_zeros((0, 2)), windows_a.new_zeros((0, 2))
    likeness = windows_a[..., :-kept].float() @ windows_b[..., :-kept].float().transpose(1, 2) / depth
    both = (likeness.softmax(1) * likeness.softmax(2)).reshape(count, inner, side + 2, side + 2)
    best = both[:, :, 1:-1, 1:-1].reshape(count, -1).argmax(1)
    at_a, at_b = best // inner, best % inner
    steps = torch.arange(-1, 2, device=best.device)
    number = torch.arange(count, device=best.device)
    rows = ((at_b // side)[:, None, None] + steps[None, :, None]) % (side + 2)
    columns = ((at_b % side)[:, None, None] + steps[None, None, :]) % (side + 2)
    around = (
        windows_b[..., -kept:].float().reshape(count, side + 2, side + 2, kept)[number[:, None, None], rows, columns]
    )
    wanted = windows_a[number, at_a, -kept:].float()
    heat = (around * wanted[:, None, None]).sum(-1) / kept**0.5 / config.fine_matching_regress_temperature
    heat = heat.flatten(1).softmax(1).reshape(count, 3, 3)
    moved = torch.stack([(heat.sum(1) * steps).sum(1), (heat.sum(2) * steps).sum(1)], 1)
    return _in_cell(at_a, side), _in_cell(at_b, side) + moved


def _in_cell(place: Any, side: int) -> Any:
    """Places [K, 2] of pixels of a window, from the cell's corner, which the release takes for the window's middle."""
    torch: Any = importlib.import_module("torch")
    return torch.stack([place % side, place // side], 1).float() - side // 2 + 0.5


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.detach().float().cpu().numpy(), np.float64)


def load_efficientloftr(folder: Path, device: Any) -> EfficientLoFTRMatcher:
    """The matcher from a local checkpoint. Raises `EngineUnavailable`."""
    return EfficientLoFTRMatcher(load_checkpoint("EfficientLoFTRForKeypointMatching", folder, device), device)
