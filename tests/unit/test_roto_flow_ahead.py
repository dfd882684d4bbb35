"""Movements that are measured on a thread of their own while the frame before is worked on."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from backend.roto.cut import Hints
from backend.roto.propagation import MemoryStore, PropagationSettings, clip_masks
from backend.roto.propagation.ahead import FlowAhead
from backend.roto.propagation.movement import FlowMeter, Movement
from backend.roto.propagation.windows import Working

NUMBERS = range(1, 7)


class Stopped(Exception):
    pass


def picture(number: int) -> np.ndarray:
    """A textured square that moves over textured ground."""
    ground = _texture(1, (64, 96))
    ground[20:44, 10 + 3 * number : 34 + 3 * number] = _texture(2, (24, 24)) // 2 + 120
    return ground


def _texture(seed: int, size: tuple[int, int]) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 200, (*size, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def working(number: int) -> Working:
    return Working.of(number, picture(number), 512)


def threads_of_flow() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("flow")]


def assert_same(one: Movement, other: Movement) -> None:
    for name in ("back", "forth", "trust", "kept"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_what_was_begun_ahead_is_what_is_measured_when_asked_for() -> None:
    first, second, third = map(working, (1, 2, 3))
    with FlowAhead() as flows:
        flows.begin(first, second)
        assert_same(flows.between(first, second), FlowMeter().between(first.gray, second.gray))
        flows.begin(first, second)
        assert_same(flows.between(second, third), FlowMeter().between(second.gray, third.gray))
        assert threads_of_flow()
    assert not threads_of_flow()


def test_masks_are_the_same_without_looking_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = masks()
    monkeypatch.setattr(FlowAhead, "begin", lambda *_: None)
    for one, other in zip(ahead, masks(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cancelled_run_leaves_no_thread() -> None:
    with pytest.raises(Stopped):
        masks(stop_at=3)
    assert not threads_of_flow()


def masks(stop_at: int = 99) -> list[np.ndarray]:
    steps = iter(range(1000))

    def checkpoint(what: str, done: int, total: int) -> None:
        if next(steps) == stop_at:
            raise Stopped

    mask = np.zeros((64, 96), bool)
    mask[20:44, 13:37] = True
    prompts = {"a": {1: Hints(mask=mask, label="a", frame=1)}}
    found = clip_masks(picture, NUMBERS, prompts, MemoryStore(), PropagationSettings(), checkpoint)
    return [frame.soft["a"] for frame in found]
