"""The shot's prompts decoded for its plate: what engines follow, and what they find by text."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.pipeline.fingerprint import of_files
from shared.errors import InvalidRequest, ShotCorrupt
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts
from shared.shot import ShotFolder, document_text

from .cut.hints import Hints, marks_of

WHAT_TO_DO = (
    "Click on it, box it or paint it in Blender's Image Editor, or give --bbox x1,y1,x2,y2 or --prompt person on the "
    "command line."
)


@dataclass(frozen=True)
class Said:
    """What of the prompts counts for a plate. hints: label -> plate number -> hints. texts: label -> words, of the
    labels without hints. skipped: sentences about what does not count."""

    hints: Mapping[str, Mapping[int, Hints]]
    texts: Mapping[str, str]
    skipped: tuple[str, ...] = ()


def hinted_and_texts(prompts: RotoPrompts) -> tuple[tuple[str, ...], dict[str, str]]:
    """Labels that have hints, first ones in front; and the words of those that have only words."""
    hinted = tuple(name for name, label in prompts.labels.items() if label.prompted)
    texts = {
        name: label.text.strip()
        for name, label in prompts.labels.items()
        if name not in hinted and label.text is not None and label.text.strip()
    }
    return hinted, texts


def prompts_fingerprint(prompts: RotoPrompts, shot: ShotFolder) -> dict[str, str]:
    """What masks depend on: neither colours, nor the revision, nor whether the solve uses an object."""
    labels = {name: dataclasses.replace(label, color=None, moving=True) for name, label in prompts.labels.items()}
    files = {
        shot.roto_dir / prompt.mask for label in labels.values() for prompt in label.prompted.values() if prompt.mask
    }
    masks = of_files([path for path in files if path.is_file()], shot.roto_dir)
    said = document_text(RotoPrompts(labels=labels)).encode()
    return {"prompts": hashlib.blake2b(said, digest_size=20).hexdigest(), "painted": masks}


def decode(prompts: RotoPrompts, shot: ShotFolder, numbers: Sequence[int], size: tuple[int, int]) -> Said:
    """numbers: of the plate. size: its width and height, px. Raises `InvalidRequest` for prompts that are empty,
    contradict themselves or lie off the plate, naming label and frame, and `ShotCorrupt` for a painted mask that cannot
    be read."""
    names, texts = hinted_and_texts(prompts)
    skipped = [
        f"Nothing is said of {name!r} yet: it gets no mask."
        for name in prompts.labels
        if name not in names and name not in texts
    ]
    there = frozenset(numbers)
    hints: dict[str, dict[int, Hints]] = {}
    for name in names:
        label = prompts.labels[name]
        outside = sorted(set(label.prompted) - there)
        if outside:
            skipped.append(_outside(name, outside, numbers))
        inside = {number: prompt for number, prompt in label.prompted.items() if number in there}
        hints[name] = _label_hints(name, inside, shot, size)
        _require_place(name, label, hints[name], numbers)
    return Said(hints, texts, tuple(skipped))


def _outside(name: str, outside: list[int], numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, outside[:5])) + (", ..." if len(outside) > 5 else "")
    return f"What is said of {name!r} at frame {named} is not used: the plate has frames {numbers[0]} to {numbers[-1]}."


def _label_hints(
    name: str, prompted: Mapping[int, FramePrompt], shot: ShotFolder, size: tuple[int, int]
) -> dict[int, Hints]:
    found = {}
    width, height = size
    for number, prompt in prompted.items():
        mask = None if prompt.mask is None else read_painted(shot.roto_dir / prompt.mask, name, number)
        hints = Hints.of(prompt, mask=mask, label=name, frame=number)
        # A click of exclusion alone corrects what other frames' hints bring here.
        marks_of(hints, height, width, correcting=len(prompted) > 1)
        found[number] = hints
    return found


def _require_place(name: str, label: LabelPrompts, hints: Mapping[int, Hints], numbers: Sequence[int]) -> None:
    """Raises `InvalidRequest` when no hint says where the object is."""
    if any(at.says_where for at in hints.values()):
        return
    if not hints:
        remedy = f"Correct the frame ({', '.join(label.frames)} now)."
        raise InvalidRequest(
            f"All that is said of {name!r} is of frames outside of the plate ({numbers[0]} to {numbers[-1]}).", remedy
        )
    raise InvalidRequest(f"No frame says where {name!r} is, only where it is not.", WHAT_TO_DO)


def read_painted(path: Path, name: str, number: int) -> NDArray[np.bool_]:
    """bool [H, W] of a painted mask: what is at least half white. Raises `InvalidRequest` when it is missing,
    `ShotCorrupt` when it is damaged."""
    where = f"The painted mask of {name!r} at frame {number}, {path},"
    try:
        grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    except FileNotFoundError as gone:
        raise InvalidRequest(f"{where} is missing.", "Paint it again, or remove that hint.") from gone
    except (OSError, cv2.error) as bad:
        raise ShotCorrupt(f"{where} cannot be read: {bad}.", "Paint it again, or remove that hint.") from bad
    if grey is None:
        raise ShotCorrupt(f"{where} is damaged.", "Paint it again, or remove that hint.")
    return np.asarray(grey > 127)
