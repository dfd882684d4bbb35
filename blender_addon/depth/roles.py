"""What the geometry of the real set does in a render.

HOLDOUT cuts what stands behind it out of the render, so that the plate comes through. In Cycles a shadow catcher cuts
in the same way, and catches shadows besides.
"""

from __future__ import annotations

import bpy

from .names import CATCHES

SHOWN, HOLDOUT, CATCHER, REFERENCE = "SHOWN", "HOLDOUT", "CATCHER", "REFERENCE"
ROLES = (
    (HOLDOUT, "Holdout", "Objects behind it are hidden, and the plate is seen there"),
    (CATCHER, "Shadow Catcher", "As holdout, and shadows that fall on it are rendered (Cycles)"),
    (SHOWN, "Visible", "It is rendered with its own colours"),
    (REFERENCE, "Reference", "It is seen in the viewport only"),
)


def role_of(thing: bpy.types.Object) -> str:
    """What the object does now, however that was set."""
    if thing.hide_render:
        return REFERENCE
    if thing.is_shadow_catcher:
        return CATCHER
    return HOLDOUT if thing.is_holdout else SHOWN


def set_role(thing: bpy.types.Object, role: str) -> None:
    thing.hide_render = role == REFERENCE
    thing.is_shadow_catcher = role == CATCHER
    thing.is_holdout = role == HOLDOUT
    thing[CATCHES] = float(role == CATCHER)
    thing.update_tag()
