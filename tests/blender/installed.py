"""Builds the extension's zip and installs it as a user would, into a throw-away Blender profile."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = "bl_ext.user_default.backlot"


def have_bpy() -> bool:
    return importlib.util.find_spec("bpy") is not None


def build_zip(folder: Path) -> Path:
    """The extension as `build.py package` writes it."""
    command = [sys.executable, str(CHECKOUT / "build.py"), "package", "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (made,) = folder.glob("*.zip")
    return made


def install(profile: Path) -> ModuleType:
    """Installs and enables the extension in `profile`, which must not exist in this Blender yet."""
    os.environ["BLENDER_USER_RESOURCES"] = str(profile)
    import bpy

    package = profile / "package"
    package.mkdir(parents=True)
    path = build_zip(package)
    bpy.ops.extensions.package_install_files(filepath=str(path), repo="user_default", enable_on_install=True)
    return importlib.import_module(PACKAGE)


def disable() -> None:
    """Disables the extension, as unticking it in the preferences does."""
    import addon_utils

    addon_utils.disable(PACKAGE)
