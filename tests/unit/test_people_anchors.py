"""Engine person: masks of people as hints for the propagation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.roto.people.anchors import absences, anchor_mask, chosen_anchors, hints_of, refined
from backend.roto.people.evidence import PersonEvidence, Picture
from backend.roto.people.sampling import Looked
from backend.roto.people.tracks import Sighting, Track
from tests.unit.people_scenes import BLUE, RED, SIZE, body_mask, person, picture

FPS = 24.0


def track(*seen: tuple[int, PersonEvidence]) -> Track:
    return Track(np.zeros((2, 512), np.float32), [Sighting(index, one) for index, one in seen])


def looked(*tracks: Track, last: int = 47) -> Looked:
    return Looked(tracks, (*range(0, last, 4), last), 1.0)


def test_sure_sightings_are_hints() -> None:
    sure = [0.9, 0.97, 0.84, 0.99, 0.8, 0.86]
    one = track(*((4 * i, person(60, agreement=a)) for i, a in enumerate(sure)))
    assert [anchor.index for anchor in chosen_anchors(one, looked(one))] == [0, 4, 12, 20]
    doubtful = track((0, person(60, agreement=0.6)), (4, person(60, agreement=0.7)))
    assert [anchor.index for anchor in chosen_anchors(doubtful, looked(doubtful))] == [4]


def test_who_stands_behind_somebody_gives_no_hint_there() -> None:
    front = track((0, person(60)), (8, person(100)))
    behind = track((0, person(200, foot=100)), (8, person(110, foot=100)))
    both = looked(front, behind)
    assert [anchor.index for anchor in chosen_anchors(front, both)] == [0, 8]
    assert [anchor.index for anchor in chosen_anchors(behind, both)] == [0]


def test_long_stretches_without_the_person_are_said_to_be_without() -> None:
    late = track((48, person(60)), (52, person(60)))
    assert absences(late, looked(late, last=99), 100, FPS) == [0, 20, 80, 99]
    always = track(*((i, person(60)) for i in (*range(0, 47, 4), 47)))
    assert absences(always, looked(always), 48, FPS) == []
    short_gap = track((0, person(60)), (20, person(60)), (44, person(60)))
    assert absences(short_gap, looked(short_gap), 48, FPS) == []


def test_two_people_never_have_the_same_pixel() -> None:
    left, right = 0.9 * body_mask(100), 0.8 * body_mask(115)
    one, other = track((0, person(100, mask=left))), track((0, person(115, mask=right)))
    both, shown = looked(one, other), picture((115, 80, BLUE), (100, 80, RED))
    masks = [anchor_mask(chosen_anchors(each, both)[0], shown, 1.0) for each in (one, other)]
    assert not (masks[0] & masks[1]).any()
    assert masks[0][80, 105] and not masks[1][80, 105] and masks[1][80, 125]


def test_masks_go_to_the_edges_of_the_picture() -> None:
    """The network's mask is coarse and two pixels off; the picture knows better."""
    truth = body_mask(100)
    coarse = cv2.GaussianBlur(np.roll(truth, 2, 1), (0, 0), 2.0)
    noise = np.random.default_rng(0).integers(-8, 9, (*SIZE, 3))
    shown = np.clip(picture((100, 80, RED)).astype(int) + noise, 0, 255).astype(np.uint8)

    def off(soft: np.ndarray) -> float:
        return float(np.logical_xor(soft >= 0.5, truth > 0.5).sum() / truth.sum())

    assert off(coarse) > 0.1
    assert off(refined(coarse, shown, 500.0)) < 0.5 * off(coarse)
    assert np.array_equal(refined(np.zeros(SIZE, np.float32), shown, 100.0), np.zeros(SIZE))


def test_hints_are_made_when_asked_for() -> None:
    one = track(*((i, person(60)) for i in range(0, 48, 4)))
    asked: list[int] = []

    def plate(number: int) -> Picture:
        asked.append(number)
        return picture((60, 80, RED))

    numbers = range(1001, 1049)
    seen = Looked((one,), (*range(0, 47, 4), 47), 1.0)
    hints = hints_of("person#0", one, seen, numbers, FPS, plate)
    assert list(hints) == [*range(1001, 1049, 4)] and len(hints) == 12 and not asked
    held = dict(hints)
    hint = held[1033]
    assert not asked and hint.label == "person#0" and hint.frame == 1033 and hint.says_where and not hint.is_empty
    assert hint.mask is not None and asked == [1033]
    assert hint.mask is hint.mask and asked == [1033]
    assert hint.mask.sum() == pytest.approx(body_mask(60).sum(), rel=0.05)


def test_masks_grow_to_the_plates_size() -> None:
    one = track((0, person(60)))
    shown = np.kron(picture((60, 80, RED)), np.ones((2, 2, 1), np.uint8))
    mask = anchor_mask(chosen_anchors(one, looked(one))[0], shown, 0.5)
    assert mask.shape == shown.shape[:2]
    assert mask.sum() == pytest.approx(4 * body_mask(60).sum(), rel=0.05)
