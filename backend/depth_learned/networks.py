"""Depth networks of transformers, loaded from a local folder.

Yang et al., "Depth Anything" (CVPR 2024) and "Depth Anything V2" (NeurIPS 2024); Bochkovskii et al., "Depth Pro" (ICLR
2025); Bhat et al., "ZoeDepth" (2023); Ranftl et al., "Vision Transformers for Dense Prediction" (ICCV 2021).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference
from shared.errors import EngineUnavailable, InternalError

from .inputs import InputPlan, dpt_input, pro_input, read_plan, zoe_input
from .maps import METRIC, RELATIVE, Map, Picture, RawMap
from .outputs import dpt_output, pro_output, zoe_output

Input = Callable[[Picture, InputPlan], Any]
Output = Callable[[RawMap, tuple[int, int], float | None, InputPlan], Map]


@dataclass(frozen=True)
class Family:
    """An architecture. class_name: in transformers. plan: of the published checkpoints, for what a checkpoint does not
    say. batch: pictures at once on a GPU."""

    class_name: str
    plan: InputPlan
    prepare: Input
    finish: Output
    batch: int


FAMILIES = {
    "depth-anything": Family(
        "DepthAnythingForDepthEstimation",
        InputPlan((518, 518), True, 14, "bicubic"),
        dpt_input,
        lambda raw, size, focal, plan: dpt_output(raw, size),
        8,
    ),
    "dpt": Family(
        "DPTForDepthEstimation",
        InputPlan((384, 384), False, 1, "bicubic", (0.5,) * 3, (0.5,) * 3),
        dpt_input,
        lambda raw, size, focal, plan: dpt_output(raw, size),
        8,
    ),
    "zoedepth": Family(
        "ZoeDepthForDepthEstimation",
        InputPlan((384, 512), True, 32, "bilinear", (0.5,) * 3, (0.5,) * 3, pad=True),
        zoe_input,
        lambda raw, size, focal, plan: zoe_output(raw, size, plan.pad),
        4,
    ),
    "depth-pro": Family(
        "DepthProForDepthEstimation",
        InputPlan((1536, 1536), False, 1, "bilinear", (0.5,) * 3, (0.5,) * 3),
        pro_input,
        lambda raw, size, focal, plan: pro_output(raw, size, focal),
        1,
    ),
}


class NetworkDepth:
    """Implements `DepthModel`. Networks run in float32 on the processor and in mixed float16 on a GPU, whose eleven
    bits leave 0.05 % steps (bfloat16 would leave 0.4 %); a batch that overflows runs again in float32. notice: hears of
    that, once."""

    def __init__(
        self, name: str, family: Family, kind: str, network: Any, device: Any, plan: InputPlan,
        notice: Callable[[str], None] = lambda sentence: None,
    ) -> None:  # fmt: skip
        self.name, self.kind = name, kind
        self.batch = family.batch if device.type == "cuda" else 1
        self.plan = plan
        self._family, self._network, self._device, self._notice = family, network, device, notice
        self._mixed = True

    def predict(self, pictures: Sequence[Picture]) -> list[RawMap]:
        torch: Any = importlib.import_module("torch")
        pixels = torch.stack([self._family.prepare(picture, self.plan) for picture in pictures]).to(self._device)
        maps, angles = self._run(pixels, self._mixed)
        if not np.isfinite(maps).all() and self._mixed and self._device.type == "cuda":
            self._mixed = False
            self._notice(f"{self.name} overflows in half precision: it runs in full precision, slower.")
            maps, angles = self._run(pixels, self._mixed)
        if not np.isfinite(maps).all():
            raise InternalError(f"The network {self.name} gave values that are no numbers.")
        return [RawMap(values, angle) for values, angle in zip(maps, angles, strict=True)]

    def _run(self, pixels: Any, mixed: bool) -> tuple[Map, list[float | None]]:
        with inference(self._device, mixed=mixed):
            found = self._network(pixel_values=pixels)
        maps = found.predicted_depth.float().cpu().numpy()
        angle = getattr(found, "field_of_view", None)
        if angle is None:
            return maps, [None] * len(maps)
        return maps, [float(value) for value in angle.float().cpu().reshape(-1)]

    def resized(self, raw: RawMap, size: tuple[int, int], focal_px: float | None = None) -> Map:
        return self._family.finish(raw, size, focal_px, self.plan)


def load_network(
    name: str, family: str, folder: Path, device: Any, notice: Callable[[str], None] = lambda sentence: None
) -> NetworkDepth:
    """The network of a local checkpoint. Raises `EngineUnavailable` when it is damaged or another model."""
    about = FAMILIES[family]
    network = load_checkpoint(about.class_name, folder, device)
    plan = read_plan(folder, about.plan)
    if any(side < 1 for side in plan.size) or len(plan.mean) != 3 or len(plan.std) != 3 or min(plan.std) <= 0.0:
        raise EngineUnavailable(
            f"{folder / 'preprocessor_config.json'} asks for pictures that cannot be.",
            "Delete the folder and fetch the model again.",
        )
    return NetworkDepth(name, about, _kind(family, network.config), network, device, plan, notice)


def _kind(family: str, config: Any) -> str:
    if family == "depth-anything":
        return METRIC if config.depth_estimation_type == "metric" else RELATIVE
    return RELATIVE if family == "dpt" else METRIC
