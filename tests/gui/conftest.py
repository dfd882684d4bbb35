"""What the tests in a real window share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from build_steps import layout
from shared.backend_process import start_backend
from shared.client import Client


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a backend that runs outside, where the environment is; Blender finds it by its file."""
    home = tmp_path / "backlot home"
    start_backend(home, python=Path(sys.executable), source=layout.ROOT)
    yield home
    with Client(home, name="test", start=False) as client:
        client.call("shutdown")
