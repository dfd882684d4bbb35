"""Engine `vitmatte`: a network of transformers, loaded from a local folder.

Yao et al., "ViTMatte: boosting image matting with pre-trained plain vision transformers" (Information Fusion 2024). It
sees a picture and its trimap; each frame by itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference, require_packages, torch_device
from backend.inference.memory import is_out_of_memory, release
from backend.weights.folder import require, weights_dir
from backend.weights.models import Model, models_of
from shared.errors import EngineUnavailable, InternalError, InvalidRequest, OutOfMemory

from .clip import FOREGROUND, UNKNOWN, Alpha, MatteClip, Picture, Trimap

ENGINE = "vitmatte"
_MULTIPLE = 32
"""Sides of the network's input are multiples of that."""

_MARGIN = 32
"""px around the band that the network sees."""

_SMALLEST = 256
"""px; shorter pieces of a picture are not halved any more."""

_MEAN = _STD = 0.5


@dataclass(frozen=True)
class Chosen:
    """A model whose files are in `folder` and which may be used."""

    model: Model
    folder: Path


def choose(name: str, weights: str | None, *, non_commercial: bool) -> Chosen:
    """The model of that name, or for "auto" the first that is there and allowed. Imports no model code. Raises
    `InvalidRequest` for an unknown name, `EngineUnavailable`."""
    require_packages()
    known = models_of(ENGINE)
    wanted = [model for model in known if name in ("auto", model.name)]
    if not wanted:
        raise InvalidRequest(
            f"There is no matting model named {name!r}.", f"There is: {', '.join(model.name for model in known)}."
        )
    place, refusals = weights_dir(weights), []
    for model in wanted:
        try:
            return Chosen(model, require(model, place, non_commercial=non_commercial))
        except EngineUnavailable as refused:
            refusals.append(refused)
    raise refusals[0]


class VitMatte:
    """Mattes of pictures and trimaps. Out of memory: the picture is cut into halves that overlap, for good."""

    def __init__(self, folder: Path, device: str, notice: Callable[[str], None] = lambda sentence: None) -> None:
        self._device, self._notice = torch_device(device), notice
        self._network = load_checkpoint("VitMatteForImageMatting", folder, self._device)
        self._most: int | None = None

    def matter(self, clip: MatteClip) -> Callable[[int], Alpha]:
        return lambda index: self.alpha(clip.picture(index), clip.trimap(index))

    def alpha(self, picture: Picture, trimap: Trimap) -> Alpha:
        """Raises `OutOfMemory` when even a small piece does not fit."""
        alpha = np.asarray(trimap == FOREGROUND, np.float32)
        unknown = trimap == UNKNOWN
        if not unknown.any():
            return alpha
        box = _around(unknown)
        part = self._tiled(picture[box], trimap[box])
        alpha[box] = np.where(unknown[box], part, alpha[box])
        return alpha

    def _tiled(self, picture: Picture, trimap: Trimap) -> Alpha:
        height, width = trimap.shape
        if self._most is None or height * width <= self._most:
            found = self._attempt(picture, trimap)
            if found is not None:
                return found
            self._shrink(height, width)
        first, second, seam = _halves(height, width)
        whole = np.zeros((height, width), np.float32)
        one, other = self._tiled(picture[first], trimap[first]), self._tiled(picture[second], trimap[second])
        weight = np.zeros((height, width), np.float32)
        for place, part, ramp in ((first, one, seam), (second, other, 1.0 - seam)):
            whole[place] += part * ramp[place]
            weight[place] += ramp[place]
        return np.asarray(whole / np.maximum(weight, 1e-6), np.float32)

    def _attempt(self, picture: Picture, trimap: Trimap) -> Alpha | None:
        """None when it did not fit. The error, whose traceback holds the tensors, is gone by then."""
        try:
            return self._run(picture, trimap)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _shrink(self, height: int, width: int) -> None:
        release()
        if max(height, width) < 2 * _SMALLEST:
            raise OutOfMemory(f"The device has too little memory for a matte of {width} x {height} pixels.")
        self._most = (max(height, width) // 2 + _MARGIN) * min(height, width)
        self._notice(f"The device has too little memory for {width} x {height} pixels at once: pieces from now on.")

    def _run(self, picture: Picture, trimap: Trimap) -> Alpha:
        torch: Any = importlib.import_module("torch")
        height, width = trimap.shape
        pixels = torch.from_numpy(_network_input(picture, trimap)).to(self._device)
        with inference(self._device):
            alphas = self._network(pixel_values=pixels).alphas
        found = alphas[0, 0, :height, :width].float().cpu().numpy()
        if not np.isfinite(found).all():
            raise InternalError("The matting network gave values that are no numbers.")
        return np.asarray(np.clip(found, 0.0, 1.0), np.float32)


def _around(unknown: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(unknown.any(axis=1)), np.flatnonzero(unknown.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - _MARGIN), int(rows[-1]) + _MARGIN + 1),
        slice(max(0, int(columns[0]) - _MARGIN), int(columns[-1]) + _MARGIN + 1),
    )


def _halves(height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice], NDArray[np.float32]]:
    """Two overlapping parts along the longer side, and the first one's weight: float32 [H, W] from 1 to 0."""
    longer, everything = max(height, width), slice(None)
    middle = longer // 2
    ramp = np.clip((middle + _MARGIN - np.arange(longer) - 0.5) / (2.0 * _MARGIN), 0.0, 1.0).astype(np.float32)
    before, after = slice(0, middle + _MARGIN), slice(middle - _MARGIN, longer)
    if height >= width:
        return (before, everything), (after, everything), np.repeat(ramp[:, None], width, axis=1)
    return (everything, before), (everything, after), np.repeat(ramp[None], height, axis=0)


def _network_input(picture: Picture, trimap: Trimap) -> NDArray[np.float32]:
    """float32 [1, 4, h, w]: colours from -1 to 1 and the trimap as 0, 0.5, 1, filled up to the multiple with zeros."""
    height, width = trimap.shape
    colours = (picture.astype(np.float32) / 255.0 - _MEAN) / _STD
    known = np.where(trimap == UNKNOWN, np.float32(0.5), trimap.astype(np.float32) / 255.0)
    both = np.concatenate([colours, known[..., None]], axis=2).astype(np.float32)
    below, right = -height % _MULTIPLE, -width % _MULTIPLE
    filled = cv2.copyMakeBorder(both, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(0.0, 0.0, 0.0, 0.0))
    return np.ascontiguousarray(np.asarray(filled, np.float32).transpose(2, 0, 1)[None])
