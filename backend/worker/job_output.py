"""A running job's log: records of the logger `backlot` as JSON lines, prints of native libraries as they are."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .protocol import log_line

_LIMIT_BYTES = 20 * 1024 * 1024
_ERROR_OUTPUT = 2


@contextlib.contextmanager
def job_output(log: Path, output: Path) -> Iterator[None]:
    """While the block runs, log records go to `log`, and what this process prints goes to `output`."""
    handler = JobLogHandler(log)
    logger = logging.getLogger("backlot")
    logger.addHandler(handler)
    logging.getLogger("py.warnings").addHandler(handler)
    try:
        with _printing_to(output):
            yield
    finally:
        logger.removeHandler(handler)
        logging.getLogger("py.warnings").removeHandler(handler)
        handler.close()
        _remove_if_empty(output)


class JobLogHandler(logging.Handler):
    """Appends a line a record, at once: the last ones before a crash are the ones that matter. Stops at
    20 MiB. A disk that is full must not end the job from inside its log."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._file = path.open("ab", buffering=0)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + logging.Formatter().formatException(record.exc_info)
        line = log_line(record.levelname.lower(), stage_of(record.name), message, record.created)
        with contextlib.suppress(OSError):
            if self._file.tell() < _LIMIT_BYTES:
                self._file.write(line.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        self._file.close()
        super().close()


def stage_of(logger: str) -> str:
    """`backlot.solve.tracks` -> `solve`."""
    parts = logger.split(".")
    return parts[1] if parts[0] == "backlot" and len(parts) > 1 else ""


@contextlib.contextmanager
def _printing_to(path: Path) -> Iterator[None]:
    usual = os.dup(_ERROR_OUTPUT)
    _point_output(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    try:
        yield
    finally:
        _point_output(usual)


def _point_output(descriptor: int) -> None:
    """Standard output and error of this process, its libraries and its fault handler to `descriptor`."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, _ERROR_OUTPUT)
    os.close(descriptor)
    faulthandler.enable(_ERROR_OUTPUT)


def _remove_if_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()
