"""What belongs to a person of a shot (roles, see `importers/ownership.py`), and the properties that say so."""

from __future__ import annotations

import bpy

from ..importers import ownership

LABEL = "backlot_person"
"""Custom property of an armature: whom it shows."""
SHOT = "backlot_mocap_shot"
"""Custom property of an armature: id of the shot that it was imported from."""
MOVED = "backlot_mocap_moved"
"""Custom property of an armature: how the shot's world has moved it since its import, 16 numbers by rows."""
UNFINISHED = "backlot_mocap_unfinished"
"""Custom property of an armature that is hidden while it is imported for the first time."""
STATE, CONFIDENCE, CONTACT = "mocap_state", "confidence", "contact"
"""Animated custom properties: of the armature, and of its bones."""

_ARMATURE, _BODY, _ACTION, _CLEANED = "mocap_armature", "mocap_body", "mocap_action", "mocap_cleaned"


def armature_role(label: str) -> str:
    return f"{_ARMATURE}:{label}"


def body_role(label: str) -> str:
    return f"{_BODY}:{label}"


def action_role(label: str) -> str:
    """The motion as it was captured."""
    return f"{_ACTION}:{label}"


def cleaned_role(label: str) -> str:
    """The motion with foot lock and smoothing."""
    return f"{_CLEANED}:{label}"


def is_person(thing: bpy.types.Object | None) -> bool:
    """Whether an object is the armature that was imported of somebody."""
    return thing is not None and thing.type == "ARMATURE" and LABEL in thing


def people(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """The armatures of a shot that are still there, by label."""
    prefix = f"backlot_{_ARMATURE}:"
    found = [collection.get(key) for key in sorted(collection.keys()) if key.startswith(prefix)]
    return [thing for thing in found if thing is not None]


def shot_of(scene: bpy.types.Scene, armature: bpy.types.Object) -> bpy.types.Collection | None:
    """The shot's collection that an armature was imported into."""
    return ownership.find_collection(scene, armature.get(SHOT, ""))
