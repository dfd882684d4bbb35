"""Another process, by its number: whether it lives, whether it is Backlot's server, and how it is ended."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

_SERVES = ("backend", "serve")
"""How `backend_process.start_backend` calls a server: python -m backend serve."""
_POLL_S = 0.02
_ASK_S = 15.0


def process_exists(pid: int) -> bool:
    """Whether a process of that number lives. One that has ended counts as gone, also while its parent has not asked
    for its end: a killed server is a child of the Blender that started it, which may never ask."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _windows_process_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _has_ended(pid)


def is_server(pid: int) -> bool:
    """Whether that process is a Backlot server, by its command line: a number may have gone to another program."""
    words = _command_line(pid)
    return any(pair == _SERVES for pair in itertools.pairwise(words))


def end_process(pid: int, patience_s: float) -> bool:
    """Asks a process to end, and makes it after `patience_s`. Whether it is gone."""
    if sys.platform == "win32":  # without a console of its own it cannot be asked
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        return _gone_within(pid, patience_s)
    import signal

    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # one that was stopped hears the first only then
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        if _gone_within(pid, patience_s):
            return True
    return False


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process_exists(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _has_ended(pid: int) -> bool:
    """Whether only its entry is left. Linux says so; elsewhere the entry of an own child is taken away."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return False
        return stat.rpartition(b")")[2].split()[:1] in ([b"Z"], [b"X"])
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _command_line(pid: int) -> list[str]:
    """Its words; [] where that is not known."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            return []
    if sys.platform == "win32":
        asked = f'(Get-CimInstance Win32_Process -Filter "ProcessId={int(pid)}").CommandLine'
        command = ["powershell", "-NoProfile", "-Command", asked]
    else:
        command = ["ps", "-o", "command=", "-p", str(pid)]
    try:
        said = subprocess.run(command, capture_output=True, timeout=_ASK_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return said.stdout.decode("utf-8", "replace").split()


def _windows_process_exists(pid: int) -> bool:
    import ctypes

    query_limited, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(query_limited, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
