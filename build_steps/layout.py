"""Where things are: the checkout, its environments, caches and outputs."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
SAMPLE = ROOT / "assets" / "sample"
DIST = ROOT / "dist"
DEMO = ROOT / "demo"

PYTHONS = ("3.11", "3.12", "3.13")
"""Python versions the backend runs on, the preferred first."""
BPY_PYTHONS = ("3.11",)
"""Python versions that the bpy wheels below exist for."""
MOCAP_PYTHONS = ("3.11", "3.12")

DEFAULT_BPY = "4.5.15"
TESTED_BPY = ("4.5.15", "4.2.23", "5.0.1")

EXTRAS = ("torch", "learned", "cluster")
"""Parts of the backend's own environment besides its base. torch is made unless told otherwise."""


class BuildError(Exception):
    """Something build.py cannot go on from; its text is what the user reads."""


def shared_module(name: str) -> ModuleType:
    """A module of `shared` that needs the standard library alone."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"shared.{name}")


def command(arguments: str) -> str:
    """How build.py is called on this computer: `setup` -> `python3 build.py setup`."""
    called: str = shared_module("build_command").build_command(arguments)
    return called


def version() -> str:
    """Backlot's version, read without importing the package."""
    text = (ROOT / "shared" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise BuildError("shared/__init__.py states no VERSION: the checkout is damaged.")
    return found[1]


def is_extension() -> bool:
    """True when this is the copy inside an installed Blender extension, not a checkout."""
    return (ROOT / "blender_manifest.toml").is_file()


def home() -> Path:
    """Backlot's folder for its own state (`BACKLOT_HOME` overrides it)."""
    found: Path = shared_module("connection").home_dir()
    return found


def environments_root() -> Path:
    """Where virtual environments go: the checkout; the state folder for an installed extension, whose own
    folder is replaced at every update."""
    return home() / "environments" if is_extension() else ROOT


def cache_root() -> Path:
    return home() / "cache" if is_extension() else ROOT / ".cache"


def screenshots() -> Path:
    """Where the window tests leave what they photographed: a folder for each scenario."""
    return cache_root() / "screenshots"


def environment_python(folder: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def base_environment() -> Path:
    return environments_root() / ".venv"


def bpy_environment(version_wanted: str = DEFAULT_BPY) -> Path:
    """The default version has the plain name, so that exports find it."""
    return environments_root() / (".venv-bpy" if version_wanted == DEFAULT_BPY else f".venv-bpy-{version_wanted}")


def mocap_environment() -> Path:
    return environments_root() / ".venv-mocap"


def docs_environment() -> Path:
    return environments_root() / ".venv-docs"
