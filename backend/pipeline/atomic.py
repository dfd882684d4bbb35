"""Files that appear under their final name only when they are complete."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from shared.errors import BacklotError, DiskFull, InternalError, ShotReadOnly

PARTIAL = ".partial"
"""Suffix part of unfinished files: `frame_0001.1234.partial.png` (the extension stays last for encoders)."""

_FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def partial_path(final: Path) -> Path:
    """The name beside `final` under which it is written."""
    return final.with_name(f"{final.stem}.{os.getpid()}{PARTIAL}{final.suffix}")


@contextlib.contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """A path beside `final` to write to; renamed to `final` when the block succeeds, removed when it does
    not. Raises `DiskFull`, `ShotReadOnly`."""
    beside = partial_path(final)
    with disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(final)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def atomic_folder(final: Path) -> Iterator[Path]:
    """As `atomic_path` for a folder: the old one stays until the new one is whole, then is replaced."""
    beside = final.with_name(f"{final.name}.{os.getpid()}{PARTIAL}")
    with disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        try:
            yield beside
            swap_folder(beside, final)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise


def swap_folder(new: Path, final: Path) -> None:
    """Puts a whole folder in the place of another one, or of none."""
    # A folder cannot be renamed over a filled one: the old one steps aside for an instant.
    old = final.with_name(f"{final.name}.{os.getpid()}.old{PARTIAL}")
    if final.exists():
        final.replace(old)
    new.replace(final)
    shutil.rmtree(old, ignore_errors=True)


def write_text(final: Path, text: str) -> None:
    """A whole text file, UTF-8, on disk before it takes its name."""
    with atomic_path(final) as beside, beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns the operating system's errors about `path` into ours."""
    try:
        yield
    except OSError as error:
        raise translate(error, path) from error


def translate(error: OSError, path: Path) -> BacklotError:
    """Our error for an operating system's one met while writing `path`."""
    if error.errno in _FULL:
        return DiskFull(f"The disk that holds {path.parent} is full.")
    if error.errno in _READ_ONLY:
        return ShotReadOnly(f"{path.parent} cannot be written to.")
    return InternalError(f"{path} could not be written: {error}.", "Check the disk, then run the job again.")


def remove_partials(folder: Path) -> None:
    """Removes what an interrupted run left half-written in `folder` (not in its subfolders)."""
    if not folder.is_dir():
        return
    for path in folder.glob(f"*{PARTIAL}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
