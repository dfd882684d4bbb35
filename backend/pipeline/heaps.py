"""How many heaps the C library keeps.

glibc gives threads heaps of their own, up to eight a core. Arrays that are made by one thread and freed by another
leave them full of holes: resident memory creeps up with the frames although nothing is held. Elsewhere than on glibc
there is nothing to set.
"""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8
"""mallopt(3)"""


def share_one_heap() -> None:
    """From now on threads that have no heap yet share the main one. They wait for each other only while they allocate,
    which for a few threads and large arrays costs nothing that can be measured."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_ARENA_MAX, 1)
