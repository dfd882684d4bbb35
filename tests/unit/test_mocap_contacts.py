"""When feet stand: of somebody who is hidden for a moment, who jumps, and who tiptoes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.mocap.body import Body
from backend.mocap.contacts import Contacts, Floor, doubt_of, find_contacts
from backend.mocap.evidence import View
from backend.mocap.skeleton import Floats
from tests.unit.mocap_scene import FPS, SOLE_M, detected, performance

FLOOR = Floor(np.array([0.0, 0.0, 1.0]), 0.0)
FRAMES, HIDDEN = 24, slice(9, 14)
SHOWN = performance(FRAMES, size=1.0)


def moved(way: Floats) -> Body:
    """The body on a path [T,3] besides."""
    return replace(SHOWN.truth, root=SHOWN.truth.root + way)


def contacts(body: Body, *, hidden: slice | None = None) -> Contacts:
    evidence = detected(SHOWN, dropped=0.0)
    if hidden is not None:
        evidence.sd_px[hidden] = np.inf
    doubt = doubt_of(body, [View(SHOWN.cameras, evidence)], FPS)
    return find_contacts(body, FLOOR, FPS, doubt=doubt)


def test_who_stands_stands_while_somebody_passes_before_them() -> None:
    """The motion of hidden frames is a guess, in which feet slide."""
    way = np.zeros((FRAMES, 3))
    way[HIDDEN, 0] = np.cumsum([0.02, 0.03, 0.03, 0.02, 0.01])
    way[HIDDEN.stop :, 0] = way[HIDDEN.stop - 1, 0]
    assert contacts(moved(way), hidden=HIDDEN).touching[9:14].any(1).all()
    assert not contacts(moved(way)).touching[10:12].any()


def test_who_jumps_is_let_go() -> None:
    way, time = np.zeros((FRAMES, 3)), (np.arange(FRAMES) - 6.0) / FPS
    way[:, 2] = np.clip(2.2 * time - 4.905 * time**2, 0.0, None)
    aloft = way[:, 2] > 0.08
    assert aloft.sum() >= 6
    found = contacts(moved(way)).touching
    assert not found[aloft].any() and found[:5].all() and found[-5:].all()


def test_a_heel_that_is_never_down_does_not_raise_the_other() -> None:
    heel = SHOWN.truth.skeleton.index("left_heel")
    rest = SHOWN.truth.rest.copy()
    rest[heel, 2] += 0.15
    body = replace(SHOWN.truth, rest=rest)
    found = contacts(body)
    assert abs(found.height[0] - SOLE_M) < 0.01 and found.height[2] == found.height[0]
    assert not found.touching[:, 0].any() and found.touching[:, 2].all()
