"""Ending a child process together with the processes it started.

POSIX: a child leads a session of its own, so that its process group is it and its descendants. Windows: a
child is put into a job object, which ends with its handle: when the server dies, so does the child (on
Linux the child asks for that itself, see `backend/worker/lifeline.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any


class ProcessTree:
    """The processes of the child `pid`. Make it right after the child has started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._job: Any = None
        if sys.platform == "win32":
            self._job = _new_job(pid)

    def kill(self) -> None:
        """Ends all of them at once; nothing happens to those that are gone."""
        if sys.platform == "win32":
            _end_job(self._job)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)

    def close(self) -> None:
        if sys.platform == "win32":
            _close_job(self._job)
            self._job = None


def start_options() -> dict[str, Any]:
    """What a child must be started with for `ProcessTree` to reach it."""
    if sys.platform == "win32":
        import subprocess

        # Ctrl+C in the server's console is the server's business.
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _KILL_ON_CLOSE = 0x2000
    _EXTENDED_LIMITS = 9
    _SET_QUOTA_AND_TERMINATE = 0x0101

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("Basic", _BasicLimits),
            ("IoCounters", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    def _kernel() -> Any:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.OpenProcess.restype = wintypes.HANDLE
        return kernel

    def _new_job(pid: int) -> Any:
        kernel = _kernel()
        job = wintypes.HANDLE(kernel.CreateJobObjectW(None, None))
        limits = _ExtendedLimits()
        limits.Basic.LimitFlags = _KILL_ON_CLOSE
        kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
        process = wintypes.HANDLE(kernel.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, pid))
        kernel.AssignProcessToJobObject(job, process)
        kernel.CloseHandle(process)
        return job

    def _end_job(job: Any) -> None:
        if job is not None:
            _kernel().TerminateJobObject(job, 1)

    def _close_job(job: Any) -> None:
        if job is not None:
            _kernel().CloseHandle(job)
