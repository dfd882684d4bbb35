"""Engines `closed-form` and `knn`: every frame by itself, by the library pymatting.

Levin et al., "A closed-form solution to natural image matting" (TPAMI 2008); Chen, Li, Tang, "KNN matting" (TPAMI
2013); Germer et al., "PyMatting: a Python library for alpha matting" (JOSS 2020).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from shared.build_command import build_command
from shared.errors import EngineUnavailable, InternalError

from .clip import FOREGROUND, UNKNOWN, Alpha, MatteClip

_FUNCTIONS = {"closed-form": "estimate_alpha_cf", "knn": "estimate_alpha_knn"}


def require_pymatting() -> None:
    """Raises `EngineUnavailable`. Imports nothing: Numba takes its time."""
    if importlib.util.find_spec("pymatting") is None:
        raise EngineUnavailable(
            "This engine needs pymatting, which is not installed.",
            f"Run `{build_command('setup --extra learned')}` in Backlot's folder, or choose the engine banded.",
        )


@contextlib.contextmanager
def _compiled_when_called() -> Iterator[None]:
    """pymatting names the types of its functions, which makes Numba compile all of them at the import: a minute for the
    few that are called, and half of it at every start, because some cannot be kept. Without the types, Numba compiles
    (and keeps) each when it is called."""
    numba: Any = importlib.import_module("numba")
    usual = numba.njit

    def njit(*types: Any, **options: Any) -> Any:
        return usual(**options) if types and isinstance(types[0], str) else usual(*types, **options)

    numba.njit = njit
    try:
        yield
    finally:
        numba.njit = usual


class PymattingMatter:
    """engine: "closed-form" or "knn"."""

    def __init__(self, engine: str, clip: MatteClip) -> None:
        require_pymatting()
        with _compiled_when_called():
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
