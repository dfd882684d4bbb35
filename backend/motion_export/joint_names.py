"""Joints of other programs' skeletons by our names, as far as they mean the same place."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MIDDLE = {"hips": "pelvis", "pelvis": "pelvis", "root": "pelvis", "neck": "neck", "head": "head", "chest": "chest"}
_SIDED = {
    "collar": ("collar", "clavicle"),
    "shoulder": ("arm", "upperarm", "uparm", "shldr"),
    "elbow": ("forearm", "lowerarm", "lowarm", "elbow"),
    "wrist": ("hand", "wrist"),
    "hip": ("upleg", "upperleg", "thigh", "hip"),
    "knee": ("leg", "lowerleg", "lowleg", "shin", "calf", "knee"),
    "ankle": ("foot", "ankle"),
    "foot_index": ("toebase", "toe", "ball"),
}
"""Ours, and what the bone that begins there is called elsewhere (HumanIK, Mixamo, CMU, Unreal, 3ds Max, Poser)."""

_ELSEWHERE = {word: ours for ours, words in _SIDED.items() for word in words}
_BEFORE = (
    re.compile(r"(left|right)[ _.]?(.+)", re.IGNORECASE),
    re.compile(r"([lr])[ _.](.+)", re.IGNORECASE),
    re.compile(r"([lrLR])([A-Z].+)"),  # lower case after a single letter is a word, as in "leg"
)
_AFTER = re.compile(r"(.+)[ _.](left|right|l|r)", re.IGNORECASE)


def customary_names(names: Sequence[str]) -> tuple[str, ...]:
    """Ours where we have one, else the file's own; no name twice. Names of a skeleton of ours stay."""
    if "left_knee" in names:
        return _unique(names)
    bare = [re.split(r"[:|]", name)[-1] for name in names]
    has_arms = any(_sided(name)[1] in _SIDED["shoulder"] for name in bare)
    return _unique([_customary(name, has_arms) for name in bare])


def _customary(name: str, has_arms: bool) -> str:
    side, stem = _sided(name)
    if not side:
        return _MIDDLE.get(stem, name)
    if stem == "shoulder":  # of a collar bone that ends in an arm, or of the arm itself
        return f"{side}_{'collar' if has_arms else 'shoulder'}"
    return f"{side}_{_ELSEWHERE[stem]}" if stem in _ELSEWHERE else name


def _sided(name: str) -> tuple[str, str]:
    """("left", "forearm") of LeftForeArm, l_forearm and forearm.L; no side for what lies in the middle."""
    found = next((match for pattern in _BEFORE if (match := pattern.fullmatch(name))), None)
    after = None if found else _AFTER.fullmatch(name)
    if not found and not after:
        return "", _plain(name)
    side, stem = (found[1], found[2]) if found else (after[2], after[1]) if after else ("", name)
    return "left" if side.lower().startswith("l") else "right", _plain(stem)


def _plain(stem: str) -> str:
    return re.sub(r"[ _.\d]", "", stem).lower()


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        count, own = 2, name
        while own in found:
            own, count = f"{name}_{count}", count + 1
        found.append(own)
    return tuple(found)
