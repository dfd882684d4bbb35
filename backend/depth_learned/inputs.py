"""Pictures as depth networks take them: what transformers' image processors do, without torchvision.

The settings are those of the checkpoint's preprocessor_config.json. Sizes follow DPT's rule (Ranftl et al., ICCV 2021):
scaled as little as possible, so that both sides are multiples of the network's patch.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import EngineUnavailable

from .maps import Picture

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MODES = {2: "bilinear", 3: "bicubic"}


@dataclass(frozen=True)
class InputPlan:
    """size: (height, width) to aim at. multiple: of which both sides become one. mode: of the interpolation. mean,
    std: [3] of RGB in 0..1."""

    size: tuple[int, int]
    keep_aspect: bool
    multiple: int
    mode: str
    mean: tuple[float, ...] = _MEAN
    std: tuple[float, ...] = _STD
    pad: bool = False

    def network_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of a picture of that size as the network gets it."""
        down, across = self.size[0] / height, self.size[1] / width
        if self.keep_aspect:
            down = across = across if abs(1.0 - across) < abs(1.0 - down) else down
        return self._rounded(down * height), self._rounded(across * width)

    def _rounded(self, length: float) -> int:
        whole = round(length / self.multiple) * self.multiple
        return whole if whole > 0 else math.ceil(length / self.multiple) * self.multiple


def read_plan(folder: Path, default: InputPlan) -> InputPlan:
    """The plan of a checkpoint. Raises `EngineUnavailable` when its file cannot be understood."""
    path = folder / "preprocessor_config.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        plan = _plan(said, default)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as bad:
        raise EngineUnavailable(
            f"{path} cannot be read: {type(bad).__name__}: {bad}.", "Delete the folder and fetch the model again."
        ) from bad
    return plan


def _plan(said: Mapping[str, Any], default: InputPlan) -> InputPlan:
    size = said.get("size", default.size)
    if isinstance(size, Mapping):
        size = (int(size["height"]), int(size["width"]))
    elif isinstance(size, int):
        size = (size, size)
    return InputPlan(
        size=tuple(size),
        keep_aspect=bool(said.get("keep_aspect_ratio", default.keep_aspect)),
        multiple=max(1, int(said.get("ensure_multiple_of", default.multiple))),
        mode=_MODES[int(said["resample"])] if "resample" in said else default.mode,
        mean=tuple(float(value) for value in said.get("image_mean", default.mean)),
        std=tuple(float(value) for value in said.get("image_std", default.std)),
        pad=bool(said.get("do_pad", default.pad)) and default.pad,
    )


def dpt_input(picture: Picture, plan: InputPlan) -> Any:
    """Tensor float32 [3, h, w] for DPT and Depth Anything: resized as 8-bit with a filter that widens when it shrinks,
    then normalised."""
    torch: Any = importlib.import_module("torch")
    size = plan.network_size(*picture.shape[:2])
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(pixels, size, mode=plan.mode, antialias=True, align_corners=False)
    return normalised(small[0].float() / 255.0, plan)


def zoe_padding(height: int, width: int) -> tuple[int, int]:
    """Rows and columns that ZoeDepth mirrors at each border, against artefacts there (Bhat et al., 2023)."""
    return int(math.sqrt(height / 2) * 3), int(math.sqrt(width / 2) * 3)


def zoe_input(picture: Picture, plan: InputPlan) -> Any:
    """Tensor float32 [3, h, w] for ZoeDepth: mirrored borders, resized with corners aligned, normalised."""
    torch: Any = importlib.import_module("torch")
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255.0
    if plan.pad:
        rows, columns = zoe_padding(*picture.shape[:2])
        pixels = torch.nn.functional.pad(pixels, (columns, columns, rows, rows), mode="reflect")
    size = plan.network_size(*pixels.shape[-2:])
    return normalised(torch.nn.functional.interpolate(pixels, size, mode=plan.mode, align_corners=True)[0], plan)


def pro_input(picture: Picture, plan: InputPlan) -> Any:
    """Tensor float32 [3, h, w] for Depth Pro: normalised, then squeezed to its square."""
    torch: Any = importlib.import_module("torch")
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255.0
    even = normalised(pixels, plan)[None]
    return torch.nn.functional.interpolate(even, plan.size, mode=plan.mode, align_corners=False)[0]


def normalised(pixels: Any, plan: InputPlan) -> Any:
    mean, std = (pixels.new_tensor(values)[:, None, None] for values in (plan.mean, plan.std))
    return (pixels - mean) / std
