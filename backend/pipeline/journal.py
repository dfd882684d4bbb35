"""Many files changed as one: a redo log.

New content is staged in `.backlot/change/`; then the journal, a list of renames and of files that go, appears
there in one rename.
Before that moment an interrupted change never happened; after it, whoever takes the shot's lock next
finishes it. Renaming is all that is left then, so finishing needs no memory of what the change was.
(The write-ahead log of databases; Gray and Reuter, Transaction Processing, 1992, chapter 9.)
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from shared.artifacts import Artifact
from shared.errors import InvalidRequest, ShotCorrupt
from shared.shot import ShotFolder

from .atomic import disk_errors, write_text

_VERSION = 1
FOLDER = "change"
"""In the shot's private folder; there while a change is under way, or was interrupted."""


class Change:
    """The files of one change, in the order in which they will take their places. Made by `change_files`."""

    def __init__(self, shot: ShotFolder, folder: Path) -> None:
        self._shot, self._folder = shot, folder
        self._renames: list[tuple[str, str]] = []
        self._last: list[tuple[str, str]] = []
        self._removed: list[str] = []
        self._fleeting: set[str] = set()

    def stage(self, final: Path, *, last: bool = False, fleeting: bool = False) -> Path:
        """Where to write the new content of `final`, a file of the shot; `last` takes its place after all others.
        fleeting: one of many files that a power cut may damage, since the stage would make them again; they are not
        flushed to the disk one by one. Raises `InvalidRequest` when it lies on another disk than the shot's root:
        then no rename can bring it there."""
        near = final.parent
        near.mkdir(parents=True, exist_ok=True)
        if near.stat().st_dev != self._folder.stat().st_dev:
            raise InvalidRequest(
                f"{near} is on another disk than {self._shot.root}.", "Keep the whole shot on one disk to change it."
            )
        staged = f"{len(self._renames) + len(self._last):06d}{final.suffix}"  # encoders look at the extension
        (self._last if last else self._renames).append((staged, self._shot.relative(final)))
        if fleeting:
            self._fleeting.add(staged)
        return self._folder / staged

    def scratch(self) -> Path:
        """A folder for what does not come to stay, on the shot's disk; gone with the change."""
        folder = self._folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def remove(self, final: Path) -> None:
        """That file of the shot is gone when the change is done."""
        self._removed.append(self._shot.relative(final))

    def replaces_folder(self, folder: Path) -> None:
        """Files right in `folder` that are not staged by now are gone when the change is done."""
        staged = self._staged_in(self._shot.relative(folder))
        for item in sorted(folder.iterdir()) if folder.is_dir() else ():
            if item.is_file() and self._shot.relative(item) not in staged:
                self.remove(item)

    def touches(self, path: str) -> bool:
        """Whether the file, or a file right in the folder, of that name (relative to the root) is staged."""
        return bool(self._staged_in(path))

    def size_after(self, path: str) -> int:
        """Bytes that the file, or the files right in the folder, will have when the change is done."""
        place, staged = self._shot.root / path, self._staged_in(path)
        if not place.is_dir():
            return next(iter(staged.values())).stat().st_size if staged else place.stat().st_size
        stay = [item for item in place.iterdir() if item.is_file() and self._shot.relative(item) not in staged]
        return sum(item.stat().st_size for item in (*stay, *staged.values()))

    def resized(self, artifact: Artifact) -> Artifact:
        """With the size that it will have."""
        return replace(artifact, bytes=self.size_after(artifact.path)) if self.touches(artifact.path) else artifact

    def _staged_in(self, path: str) -> dict[str, Path]:
        return {
            final: self._folder / staged
            for staged, final in (*self._renames, *self._last)
            if path in (final, str(PurePosixPath(final).parent))
        }

    def commit(self) -> None:
        """From here on the change will happen, whatever happens to this process."""
        renames = [*self._renames, *self._last]
        for staged, _ in renames:
            if staged not in self._fleeting:
                _flush(self._folder / staged)
        journal = {"version": _VERSION, "renames": renames, "removed": self._removed}
        write_text(_journal(self._shot), json.dumps(journal, ensure_ascii=False))
        _flush(self._folder)
        _finish(self._shot)


@contextlib.contextmanager
def change_files(shot: ShotFolder) -> Iterator[Change]:
    """Changes the files that are staged in the block when it succeeds, none when it does not. The caller holds
    the shot's lock. Raises `DiskFull`, `ShotReadOnly`."""
    folder = _folder(shot)
    with disk_errors(folder):
        try:
            folder.mkdir(parents=True)
            change = Change(shot, folder)
            yield change
            change.commit()
        except BaseException:
            if not _journal(shot).is_file():
                shutil.rmtree(folder, ignore_errors=True)
            raise


def recover(shot: ShotFolder) -> bool:
    """Finishes a change that was interrupted after its journal was written, and forgets one that had not come
    so far. The caller holds the shot's lock. Whether there was one to finish. Raises `ShotCorrupt`."""
    folder = _folder(shot)
    if not folder.is_dir():
        return False
    with disk_errors(folder):
        if _journal(shot).is_file():
            _finish(shot)
            return True
        shutil.rmtree(folder)
        return False


def _finish(shot: ShotFolder) -> None:
    """Every rename that is still due; may be interrupted and repeated any number of times."""
    folder, touched = _folder(shot), set()
    renames, removed = _read_journal(shot)
    for final in removed:
        (shot.root / final).unlink(missing_ok=True)
    for staged, final in renames:
        target = shot.root / final
        touched.add(target.parent)
        if (folder / staged).exists():
            os.replace(folder / staged, target)  # noqa: PTH105  (tests interrupt it here)
    for place in touched:
        _flush(place)
    _journal(shot).unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _read_journal(shot: ShotFolder) -> tuple[list[tuple[str, str]], list[str]]:
    """Renames (staged name, final path) and paths that go."""
    path = _journal(shot)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        renames = [(str(staged), str(final)) for staged, final in said["renames"]]
        removed = [str(final) for final in said.get("removed", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.") from bad
    inside = all(Path(staged).name == staged for staged, _ in renames)
    for final in (*(final for _, final in renames), *removed):
        inside &= not PurePosixPath(final).is_absolute() and ".." not in PurePosixPath(final).parts
    if not inside:
        raise ShotCorrupt(f"{path} names files outside of the shot.")
    return renames, removed


def _folder(shot: ShotFolder) -> Path:
    return shot.private_dir / FOLDER


def _journal(shot: ShotFolder) -> Path:
    return _folder(shot) / "journal.json"


def _flush(path: Path) -> None:
    """To the disk itself: a power cut must not reorder content and names."""
    if path.is_dir() and sys.platform == "win32":
        return  # Windows has no handle of a folder to flush
    handle = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
