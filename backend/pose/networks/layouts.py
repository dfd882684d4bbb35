"""What the keypoints of these networks are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..names import COCO_BODY, COCO_FEET, mirrored


@dataclass(frozen=True)
class Layout:
    """names: joint -> place among the keypoints. order: of the keypoints in a mirror. hands: first keypoints of the
    left and the right; face: first of the 68."""

    names: Mapping[str, int]
    order: tuple[int, ...]
    hands: tuple[int, int] | None = None
    face: int | None = None


_HALPE_FEET = ("left_foot_index", "right_foot_index", "left_small_toe", "right_small_toe", "left_heel", "right_heel")
_MIDDLE_KNUCKLE = 9

_FACE_MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""Of iBUG's 68 landmarks."""


def _order(names: Mapping[str, int], count: int) -> tuple[int, ...]:
    order = list(range(count))
    for name, at in names.items():
        order[at] = names.get(mirrored(name), at)
    return tuple(order)


def _body() -> Layout:
    names = {name: i for i, name in enumerate(COCO_BODY)}
    return Layout(names, _order(names, 17))


def _halpe() -> Layout:
    """Fang et al., "AlphaPose" (TPAMI 2022): 17 of the body, head, neck, hip, six of the feet."""
    names = {name: i for i, name in enumerate(COCO_BODY)}
    names |= {"head_top": 17, **{name: 20 + i for i, name in enumerate(_HALPE_FEET)}}
    return Layout(names, _order(names, 26))


def _whole_body() -> Layout:
    """Jin et al., "COCO-WholeBody" (ECCV 2020): 17 of the body, 6 of the feet, 68 of the face, 21 of each hand."""
    names = {name: i for i, name in enumerate((*COCO_BODY, *COCO_FEET))}
    face, left, right = 23, 91, 112
    order = [*_order(names, 23), *(face + i for i in _FACE_MIRROR), *range(right, right + 21), *range(left, left + 21)]
    names |= {"left_hand": left + _MIDDLE_KNUCKLE, "right_hand": right + _MIDDLE_KNUCKLE}
    return Layout(names, tuple(order), (left, right), face)


LAYOUTS: Mapping[int, Layout] = {17: _body(), 26: _halpe(), 133: _whole_body()}
"""By the number of keypoints."""
