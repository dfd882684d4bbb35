"""Installs the built extension into a Blender profile of its own and enables it, once for all tests."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.blender import installed

if not installed.have_bpy():
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def backlot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The enabled extension's package. Disabled at the end, as Blender does when it quits: its threads must be gone
    then (`build_steps/pytest_in_bpy.py` looks)."""
    yield installed.install(tmp_path_factory.mktemp("profile"))
    installed.disable()


@pytest.fixture
def empty(backlot: ModuleType) -> Iterator[None]:
    """An empty scene, with the extension enabled."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    yield


def pytest_configure() -> None:
    root = str(Path(__file__).resolve().parents[2])
    if root not in sys.path:
        sys.path.insert(0, root)
    importlib.invalidate_caches()
