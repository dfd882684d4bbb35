"""A corrective click changes what it proves wrong and what that can be followed to, no more."""

from __future__ import annotations

import numpy as np

from backend.roto.cut import Hints
from backend.roto.propagation import FrameMasks, MemoryStore, PropagationSettings, clip_masks
from tests.quality.roto_scene import Disc, Scene, overlap

ORANGE, BLUE = (190, 120, 70), (80, 110, 170)
CROSSING = Scene(
    {
        "back": Disc(200, 84, -12, 0, 20, 30, ORANGE, seed=2),
        "front": Disc(60, 76, 10, 0, 24, 36, BLUE, seed=3),
    }
)
HIDDEN_MOST, LAST = 7, 10


def masks_of(scene: Scene, prompts: dict[str, dict[int, Hints]]) -> list[FrameMasks]:
    settings = PropagationSettings()
    return list(clip_masks(scene.picture, range(1, LAST + 1), prompts, MemoryStore(), settings, lambda *_: None))


def painted(scene: Scene, label: str) -> Hints:
    return Hints(mask=scene.truth(label, 1), label=label, frame=1)


def test_a_click_on_what_is_left_of_an_object_does_not_make_it_forget_the_rest() -> None:
    y, x = np.argwhere(CROSSING.truth("back", HIDDEN_MOST)).mean(0) + 0.5
    click = Hints(include=np.array([[x, y]]), exclude=np.array([[132.5, 84.5]]), label="back")
    prompts = {label: {1: painted(CROSSING, label)} for label in CROSSING.discs}
    prompts["back"][HIDDEN_MOST] = click
    masks = masks_of(CROSSING, prompts)
    for label in CROSSING.discs:
        found = [overlap(m.soft[label] >= 0.5, CROSSING.truth(label, m.number)) for m in masks]
        others = found[: HIDDEN_MOST - 1] + found[HIDDEN_MOST:]
        print(label, np.round(found, 2))
        assert np.mean(others) >= 0.95
        assert min(others) >= 0.85
