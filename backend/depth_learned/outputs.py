"""Maps of depth networks brought to the picture's size: what transformers' image processors do, without torchvision."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from .inputs import zoe_padding
from .maps import Map, RawMap, focal_of

_PRO_RANGE = (1e-4, 1e4)
"""Inverse metres that Depth Pro's maps are kept within."""


def dpt_output(raw: RawMap, size: tuple[int, int]) -> Map:
    """DPT and Depth Anything: bicubic."""
    return _array(_resized(_tensor(raw.values), size, "bicubic"))


def zoe_output(raw: RawMap, size: tuple[int, int], padded: bool) -> Map:
    """ZoeDepth: bicubic to the padded picture, whose borders are cut away."""
    if not padded:
        return _array(_resized(_tensor(raw.values), size, "bicubic"))
    rows, columns = zoe_padding(*size)
    whole = _resized(_tensor(raw.values), (size[0] + 2 * rows, size[1] + 2 * columns), "bicubic")
    return _array(whole[..., rows : rows + size[0], columns : columns + size[1]])


def pro_output(raw: RawMap, size: tuple[int, int], focal_px: float | None) -> Map:
    """Depth Pro (Bochkovskii et al., ICLR 2025): canonical inverse depth times width over focal length is inverse
    metres; without a focal length the network's own guess counts, and without a guess the map stays canonical."""
    width = size[1]
    focal = focal_px
    if focal is None and raw.fov_deg is not None:
        focal = focal_of(raw.fov_deg, width)
    canonical = _tensor(raw.values)
    inverse = canonical if focal is None else canonical * (width / focal)
    return _array(1.0 / _resized(inverse, size, "bilinear").clamp(*_PRO_RANGE))


def _tensor(values: Map) -> Any:
    torch: Any = importlib.import_module("torch")
    return torch.from_numpy(np.ascontiguousarray(values))[None, None]


def _resized(values: Any, size: tuple[int, int], mode: str) -> Any:
    torch: Any = importlib.import_module("torch")
    return torch.nn.functional.interpolate(values, size, mode=mode, align_corners=False)


def _array(values: Any) -> Map:
    return np.asarray(values[0, 0].numpy(), np.float32)
