"""Masks and splines in the files of other programs; docs/roto-exports.md says which, and by which published format.

Pictures go through one frame at a time and are written beside their final names; splines are small and written whole.
"""

from .after_effects import write_after_effects_masks
from .cryptomatte import cryptomatte
from .multilayer import multilayer
from .nuke import write_nuke_roto
from .pictures import write_exrs

__all__ = ["cryptomatte", "multilayer", "write_after_effects_masks", "write_exrs", "write_nuke_roto"]
