"""Names of what was found: an object found by text is `<label>`, several are `<label>_00`, `<label>_01`, ... by first
appearance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from shared.errors import InvalidRequest

from .job import INSTANCE

_NUMBER = re.compile(r"_\d\d+$")


def base_of(key: str) -> str:
    """The label of an engine's key: `person` of `person#3`."""
    return key.partition(INSTANCE)[0]


def is_instance(key: str) -> bool:
    return INSTANCE in key


def instance_name(label: str, index: int, count: int) -> str:
    """The name of object `index` of `count` that one text has found."""
    return label if count == 1 else f"{label}_{index:02d}"


def instance_of(label: str, texts: Iterable[str]) -> str | None:
    """The text label that an object of that name is found by: `person` of `person_02`; None when it has none."""
    base = _NUMBER.sub("", label)
    return base if base != label and base in texts else None


def names_of(first_seen: Mapping[str, int | None], order: Sequence[str]) -> dict[str, str]:
    """Key -> label of everything that gets a folder, in the order of `order` (the prompts' labels).

    first_seen: key -> first frame with something in its mask, None for one that is empty in all: such an instance is
    no object and gets no name. Raises `InvalidRequest` when two would have the same name.
    """
    named: dict[str, str] = {}
    for label in order:
        if label in first_seen:
            named[label] = label
        found = [
            (first, _number(key), key)
            for key, first in first_seen.items()
            if first is not None and is_instance(key) and base_of(key) == label
        ]
        for index, (_, _, key) in enumerate(sorted(found)):
            named[key] = instance_name(label, index, len(found))
    twice = sorted({name for name in named.values() if list(named.values()).count(name) > 1})
    if twice:
        raise InvalidRequest(
            f"The text {base_of(twice[0])!r} and a prompted label would both be {twice[0]!r}.",
            "Give the prompted label another name.",
        )
    return named


def _number(key: str) -> int:
    return int(key.partition(INSTANCE)[2])
