"""The Python that has MediaPipe: `.venv-mocap`, which `build.py setup --extra mocap` makes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from shared import environment
from shared.build_command import build_command
from shared.connection import home_dir
from shared.errors import BacklotError, EngineUnavailable

VARIABLE = "BACKLOT_MOCAP_PYTHON"
"""Environment variable that names another Python with MediaPipe."""

SOURCE = Path(__file__).resolve().parents[3]
"""The folder that holds backend/ and shared/."""

_REMEDY = f"Run `{build_command('setup --extra mocap')}` in Backlot's folder (Python 3.11 or 3.12)."


def mocap_python() -> Path:
    """The interpreter. Raises `EngineUnavailable` when there is none, or one without MediaPipe."""
    named = os.environ.get(VARIABLE)
    places = [Path(named).expanduser()] if named else list(_usual_places())
    for python in places:
        if python.is_file() and _has_mediapipe(python):
            return python
    raise EngineUnavailable("What finds people, MediaPipe, is not installed.", _REMEDY)


def _usual_places() -> Iterator[Path]:
    inner = Path(".venv-mocap") / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with contextlib.suppress(BacklotError):
        record = environment.find(home_dir())
        if record is not None:
            yield Path(record.source) / inner
            yield Path(record.python).parent.parent.parent / inner
    yield SOURCE / inner


def _has_mediapipe(python: Path) -> bool:
    """Without starting it: a stage asks this whenever engines are listed."""
    root = python.parent.parent
    return any(root.glob("lib/python3*/site-packages/mediapipe")) or (root / "Lib/site-packages/mediapipe").is_dir()
