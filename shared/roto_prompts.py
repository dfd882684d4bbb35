"""`roto/prompts.json`: what the artist says about the objects of a shot: clicks, boxes, strokes, painted masks, text.

Any client writes it; the roto stage only reads it. It is strict: a field that is misspelt is refused, not ignored.
Coordinates are pixels of the plate with edges at integers: the centre of the top-left pixel is (0.5, 0.5); boxes are
half-open. docs/formats.md shows an example.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass, field
from typing import Any

from .artifacts import RESERVED_LABELS, frame_name
from .documents import read_plain, refuse_unknown, write_document
from .errors import InvalidRequest, MalformedMessage, ShotCorrupt
from .shot import ShotFolder
from .wire import unpack

PROMPTS_VERSION = 1
PAINTED = ".prompts"
"""Folder under roto/ that holds the painted masks; the point keeps it apart from the labels' own folders."""

_REMEDY = "Correct the file, or delete it to start the prompts anew. Nothing else was changed."
_LONGEST_LABEL = 64
_LABEL = re.compile(r"[^\W_][\w .+-]*", re.UNICODE)
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for itself

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Stroke:
    """A painted line: all within `radius` px of the polyline through `points` belongs to the object (include) or does
    not. One point is a dab."""

    points: tuple[Point, ...]
    radius: float
    include: bool = True


@dataclass(frozen=True)
class FramePrompt:
    """What is said of one object on one frame.

    include, exclude: points on the object and off it. boxes: (x0, y0, x1, y1); the object is inside of their union.
    strokes: in the order they were painted, a later one wins. mask: file of a full mask of the object, 8-bit, of the
    plate's size, as a path under roto/ with forward slashes; the other hints correct it. absent: the object is not to
    be seen in this frame; nothing else may be said then.
    """

    include: tuple[Point, ...] = ()
    exclude: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    mask: str | None = None
    absent: bool = False

    @property
    def is_empty(self) -> bool:
        return self == FramePrompt()


@dataclass(frozen=True)
class LabelPrompts:
    """One object. moving: it moves by itself, so that the solve ignores its pixels. text: what it is in words, for
    engines that find by text; "person" finds every person, as `<label>` or `<label>_00`... color: RGB 0..1 that
    clients draw it with, None for a colour of their choice. frames: plate number (as text, for JSON) -> what is said.
    """

    moving: bool = True
    text: str | None = None
    color: tuple[float, float, float] | None = None
    frames: dict[str, FramePrompt] = field(default_factory=dict)

    @property
    def prompted(self) -> dict[int, FramePrompt]:
        """Plate number -> what is said there, in order, without frames of which nothing is said."""
        said = ((int(number), prompt) for number, prompt in self.frames.items())
        return dict(sorted((number, prompt) for number, prompt in said if not prompt.is_empty))


@dataclass(frozen=True)
class RotoPrompts:
    """revision: grows by one with every change, so that clients notice each other's. labels: name -> object, first ones
    in front of later ones where nothing else decides."""

    version: int = PROMPTS_VERSION
    revision: int = 0
    labels: dict[str, LabelPrompts] = field(default_factory=dict)


NO_PROMPTS = RotoPrompts()


def painted_mask(label: str, number: int) -> str:
    """Where a client puts a painted mask, as a path under roto/."""
    return f"{PAINTED}/{label}/{frame_name(number)}"


def read_prompts(shot: ShotFolder) -> RotoPrompts:
    """The shot's prompts; none when there is no file. Raises `ShotCorrupt` naming the field that is wrong."""
    plain = read_plain(shot.prompts, _REMEDY)
    if plain is None:
        return NO_PROMPTS
    try:
        prompts = prompts_from(plain)
    except (MalformedMessage, InvalidRequest) as bad:
        raise ShotCorrupt(f"{shot.prompts}: {bad.message}", _REMEDY) from bad
    return prompts


def prompts_from(plain: Any) -> RotoPrompts:
    """Prompts from the plain values of JSON. Raises `MalformedMessage`, `InvalidRequest`."""
    refuse_unknown(RotoPrompts, plain, "prompts.json")
    prompts = unpack(RotoPrompts, plain, "prompts.json")
    require_valid(prompts)
    return prompts


