"""What an artist says of an object that was found by words: it joins what the engine found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .cut import Hints
from .job import instance_key
from .labels import instance_name, instance_of

HintsOf = Mapping[int, Hints]


class Corrected(Mapping[int, Hints]):
    """Plate number -> hints: the artist's, and those found more than `near` frames away from them (if there are any),
    since what is wrong at a frame is wrong around it too. Found ones are looked up when they are asked for."""

    def __init__(self, said: HintsOf, found: HintsOf, near: int) -> None:
        others = [number for number in found if number not in said]
        far = [number for number in others if all(abs(number - at) > near for at in said)]
        self._said, self._found = said, found
        self._numbers = sorted({*said, *(far or others)})

    def __getitem__(self, number: int) -> Hints:
        if number not in self._numbers:
            raise KeyError(number)
        return self._said[number] if number in self._said else self._found[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def with_found(
    hints: Mapping[str, HintsOf], texts: Mapping[str, str], found: Sequence[tuple[str, HintsOf]], near: int = 0
) -> dict[str, HintsOf]:
    """The hints to follow, by label or instance key. hints: of a `RotoJob`; those of `person_01` correct the second
    person of `found` (label, hints; by first appearance) and those of `person` the first, or are a person of their own
    where fewer were found."""
    named = {label: said for label, said in hints.items() if _text_of(label, texts) is None}
    said_of = {label: said for label, said in hints.items() if label not in named}
    count = dict.fromkeys(texts, 0)
    for label, own in found:
        index = count[label]
        said = said_of.pop(instance_name(label, index, 2), None) or (said_of.pop(label, None) if index == 0 else None)
        named[instance_key(label, index)] = own if said is None else Corrected(said, own, near)
        count[label] += 1
    for label, said in said_of.items():
        text = _text_of(label, texts)
        assert text is not None
        named[instance_key(text, count[text])] = said
        count[text] += 1
    return named


def _text_of(label: str, texts: Mapping[str, str]) -> str | None:
    """The text whose find the hints of a label correct."""
    return label if label in texts else instance_of(label, texts)
