"""How people call build.py on their computer: for errors and reports that tell them to."""

from __future__ import annotations

import sys

_PROGRAM = "py build.py" if sys.platform == "win32" else "python3 build.py"
"""Debian has no program named python, Windows none named python3."""


def build_command(arguments: str) -> str:
    """`setup --bpy` -> `python3 build.py setup --bpy`."""
    return f"{_PROGRAM} {arguments}"
