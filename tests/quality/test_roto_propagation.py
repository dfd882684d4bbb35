"""Masks carried through rendered clips whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from backend.roto.cut import Hints
from backend.roto.propagation import FrameMasks, MemoryStore, PropagationSettings, clip_masks
from tests.quality.roto_scene import Disc, Scene, overlap

ORANGE, BLUE, LIKE_THE_REST = (190, 120, 70), (80, 110, 170), (120, 112, 100)
CROSSING = Scene(
    {
        "back": Disc(200, 84, -12, 0, 20, 30, ORANGE, seed=2),
        "front": Disc(60, 76, 10, 0, 24, 36, BLUE, seed=3),
    }
)


def followed(scene: Scene, frames: int, at: int = 1, store: MemoryStore | None = None) -> list[FrameMasks]:
    """The clip with the truth's mask at frame `at` for every disc."""
    prompts = {label: {at: Hints(mask=scene.truth(label, at), label=label, frame=at)} for label in scene.discs}
    numbers = range(1, frames + 1)
    store = MemoryStore() if store is None else store
    return list(clip_masks(scene.picture, numbers, prompts, store, PropagationSettings(), lambda *_: None))


def overlaps(scene: Scene, label: str, masks: list[FrameMasks]) -> list[float]:
    return [overlap(frame.soft[label] >= 0.5, scene.truth(label, frame.number)) for frame in masks]


@pytest.mark.parametrize(("at", "colour", "least"), [(1, ORANGE, 0.95), (7, ORANGE, 0.95), (1, LIKE_THE_REST, 0.85)])
def test_a_turning_object_is_followed_over_a_moving_background(
    at: int, colour: tuple[int, int, int], least: float
) -> None:
    scene = Scene({"disc": Disc(80, 70, 5, 2, 34, 20, colour, turn=0.08, seed=2)})
    found = overlaps(scene, "disc", followed(scene, 7, at))
    assert min(found) >= least


def test_two_objects_that_cross_keep_their_names() -> None:
    masks = followed(CROSSING, 13)
    for label in ("back", "front"):
        found = overlaps(CROSSING, label, masks)
        assert np.mean(found) >= 0.9
        assert min(found[-3:]) >= 0.9, label
    for frame in masks:
        assert not ((frame.soft["back"] >= 0.5) & (frame.soft["front"] >= 0.5)).any()


def test_what_went_behind_something_is_named_and_found_again() -> None:
    scene = Scene({"disc": Disc(60, 80, 13, 0, 18, 24, ORANGE, seed=2)}, pan=(0.0, 0.0), pole=(95, 160))
    masks = followed(scene, 13)
    gone = [frame for frame in masks if not scene.truth("disc", frame.number).any()]
    assert gone
    assert all(frame.state["disc"] in ("hidden", "lost") for frame in gone[1:])
    assert min(overlaps(scene, "disc", masks)[-2:]) >= 0.9
    assert masks[-1].state["disc"] == "tracked"


@pytest.mark.parametrize("pan", [(0.0, 0.0), (1.5, 0.4)])
def test_what_is_small_and_fast_is_followed_from_the_rim_on(pan: tuple[float, float]) -> None:
    """Its first frame shows a sliver, and it goes farther in a frame than it is wide."""
    scene = Scene({"ball": Disc(-7, 50, 21, 3, 12, 12, LIKE_THE_REST, turn=0.15, seed=5)}, pan=pan)
    found = overlaps(scene, "ball", followed(scene, 10))
    print("J", np.round(found, 2))
    assert np.mean(found[2:]) >= 0.9
    assert min(found[2:]) >= 0.75
