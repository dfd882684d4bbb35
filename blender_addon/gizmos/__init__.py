"""What can be grabbed in the viewport."""

import bpy

from . import wipe, world

CLASSES = (*wipe.CLASSES, *world.CLASSES)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
