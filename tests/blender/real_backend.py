"""The real backend in its own environment, which `build.py test` names, for tests inside Blender's Python."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blender.installed import CHECKOUT

VARIABLE = "BACKLOT_BACKEND_PYTHON"


@contextlib.contextmanager
def real_backend(home: Path) -> Iterator[Path]:
    """The home of a running backend. Skips the test where nobody said which Python has its packages."""
    from shared.backend_process import start_backend  # after the extension, which brings msgpack
    from shared.client import Client

    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(f"{VARIABLE} names no Python for the backend")
    start_backend(home, python=Path(python), source=CHECKOUT)
    try:
        yield home
    finally:
        with Client(home, name="test", start=False) as client:
            client.call("shutdown")
