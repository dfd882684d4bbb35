"""Which bone of a rig plays which part of a body: a table that the artist may change, save and load."""

from __future__ import annotations

import json
from pathlib import Path

from ..shared.errors import InvalidRequest

_SIDED = ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
TRUNK = ("pelvis", "spine", "chest", "neck", "head")
SLOTS = (*TRUNK, *(f"{part}.{side}" for side in "LR" for part in _SIDED))
"""Parts of a body, by the names of Backlot's own bones."""
NEEDED = ("pelvis", *(f"{part}.{side}" for side in "LR" for part in ("thigh", "shin", "foot")))
"""Without these there is no retargeting."""
VERSION = 1
_KIND = "backlot bone map"


def as_text(bones: dict[str, str], name: str) -> str:
    """The table as JSON. bones: slot -> bone, empty slots left out."""
    used = {slot: bones[slot] for slot in SLOTS if bones.get(slot)}
    return json.dumps({"kind": _KIND, "version": VERSION, "rig": name, "bones": used}, indent=2) + "\n"


def from_text(text: str, path: Path) -> dict[str, str]:
    """Raises `InvalidRequest` for what is no such table."""
    remedy = "Choose a file that Save Bone Map has written."
    try:
        plain = json.loads(text)
    except ValueError as bad:
        raise InvalidRequest(f"{path} is no JSON: {bad}.", remedy) from bad
    bones = plain.get("bones") if isinstance(plain, dict) and plain.get("kind") == _KIND else None
    if not isinstance(bones, dict) or plain.get("version") != VERSION:
        raise InvalidRequest(f"{path} is no bone map of this version.", remedy)
    strange = [slot for slot, bone in bones.items() if slot not in SLOTS or not isinstance(bone, str)]
    if strange:
        raise InvalidRequest(f"{path} names {strange[0]!r}, which is no part of a body.", remedy)
    return dict(bones)


def require(bones: dict[str, str], present: set[str], rig: str) -> dict[str, str]:
    """The filled slots. Raises `InvalidRequest` when some are missing, or name bones that the rig does not have."""
    used = {slot: bone for slot, bone in bones.items() if bone}
    gone = [f"{slot}: {bone}" for slot, bone in used.items() if bone not in present]
    if gone:
        raise InvalidRequest(f"{rig} has no such bones: {', '.join(gone)}.", "Correct the bone map, or guess it anew.")
    empty = [slot for slot in NEEDED if slot not in used]
    if empty:
        raise InvalidRequest(
            f"The bone map of {rig} has no bone for {', '.join(empty)}.", "Choose them in the bone map."
        )
    twice = sorted({bone for bone in used.values() if list(used.values()).count(bone) > 1})
    if twice:
        raise InvalidRequest(f"{twice[0]} of {rig} stands in the bone map twice.", "Give each part a bone of its own.")
    return used
