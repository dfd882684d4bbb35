"""What the user sees, and the log that keeps the rest."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .layout import BuildError, cache_root

_TAIL_LINES = 25

Heard = Callable[[str], None]


def say(text: str = "") -> None:
    """Prints in one piece, so that lines of several threads do not mix."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    print(f"! {text}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what is going on and how long it took. The second line names it again: steps may overlap."""
    say(f"- {what} ...")
    started = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - started:.1f} s: {what}")


def log_file(name: str) -> Path:
    """A fresh log under the cache folder."""
    folder = cache_root() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}-{name}.log"


def run_quietly(
    command: Sequence[str], name: str, *, environment: Mapping[str, str] | None = None, folder: Path | None = None,
    heard: Heard | None = None,
) -> None:  # fmt: skip
    """Runs a program with its output in a log. heard: gets every line of it as it comes. Raises `BuildError` with the
    log's end when it fails."""
    log = log_file(name)
    with log.open("wb") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        to = output if heard is None else subprocess.PIPE
        with subprocess.Popen(
            command, stdout=to, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=folder
        ) as process:
            for line in process.stdout or ():
                output.write(line)
                output.flush()
                if heard is not None:
                    heard(line.decode("utf-8", "replace").rstrip())
        code = process.returncode
    if code != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        raise BuildError("\n".join([f"{name} failed (exit code {code}). The end of {log}:", *lines]))
