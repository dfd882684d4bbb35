"""What a tool does to the world: move, turn or scale it by an amount. No bpy here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..shared.camera_files import Similarity

MOVE, TURN, SCALE = "MOVE", "TURN", "SCALE"


def change(kind: str, axis: int, amount: float) -> Similarity:
    """What `amount` does to places of the world."""
    from ..shared.camera_files import UNCHANGED, Similarity

    if kind == SCALE:
        return Similarity(amount, UNCHANGED.rotation, (0.0, 0.0, 0.0))
    if kind == MOVE:
        moved = [0.0, 0.0, 0.0]
        moved[axis] = amount
        return Similarity(1.0, UNCHANGED.rotation, (moved[0], moved[1], moved[2]))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    turn = [list(row) for row in UNCHANGED.rotation]
    turn[one][one] = turn[two][two] = math.cos(amount)
    turn[two][one], turn[one][two] = math.sin(amount), -math.sin(amount)
    return Similarity(1.0, tuple(tuple(row) for row in turn), (0.0, 0.0, 0.0))
