"""What the tests in a real window share."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from build_steps import layout, packaging
from shared.backend_process import start_backend
from shared.client import Client
from shared.errors import BackendNotRunning


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaging.package(tmp_path_factory.mktemp("package"))


@pytest.fixture
def package(built: Path, tmp_path: Path) -> Path:
    """The extension's zip where the Blender of a test sees it."""
    return Path(shutil.copy(built, tmp_path))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a backend that runs outside, where the environment is; Blender finds it by its file."""
    home = tmp_path / "backlot home"
    start_backend(home, python=Path(sys.executable), source=layout.ROOT)
    with ended(home):
        yield home


@contextlib.contextmanager
def ended(home: Path) -> Iterator[None]:
    """The backend that runs there, if one does, is ended afterwards."""
    try:
        yield
    finally:
        with contextlib.suppress(BackendNotRunning), Client(home, name="test", start=False) as client:
            client.call("shutdown")
