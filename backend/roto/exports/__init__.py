"""Masks and splines in the files of other programs; docs/roto-exports.md says which, and by which published format.

Pictures go through one frame at a time and are written beside their final names; splines are small and written whole.
"""

from .after_effects import write_after_effects_masks
from .cryptomatte import write_cryptomattes
from .multilayer import write_multilayer
from .nuke import write_nuke_roto

__all__ = ["write_after_effects_masks", "write_cryptomattes", "write_multilayer", "write_nuke_roto"]
