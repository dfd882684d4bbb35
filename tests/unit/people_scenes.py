"""People who exist only as evidence: coloured blocks that stand for what MediaPipe would say of a picture."""

from __future__ import annotations

import numpy as np

from backend.roto.people.environment import mocap_python
from backend.roto.people.evidence import LANDMARKS, Floats, PersonEvidence, Picture, packed_mask
from shared.errors import EngineUnavailable

SIZE = (120, 240)
RED, BLUE, GREEN = (200, 40, 40), (40, 60, 200), (30, 160, 60)


def body_mask(x: float, tall: float = 80.0, foot: float = 110.0) -> Floats:
    """float32 [H, W]: a person `tall` px high, a third as wide, whose middle is at x."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    inside = (np.abs(columns - x) < tall / 6) & (rows > foot - tall) & (rows < foot)
    return inside.astype(np.float32)


def person(
    x: float,
    tall: float = 80.0,
    foot: float = 110.0,
    *,
    score: float | None = 0.9,
    agreement: float = 0.95,
    mask: Floats | None = None,
) -> PersonEvidence:
    packed = packed_mask(body_mask(x, tall, foot) if mask is None else mask)
    assert packed is not None
    landmarks = np.zeros((LANDMARKS, 4), np.float32)
    landmarks[:, 0], landmarks[:, 1], landmarks[:, 2:] = x, np.linspace(foot - tall, foot, LANDMARKS), 1.0
    region = (x, foot - tall / 2, 1.3 * tall, 0.0)
    world = np.zeros((LANDMARKS, 3), np.float32)
    return PersonEvidence(score, agreement, region, packed[0], landmarks, world, packed[1])


def picture(*people: tuple[float, float, tuple[int, int, int]]) -> Picture:
    """A grey picture with people (x, tall, colour), later ones in front."""
    shown = np.full((*SIZE, 3), 128, np.uint8)
    for x, tall, colour in people:
        shown[body_mask(x, tall) > 0.5] = colour
    return shown


def mediapipe_is_set_up() -> bool:
    try:
        mocap_python()
    except EngineUnavailable:
        return False
    return True
