"""The shot's prompts decoded for its plate: what engines follow, and what they find by text."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.pipeline.atomic import atomic_path
from backend.pipeline.fingerprint import of_files
from shared.errors import ArtifactMissing, InvalidRequest
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts
from shared.shot import ShotFolder, document_text

from .cut.files import read_mask
from .cut.hints import Hints, marks_of
from .labels import instance_of

WHAT_TO_DO = (
    "Click on it, box it or paint it in Blender's Image Editor, or give --bbox x1,y1,x2,y2 or --prompt person on the "
    "command line."
)


class LabelHints(Mapping[int, Hints]):
    """Plate number -> hints of one label, ascending. Painted masks are read when they are asked for, so that none of
    them stays in memory."""

    def __init__(self, name: str, prompted: Mapping[int, FramePrompt], painted: Path) -> None:
        """painted: the folder that masks are named from."""
        self._name, self._prompted, self._painted = name, prompted, painted

    def __getitem__(self, number: int) -> Hints:
        """Raises `ArtifactMissing`, `ShotCorrupt`."""
        prompt = self._prompted[number]
        mask = None if prompt.mask is None else read_mask(self._painted / prompt.mask)
        return Hints.of(prompt, mask=mask, label=self._name, frame=number)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._prompted))

    def __len__(self) -> int:
        return len(self._prompted)

    def within(self, numbers: Sequence[int]) -> LabelHints:
        """Those of these plate numbers."""
        wanted = frozenset(numbers)
        return LabelHints(self._name, {n: at for n, at in self._prompted.items() if n in wanted}, self._painted)


@dataclass(frozen=True)
class Said:
    """What of the prompts counts for a plate. hints: label -> hints. texts: label -> words; a label may have both.
    skipped: sentences about what does not count."""

    hints: Mapping[str, LabelHints]
    texts: Mapping[str, str]
    skipped: tuple[str, ...] = ()


def hinted_and_texts(prompts: RotoPrompts) -> tuple[tuple[str, ...], dict[str, str]]:
    """Labels that have hints, first ones in front; and the words of those that are to be found by words: the others,
    and those whose hints are clicks and strokes only, which correct what the words find."""
    hinted = tuple(name for name, label in prompts.labels.items() if label.prompted)
    texts = {
        name: label.text.strip()
        for name, label in prompts.labels.items()
        if label.text is not None and label.text.strip() and not _is_outlined(label)
    }
    return hinted, texts


def _is_outlined(label: LabelPrompts) -> bool:
    """Whether a box or a mask says where the object is."""
    return any(prompt.boxes or prompt.mask is not None for prompt in label.prompted.values())


def has_box(prompts: RotoPrompts) -> bool:
    """Whether a box alone, with clicks at most, says where an object is in some frame."""
    said = [prompt for label in prompts.labels.values() for prompt in label.prompted.values()]
    return any(len(prompt.boxes) == 1 and prompt.mask is None for prompt in said)


def prompts_fingerprint(prompts: RotoPrompts, shot: ShotFolder) -> dict[str, str]:
    """What masks depend on: neither colours, nor the revision, nor whether the solve uses an object."""
    labels = {name: dataclasses.replace(label, color=None, moving=True) for name, label in prompts.labels.items()}
    files = {
        shot.roto_dir / prompt.mask for label in labels.values() for prompt in label.prompted.values() if prompt.mask
    }
    masks = of_files([path for path in files if path.is_file()], shot.roto_dir)
    said = document_text(RotoPrompts(labels=labels)).encode()
    return {"prompts": hashlib.blake2b(said, digest_size=20).hexdigest(), "painted": masks}


def painted_masks(prompts: RotoPrompts) -> list[str]:
    """Files of painted masks that the prompts name, as paths under roto/."""
    said = (prompt.mask for label in prompts.labels.values() for prompt in label.prompted.values())
    return sorted({name for name in said if name})


def keep_painted(prompts: RotoPrompts, shot: ShotFolder, folder: Path) -> Path:
    """Copies the painted masks to `folder`, which it returns: the artist may paint on while the stage runs. Raises
    `ArtifactMissing`, `DiskFull`, `ShotReadOnly`."""
    for name in painted_masks(prompts):
        path = shot.roto_dir / name
        if not path.is_file():
            raise ArtifactMissing(f"The mask {path} is missing.", "Paint it again, or remove its prompt.")
        with atomic_path(folder / name) as beside:
            shutil.copyfile(path, beside)
    return folder


def decode(prompts: RotoPrompts, painted: Path, numbers: Sequence[int], size: tuple[int, int]) -> Said:
    """painted: the folder that masks are named from. numbers: of the plate. size: its width and height, px. Raises
    `InvalidRequest` for prompts that are empty, contradict themselves or lie off the plate, naming label and frame, and
    `ShotCorrupt` for a painted mask that cannot be read."""
    names, texts = hinted_and_texts(prompts)
    skipped = [
        f"Nothing is said of {name!r} yet: it gets no mask."
        for name in prompts.labels
        if name not in names and name not in texts
    ]
    there = frozenset(numbers)
    hints: dict[str, LabelHints] = {}
    for name in names:
        label = prompts.labels[name]
        outside = sorted(set(label.prompted) - there)
        if outside:
            skipped.append(_outside(name, outside, numbers))
        inside = {number: prompt for number, prompt in label.prompted.items() if number in there}
        hints[name] = LabelHints(name, inside, painted)
        corrects = len(hints[name]) > 1 or name in texts or instance_of(name, texts) is not None
        _check(name, label, hints[name], numbers, size, corrects=corrects)
    return Said(hints, texts, tuple(skipped))


def _outside(name: str, outside: list[int], numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, outside[:5])) + (", ..." if len(outside) > 5 else "")
    return f"What is said of {name!r} at frame {named} is not used: the plate has frames {numbers[0]} to {numbers[-1]}."


def _check(
    name: str,
    label: LabelPrompts,
    hints: LabelHints,
    numbers: Sequence[int],
    size: tuple[int, int],
    *,
    corrects: bool,
) -> None:
    """Raises `InvalidRequest` for hints that make no sense. corrects: something else says where the object is, so that
    a click of exclusion may stand alone in a frame."""
    if not hints:
        raise InvalidRequest(
            f"All that is said of {name!r} is of frames outside of the plate ({numbers[0]} to {numbers[-1]}).",
            f"Correct the frame ({', '.join(label.frames)} now).",
        )
    for at in hints.values():
        marks_of(at, size[1], size[0], correcting=corrects)


def require_places(said: Said, labels: Iterable[str]) -> None:
    """Raises `InvalidRequest` when no hint of one of these labels says where it is."""
    for name in labels:
        if not any(at.says_where for at in said.hints[name].values()):
            raise InvalidRequest(f"No frame says where {name!r} is, only where it is not.", WHAT_TO_DO)
