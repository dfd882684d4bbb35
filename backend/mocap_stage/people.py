"""Which people are captured: those with roto masks, or everybody who is found."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from backend.matte.job import mask_labels, read_mask
from backend.roto.engines import PEOPLE_WORDS
from backend.roto.people.engine import names_people
from shared.errors import InvalidRequest
from shared.mocap_params import MocapParams
from shared.roto_prompts import read_prompts
from shared.shot import ShotFolder

_NUMBER = re.compile(r"_\d\d+$")
_UNION = "mask"

Mask = NDArray[np.uint8]


def asked_labels(params: MocapParams) -> tuple[str, ...]:
    """The labels that the user named, in that order; () for everybody."""
    if params.labels is None:
        return ()
    return tuple(dict.fromkeys(name.strip() for name in params.labels.split(",") if name.strip()))


def masked_people(params: MocapParams, shot: ShotFolder) -> tuple[str, ...]:
    """The labels under roto/ that are captured; () when people have no masks. Raises `InvalidRequest` for a label that
    has none while others have."""
    there = [label for label in mask_labels(shot) if label != _UNION]
    people = [label for label in there if _is_person(label, shot)]
    asked = asked_labels(params)
    if not asked:
        return tuple(people)
    if all(label not in there for label in asked) and not people:
        return ()  # names of people who will be found
    for label in asked:
        if label not in there:
            raise InvalidRequest(
                f"There is no label {label!r} under roto/; there is {', '.join(there)}.",
                "Choose among these (--mocap-labels), or leave it out for everybody.",
            )
    return asked


def _is_person(label: str, shot: ShotFolder) -> bool:
    """By what it was said to be, or by its name: `person`, `woman_01`."""
    prompts = read_prompts(shot).labels
    base = _NUMBER.sub("", label)
    said = prompts.get(label) or prompts.get(base)
    if said is not None and said.text is not None:
        return names_people(said.text)
    return base.casefold() in PEOPLE_WORDS


def mask_reader(shot: ShotFolder, size: tuple[int, int]) -> Callable[[str, int], Mask | None]:
    """Label, plate number -> uint8 [H, W], 255 where the person is; None for a frame without a mask. size: (width,
    height) of the plate. The reader raises `ShotCorrupt`."""

    def read(label: str, number: int) -> Mask | None:
        mask = read_mask(shot, label, number, size)
        return None if mask is None else np.where(mask, 255, 0).astype(np.uint8)

    return read
