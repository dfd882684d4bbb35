"""What is said of objects on the command line: it is put into the shot's prompts, where the artist finds it again.

    --label bag --frame 12 --bbox 10,20,60,80 --points "30,40,+;12,70,-" --label dog --bbox ... --prompt "person,car"

What follows a `--label` belongs to it, what follows a `--frame` is said of that frame; hints before a label's first
`--frame` are said of that frame too, or of the plate's first frame when there is none.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.errors import InvalidRequest
from shared.roto_prompts import (
    NO_PROMPTS,
    Box,
    FramePrompt,
    LabelPrompts,
    Point,
    RotoPrompts,
    read_prompts,
    require_label,
    require_valid,
    write_prompts,
)
from shared.shot import ShotFolder

DEFAULT_LABEL = "object"
"""Of hints that come before any `--label`."""

_DEST = "roto_words"
_BOX_FORM = "x1,y1,x2,y2 in pixels, with x1 < x2 and y1 < y2"
_POINT_FORM = '"x,y,+;x,y,-" in pixels: + on the object, - off it'


@dataclass
class LabelWords:
    """What the command line says of a label. frames: number (None: the plate's first) -> hints, in order."""

    name: str
    static: bool | None = None
    text: str | None = None
    frames: list[tuple[int | None, FramePrompt]] = field(default_factory=list)


class _InOrder(argparse.Action):
    """Collects (flag, value) in the order given: argparse keeps none between flags."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        words = getattr(namespace, _DEST, ())
        setattr(namespace, _DEST, (*words, (self.option_strings[0], values)))


def add_prompt_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("roto: what the objects are; put into the shot's roto/prompts.json")

    def add(flag: str, text: str, metavar: str | None = None) -> None:
        counted: dict[str, Any] = {"nargs": 0} if metavar is None else {"metavar": metavar}
        group.add_argument(flag, action=_InOrder, default=argparse.SUPPRESS, help=text, **counted)

    add("--label", "Starts an object: what follows belongs to it.", "NAME")
    add("--frame", "Plate number that the hints are of; the plate's first without it.", "N")
    add("--bbox", f"Box around the object: {_BOX_FORM}.", "BOX")
    add("--points", f"Points: {_POINT_FORM}.", "POINTS")
    add("--absent", "The object is not to be seen in this frame.")
    add("--static", "The object does not move by itself: the solve may use it.")
    add("--moving", "The object moves by itself, as all do by default: the solve ignores it.")
    add("--prompt", "Objects in words, separated by commas: a label each.", "WORDS")
    add("--new-prompts", "Forget the prompts that the shot has.")


def spoken(namespace: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    """The flags of this group that were given, in order, with their values."""
    return tuple(getattr(namespace, _DEST, ()))


def labels_of(words: Sequence[tuple[str, str]]) -> list[LabelWords]:
    """What was said, label by label. Raises `InvalidRequest` for what makes no sense."""
    labels: list[LabelWords] = []
    groups: list[_Group] = []
    for flag, value in words:
        if flag == "--new-prompts":
            continue
        if flag == "--prompt":
            labels += _texts(value)
            continue
        if flag == "--label":
            require_label(value)
            groups.append(_Group(value))
            continue
        if not groups:
            groups.append(_Group(DEFAULT_LABEL))
        groups[-1].say(flag, value)
    return [group.label() for group in groups] + labels


def _texts(value: str) -> list[LabelWords]:
    texts = [" ".join(text.split()) for text in value.split(",") if text.strip()]
    if not texts:
        raise InvalidRequest("--prompt names nothing.", 'Name objects, such as --prompt "person,bag".')
    for text in texts:
        require_label(text)
    return [LabelWords(text, text=text) for text in texts]


class _Group:
    """A label on the command line while its flags come in."""

    def __init__(self, name: str) -> None:
        self._said = LabelWords(name)
        self._frame: int | None = None
        self._hints = FramePrompt()

    def say(self, flag: str, value: str) -> None:
        match flag:
            case "--frame":
                self._begin(_number(value))
            case "--bbox":
                self._hints = replace(self._hints, boxes=(*self._hints.boxes, *map(_box, value.split(";"))))
            case "--points":
                points = [_point(text) for text in value.split(";") if text.strip()]
                on, off = (tuple(xy for xy, include in points if include is wanted) for wanted in (True, False))
                hints = self._hints
                self._hints = replace(hints, include=hints.include + on, exclude=hints.exclude + off)
            case "--absent":
                self._hints = replace(self._hints, absent=True)
            case _:
                self._said.static = flag == "--static"

    def _begin(self, number: int) -> None:
        if self._frame is not None:
            self._end()
            self._hints = FramePrompt()
        self._frame = number

    def _end(self) -> None:
        name, frame = self._said.name, self._frame
        if frame is not None and self._hints.is_empty:
            raise InvalidRequest(
                f"The command line says nothing of {name!r} at frame {frame}.",
                "With several frames put each --frame in front of its hints.",
            )
        if frame is not None and any(frame == other for other, _ in self._said.frames):
            raise InvalidRequest(f"Frame {frame} of {name!r} is given twice.", "Join its hints behind one --frame.")
        if not self._hints.is_empty:
            self._said.frames.append((frame, self._hints))

    def label(self) -> LabelWords:
        self._end()
        if not self._said.frames and self._said.static is None:
            raise InvalidRequest(
                f"The command line says nothing of {self._said.name!r}.",
                "Put --bbox, --points or --absent behind its --label.",
            )
        return self._said


def _number(value: str) -> int:
    if not value.isdecimal():
        raise InvalidRequest(f"--frame {value} is not a plate number.", "Give a whole number, such as --frame 12.")
    return int(value)


def _box(text: str) -> Box:
    x0, y0, x1, y1 = _numbers(text, 4, "--bbox", _BOX_FORM)
    if not (x0 < x1 and y0 < y1):
        raise InvalidRequest(f"--bbox {text} is empty.", f"Give {_BOX_FORM}.")
    return x0, y0, x1, y1


def _point(text: str) -> tuple[Point, bool]:
    place, _, sign = text.strip().rpartition(",")
    if sign.strip() not in ("+", "-"):
        place, sign = text, "+"
    x, y = _numbers(place, 2, "--points", _POINT_FORM)
    return (x, y), sign.strip() == "+"


def _numbers(text: str, count: int, flag: str, form: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise InvalidRequest(f"{flag} {text} cannot be read.", f"Give {form}.")
    return values


def merged(prompts: RotoPrompts, said: Sequence[LabelWords], first: Callable[[], int]) -> RotoPrompts:
    """The prompts with what was said: a frame of a label that is given replaces what there was of it. first: the
    plate's first number, asked for only when a label came without a frame. Raises `InvalidRequest`."""
    labels = dict(prompts.labels)
    for words in said:
        known = labels.get(words.name, LabelPrompts())
        frames = dict(known.frames)
        for number, prompt in words.frames:
            frames[str(first() if number is None else number)] = prompt
        labels[words.name] = replace(
            known,
            frames=frames,
            text=words.text or known.text,
            moving=known.moving if words.static is None else not words.static,
        )
    newer = replace(prompts, labels=labels)
    require_valid(newer)
    return newer


def remember(shot: ShotFolder, words: Sequence[tuple[str, str]], first: Callable[[], int]) -> RotoPrompts:
    """Puts what was said into the shot's prompts; writes nothing when they say it already. Raises `InvalidRequest`,
    `ShotCorrupt`, `OSError`."""
    known = read_prompts(shot)
    anew = any(flag == "--new-prompts" for flag, _ in words)
    begin = replace(NO_PROMPTS, revision=known.revision) if anew else known
    newer = merged(begin, labels_of(words), first)
    return known if newer == known else write_prompts(shot, newer)
