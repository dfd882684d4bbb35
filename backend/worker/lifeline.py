"""Ending with the server, whatever this process is busy with.

Twice: the kernel is asked to end this process with its parent (Linux; Windows has the server's job object,
see `backend/server/process_tree.py`), and a thread that reads the channel ends it when the server's side
closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def follow(parent_pid: int) -> None:
    """Ties this process's life to its parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which then ends its children
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if sys.platform != "win32" and os.getppid() != parent_pid:  # it ended before the tie was made
        end()


def tethered(command: list[str]) -> list[str]:
    """A command for a process that ends when this one does, however this one ends. The thread that starts it
    must live as long as it (Linux counts a process's parent by thread). A program that is not there ends
    with code 127 in place of an `OSError`. Elsewhere than on Linux: the command as it is, since `end` and
    Windows's job object reach it."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *command]


_TETHER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        print(sys.argv[2], "cannot be started:", error, file=sys.stderr)
        sys.exit(127)
"""
"""What sets the tie and then becomes the command: PR_SET_PDEATHSIG with SIGKILL lasts over an exec."""


def end() -> NoReturn:
    """Ends this process and those it started, now."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(0, signal.SIGKILL)
    os._exit(1)


def stand_back() -> None:
    """Lets the server and Blender go first, for the processor's time and when memory runs out."""
    if sys.platform == "win32":
        below_normal = 0x4000
        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
        return
    os.nice(5)
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("500")
