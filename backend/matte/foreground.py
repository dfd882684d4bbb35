"""The object's own colours in pixels that it shares with the background.

Germer et al., "Fast multi-level foreground estimation" (ICPR 2020): minimise the compositing error and the change of
both colours where alpha changes, level by level from a coarse picture to the full one. Each step solves one pixel given
its four neighbours; the steps of a level are done for all pixels at once.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import Alpha

Colours = NDArray[np.float32]
"""float32 [H, W, 3] of any unit."""

_REGULAR = 5e-3
_GRADIENT = 0.1
_COARSE_STEPS, _FINE_STEPS = 10, 2
_FINE_FROM = 32
_SIDES = ((0, 1), (0, -1), (1, 1), (1, -1))


def foreground_colours(picture: Colours, alpha: Alpha) -> Colours:
    """The object's colour in every pixel with alpha, as it would be without background; the picture's own where alpha
    is 1. In a pixel without alpha it is a guess without meaning."""
    height, width = alpha.shape
    levels = max(1, int(np.ceil(np.log2(max(height, width)))))
    object_ = background = np.zeros((1, 1, 3), np.float32)
    for level in range(levels + 1):
        size = (max(1, round(width ** (level / levels))), max(1, round(height ** (level / levels))))
        seen, share = _resized(picture, size, cv2.INTER_AREA), _resized(alpha, size, cv2.INTER_AREA)
        object_, background = (_resized(one, size) for one in (object_, background))
        steps = _COARSE_STEPS if max(size) <= _FINE_FROM else _FINE_STEPS
        for _ in range(steps):
            object_, background = _step(seen, share, object_, background)
    return np.where(alpha[..., None] >= 1.0, picture, object_)


def _resized(values: NDArray[np.float32], size: tuple[int, int], how: int = cv2.INTER_NEAREST) -> NDArray[np.float32]:
    """size: (width, height). OpenCV drops axes of length 1, which come back here."""
    shape = (size[1], size[0], *values.shape[2:])
    return np.asarray(cv2.resize(values, size, interpolation=how), np.float32).reshape(shape)


def _step(picture: Colours, alpha: Alpha, object_: Colours, background: Colours) -> tuple[Colours, Colours]:
    """Both colours of every pixel given its neighbours': a 2 x 2 system a pixel, the same for the three channels."""
    weights, objects, backgrounds = np.zeros_like(alpha), np.zeros_like(object_), np.zeros_like(background)
    for axis, shift in _SIDES:
        weight = _REGULAR + _GRADIENT * np.abs(alpha - _neighbour(alpha, axis, shift))
        weights += weight
        objects += weight[..., None] * _neighbour(object_, axis, shift)
        backgrounds += weight[..., None] * _neighbour(background, axis, shift)
    rest = 1.0 - alpha
    a, b, d = alpha * alpha + weights, alpha * rest, rest * rest + weights
    first = alpha[..., None] * picture + objects
    second = rest[..., None] * picture + backgrounds
    scale = 1.0 / (a * d - b * b)
    found = (d * scale)[..., None] * first - (b * scale)[..., None] * second
    behind = (a * scale)[..., None] * second - (b * scale)[..., None] * first
    high = float(picture.max(initial=1.0))
    return np.clip(found, 0.0, high), np.clip(behind, 0.0, high)


def _neighbour(values: NDArray[np.float32], axis: int, shift: int) -> NDArray[np.float32]:
    """The next pixel along an axis; at the picture's edge a pixel is its own neighbour."""
    first = values[:1] if axis == 0 else values[:, :1]
    last = values[-1:] if axis == 0 else values[:, -1:]
    if shift > 0:
        kept = values[1:] if axis == 0 else values[:, 1:]
        return np.concatenate([kept, last], axis=axis)
    kept = values[:-1] if axis == 0 else values[:, :-1]
    return np.concatenate([first, kept], axis=axis)
