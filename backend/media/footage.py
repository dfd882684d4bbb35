"""From what the user named (a file, a folder, a pattern) to a video file or an image sequence.

A pattern marks the frame number by `####` (or `@@@@`) or `%04d`; the number of marks is a minimum width, so
`shot.####.exr` also finds frame 10000. One frame of a sequence stands for the whole sequence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import FootageEmpty, FootageNotFound, FootageUnreadable

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".dpx", ".exr", ".bmp", ".webp"})
_CONTAINERS = (
    "mp4 m4v mov qt avi mkv webm mxf mts m2ts ts mpg mpeg m2v wmv flv ogv 3gp gif y4m h264 h265 hevc dv insv lrv"
)
VIDEO_SUFFIXES = frozenset(f".{name}" for name in _CONTAINERS.split())
"""Only used to look through folders: a file that is named is opened whatever its name."""
_MARK = re.compile(r"#+|@+|%0?(\d*)d")
_CLOCK_TIME = re.compile(r"\d+\.\d+$")
_LAST_DIGITS = re.compile(r"^(?P<head>.*?)(?P<digits>\d+)(?P<tail>\D*)$", re.DOTALL)


@dataclass(frozen=True)
class VideoFile:
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def pattern(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class ImageSequence:
    """`numbers` ascend, one per path; they are those of the file names, or 1, 2, ... when the names carry
    none (`counted`). `pattern` is the sequence as a person writes it."""

    folder: Path
    pattern: str
    numbers: tuple[int, ...]
    paths: tuple[Path, ...]
    counted: bool = False

    @property
    def name(self) -> str:
        return Path(self.pattern).name

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers between the first and the last that have no file."""
        present = set(self.numbers)
        return tuple(n for n in range(self.numbers[0], self.numbers[-1] + 1) if n not in present)


Footage = VideoFile | ImageSequence


def find_footage(named: str | os.PathLike[str]) -> Footage:
    """The footage that `named` means. Raises `FootageNotFound`, `FootageEmpty`, `FootageUnreadable`."""
    path = Path(os.path.abspath(Path(named).expanduser()))  # noqa: PTH100 - resolve() would follow links away
    try:
        return _find(path)
    except PermissionError as denied:
        raise FootageUnreadable(
            f"{denied.filename or path} may not be read.", "Change its permissions, or copy the clip elsewhere."
        ) from denied
    except OSError as bad:
        raise FootageUnreadable(f"{path} cannot be read: {bad.strerror or bad}.") from bad


def _find(path: Path) -> Footage:
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        return _of_file(path)
    if _MARK.search(path.name):
        return _of_pattern(path)
    raise FootageNotFound(f"There is no clip at {path}.")


def _of_file(path: Path) -> Footage:
    if path.stat().st_size == 0:
        raise FootageEmpty(f"{path} is empty (0 bytes).", "Copy or export the clip again.")
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        return VideoFile(path)
    split = _LAST_DIGITS.match(path.stem)
    if split is None:
        return ImageSequence(path.parent, str(path), (1,), (path,), counted=True)
    head, tail = split["head"], split["tail"] + path.suffix
    return _gather(path.parent, head, tail, len(split["digits"]))


def _of_pattern(path: Path) -> ImageSequence:
    mark = list(_MARK.finditer(path.name))[-1]
    head, tail = path.name[: mark.start()], path.name[mark.end() :]
    width = int(mark[1] or 1) if mark[0].startswith("%") else len(mark[0])
    if not path.parent.is_dir():
        raise FootageNotFound(f"There is no folder {path.parent}.")
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise FootageUnreadable(
            f"{path.name} is a pattern of files that are not images.",
            "A pattern names frames: png, jpg, tiff, dpx or exr.",
        )
    return _gather(path.parent, head, tail, width)


def _gather(folder: Path, head: str, tail: str, width: int) -> ImageSequence:
    """The files `head + digits + tail` of a folder."""
    found: dict[int, Path] = {}
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        name = entry.name
        digits = name[len(head) : len(name) - len(tail)]
        if name.startswith(head) and name.endswith(tail) and digits.isdecimal() and digits.isascii():
            _add(found, int(digits), Path(entry.path))
    if not found:
        raise FootageNotFound(f"No file in {folder} is named like {head}{'#' * width}{tail}.")
    numbers = tuple(sorted(found))
    pattern = str(folder / f"{head}{'#' * width}{tail}")
    return ImageSequence(folder, pattern, numbers, tuple(found[n] for n in numbers))


def _add(found: dict[int, Path], number: int, path: Path) -> None:
    if number in found:
        raise FootageUnreadable(
            f"Frame {number} exists twice: {found[number].name} and {path.name} in {path.parent}.",
            "Move one of the two sequences to a folder of its own.",
        )
    found[number] = path


def _in_folder(folder: Path) -> Footage:
    files = sorted(
        (Path(e.path) for e in os.scandir(folder) if e.is_file() and not e.name.startswith(".")),
        key=lambda p: p.name,
    )
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
    if not images and len(videos) == 1:
        return _of_file(videos[0])
    if not images:
        found = f"{len(videos)} videos" if videos else "no frames"
        raise FootageEmpty(
            f"{folder} holds {found}.",
            "Pick one of them." if videos else "Pick a folder of png, jpg, tiff, dpx or exr frames, or a video.",
        )
    return _only_sequence(folder, images)


def _only_sequence(folder: Path, images: list[Path]) -> ImageSequence:
    groups = _groups(images)
    if len(groups) == 1:
        (head, tail), members = next(iter(groups.items()))
        if head is not None:
            return _gather(folder, head, tail, len(members[0].name) - len(head) - len(tail))
    clocks = all(_CLOCK_TIME.match(path.stem) for path in images)
    if clocks or all(len(members) == 1 for members in groups.values()):
        # No common head (1305031102.175304.png, from a robot's clock): the order of names is all there is.
        return ImageSequence(folder, str(folder), tuple(range(1, len(images) + 1)), tuple(images), counted=True)
    raise FootageUnreadable(
        f"{folder} holds several sequences: {_list_groups(groups)}.",
        "Name one of them by its pattern, or pick one of its frames.",
    )


Group = tuple[str | None, str]


def _groups(images: Iterable[Path]) -> dict[Group, list[Path]]:
    groups: dict[Group, list[Path]] = {}
    for path in images:
        split = _LAST_DIGITS.match(path.stem)
        key: Group = (split["head"], split["tail"] + path.suffix) if split else (None, path.name)
        groups.setdefault(key, []).append(path)
    return groups


def _list_groups(groups: dict[Group, list[Path]]) -> str:
    names = [f"{head}####{tail}" if head is not None else tail for head, tail in groups]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def describe_numbers(numbers: Iterable[int]) -> str:
    """`1005, 1010-1012`: runs of numbers as a person writes them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return ", ".join(words[:12]) + (f" and {len(words) - 12} more ranges" if len(words) > 12 else "")
