"""Masks carried from the frames where an object is prompted to all others, without model weights."""

from .clip import clip_masks
from .plan import affected
from .result import FrameMasks
from .settings import PropagationSettings
from .store import HIDDEN, LOST, PROMPTED, TRACKED, MaskStore, MemoryStore, StoredMask

__all__ = [
    "HIDDEN",
    "LOST",
    "PROMPTED",
    "TRACKED",
    "FrameMasks",
    "MaskStore",
    "MemoryStore",
    "PropagationSettings",
    "StoredMask",
    "affected",
    "clip_masks",
]
