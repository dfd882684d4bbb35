"""Programs of the user's, in environments of their own: run to their end, or stopped with all they started."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.server.process_tree import ProcessTree, start_options
from backend.worker.lifeline import tethered
from shared.errors import EngineUnavailable

OUT_OF_MEMORY = 70
"""Exit code by which a program says that what it was given did not fit. Being killed by the system counts as that
too."""

_KILLED = (-9, 137)
_SAID = ("out of memory", "outofmemoryerror", "cannot allocate memory")
_POLL_S = 0.1
_LAST_LINES = 12


def run_program(
    command: Sequence[str], log: Path, check_cancelled: Callable[[], None], remedy: str, timeout_s: float | None = None
) -> tuple[int | None, str]:
    """(exit code, None when the time was up; what it printed, which also is in `log`). The program and whatever it
    started end when `check_cancelled` raises. Raises `EngineUnavailable` when it cannot be started."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                tethered(list(command)), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                **start_options(),
            )  # fmt: skip
        except OSError as error:
            raise EngineUnavailable(f"{command[0]} cannot be started: {error}.", remedy) from error
        tree = ProcessTree(process.pid)
        try:
            code = _waited(process, check_cancelled, timeout_s)
        finally:
            if process.poll() is None:
                tree.kill()
                process.wait()
            tree.close()
    return code, log.read_text(encoding="utf-8", errors="replace")


def _waited(
    process: subprocess.Popen[bytes], check_cancelled: Callable[[], None], timeout_s: float | None
) -> int | None:
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while end is None or time.monotonic() < end:
        check_cancelled()
        try:
            return process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
    return None


def ran_out_of_memory(code: int | None, said: str) -> bool:
    """Whether a program ended for want of memory: its code, the system's, or its last words say so."""
    return code == OUT_OF_MEMORY or code in _KILLED or any(words in last_words(said).lower() for words in _SAID)


def last_words(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-_LAST_LINES:])
