"""A folder of wheels from which the extension's set-up makes a working backend within seconds and without a network.

The one wheel in it holds no package, but a path file that names those of the environment in which the tests run. The
set-up is the real one: it finds a Python, makes an environment, has pip install from the folder, checks and records.
"""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from pathlib import Path

NAME, VERSION = "backlot_test_environment", "1.0"


def why_not() -> str:
    """Why this Python cannot be seen in the folder with the real Blender; empty when it can."""
    if Path(sys.base_prefix) == Path("/usr"):
        return "this Python is the system's, in whose place the other system has its own"
    return ""


def seen() -> tuple[Path, ...]:
    """What Blender's side must be able to read: this Python, and the environment of the tests."""
    return tuple(dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix))))


def write(folder: Path) -> Path:
    folder.mkdir()
    info = f"{NAME}-{VERSION}.dist-info"
    files = {
        f"{NAME}.pth": f"{sysconfig.get_paths()['purelib']}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME.replace('_', '-')}\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: backlot\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{NAME}-{VERSION}-py3-none-any.whl", "w") as wheel:
        for name, text in (files | {f"{info}/RECORD": record}).items():
            wheel.writestr(name, text)
    return folder
