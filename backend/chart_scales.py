"""Round numbers along the axes of plots."""

from __future__ import annotations

import math


def ticks(span: tuple[float, float], *, whole: bool = False) -> list[float]:
    """Four to eight round numbers within the span."""
    rough = (span[1] - span[0]) / 5.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    if whole:
        step = max(1.0, round(step))
    first = math.ceil(span[0] / step - 1e-9)
    return [i * step for i in range(first, math.floor(span[1] / step + 1e-9) + 1)]


def short(value: float) -> str:
    return f"{value:.4g}" if abs(value) > 1e-12 else "0"