def write_prompts(shot: ShotFolder, prompts: RotoPrompts) -> RotoPrompts:
    """Puts the prompts in place at once and returns them with the next revision. Raises `InvalidRequest`, `OSError`."""
    require_valid(prompts)
    newer = dataclasses.replace(prompts, revision=prompts.revision + 1)
    write_document(shot.prompts, newer)
    return newer


def require_valid(prompts: RotoPrompts) -> None:
    """Raises `InvalidRequest` naming the first field that makes no sense."""
    if prompts.version != PROMPTS_VERSION:
        message = f"version is {prompts.version}, this Backlot reads {PROMPTS_VERSION}."
        raise InvalidRequest(message, "Update Backlot.")
    _require(prompts.revision >= 0, "revision", "0 or more", prompts.revision)
    seen: dict[str, str] = {}
    for name, label in prompts.labels.items():
        require_label(name)
        twin = seen.setdefault(name.casefold(), name)  # the same folder on Windows and macOS
        _require(twin == name, f"labels.{name}", f"a name that differs from {twin!r} in more than case", name)
        for number, prompt in label.frames.items():
            where = f"labels.{name}.frames.{number}"
            _require(number.isdecimal() and str(int(number)) == number, where, "a plate number", number)
            require_valid_prompt(prompt, where)
        if label.color is not None:
            in_range = all(0.0 <= value <= 1.0 for value in label.color)
            _require(in_range, f"labels.{name}.color", "three numbers from 0 to 1", label.color)


def require_label(name: str) -> None:
    """Raises `InvalidRequest` for a name that cannot be a folder's on every system, or that is taken."""
    good = _LABEL.fullmatch(name) and len(name) <= _LONGEST_LABEL and name[-1] not in " ."
    if not good or _DEVICES.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} cannot be a label.",
            f"Take letters, digits, _ - + . and spaces, starting with a letter or digit, {_LONGEST_LABEL} at most.",
        )
    if name.casefold() in RESERVED_LABELS:
        raise InvalidRequest(f"The label {name!r} is taken: its folder is for all labels.", "Take another name.")


def require_valid_prompt(prompt: FramePrompt, where: str) -> None:
    """Raises `InvalidRequest` naming the field. Whether points lie on the plate is for those who know its size."""
    for name in ("include", "exclude"):
        for i, point in enumerate(getattr(prompt, name)):
            _require(all(map(math.isfinite, point)), f"{where}.{name}[{i}]", "two finite numbers", point)
    for i, (x0, y0, x1, y1) in enumerate(prompt.boxes):
        good = all(map(math.isfinite, (x0, y0, x1, y1))) and x0 < x1 and y0 < y1
        _require(good, f"{where}.boxes[{i}]", "x0, y0, x1, y1 with x0 < x1 and y0 < y1", (x0, y0, x1, y1))
    for i, stroke in enumerate(prompt.strokes):
        at = f"{where}.strokes[{i}]"
        _require(bool(stroke.points), f"{at}.points", "one point or more", stroke.points)
        _require(all(math.isfinite(v) for xy in stroke.points for v in xy), f"{at}.points", "finite", stroke.points)
        _require(math.isfinite(stroke.radius) and stroke.radius > 0, f"{at}.radius", "above 0", stroke.radius)
    if prompt.mask is not None:
        parts = prompt.mask.split("/")
        safe = parts[0] != "" and not {"", ".", ".."} & set(parts) and not set(prompt.mask) & set("\\:\0")
        _require(safe, f"{where}.mask", "a path under roto/ with forward slashes", prompt.mask)
    alone = dataclasses.replace(prompt, absent=False).is_empty
    _require(alone or not prompt.absent, f"{where}.absent", "false where points, boxes, strokes or a mask are", True)


def _require(good: bool, where: str, wanted: str, got: object) -> None:
    if not good:
        raise InvalidRequest(f"{where} should be {wanted}, not {got!r}.", "Correct it and try again.")
