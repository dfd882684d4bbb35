"""A notification of the desktop, by what the operating system brings. No bpy here."""

from __future__ import annotations

import shutil
import subprocess
import sys

_APPLE_SCRIPT = (
    "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"  # no text in the script
)


def is_available() -> bool:
    return bool(_program())


def notify(title: str, text: str) -> None:
    """Shows it if this desktop can, and waits for nothing."""
    program = _program()
    if not program:
        return
    arguments = ["-e", _APPLE_SCRIPT, title, text] if sys.platform == "darwin" else ["--app-name=Backlot", title, text]
    try:
        subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:  # the status bar says it too
        return


def _program() -> str:
    if sys.platform == "win32":
        return ""
    return shutil.which("osascript" if sys.platform == "darwin" else "notify-send") or ""
