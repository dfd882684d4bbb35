"""Engines `closed-form` and `knn`: every frame by itself, by the library pymatting.

Levin et al., "A closed-form solution to natural image matting" (TPAMI 2008); Chen, Li, Tang, "KNN matting" (TPAMI
2013); Germer et al., "PyMatting: a Python library for alpha matting" (JOSS 2020).
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any

import numpy as np

from shared.errors import EngineUnavailable, InternalError

from .clip import FOREGROUND, UNKNOWN, Alpha, MatteClip

_FUNCTIONS = {"closed-form": "estimate_alpha_cf", "knn": "estimate_alpha_knn"}


def require_pymatting() -> None:
    """Raises `EngineUnavailable`. Imports nothing: pymatting compiles itself when it is first imported, which takes a
    minute."""
    if importlib.util.find_spec("pymatting") is None:
        raise EngineUnavailable(
            "This engine needs pymatting, which is not installed.",
            "Run `python build.py setup --extra learned` in Backlot's folder, or choose the engine banded.",
        )


class PymattingMatter:
    """engine: "closed-form" or "knn"."""

    def __init__(self, engine: str, clip: MatteClip) -> None:
        require_pymatting()
        library: Any = importlib.import_module("pymatting")
        self._estimate: Any = getattr(library, _FUNCTIONS[engine])
        self._engine, self._clip = engine, clip

    def alpha(self, index: int) -> Alpha:
        trimap = self._clip.trimap(index)
        if not (trimap == UNKNOWN).any():
            return np.asarray(trimap == FOREGROUND, np.float32)
        known = np.where(trimap == UNKNOWN, 0.5, trimap / 255.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its thresholds for incomplete factors, which it then lowers itself
            try:
                found = self._estimate(self._clip.picture(index) / 255.0, known)
            except ValueError as bad:
                raise InternalError(f"pymatting's {self._engine} failed: {bad}.", "Choose the engine banded.") from bad
        return np.asarray(np.clip(found, 0.0, 1.0), np.float32)
