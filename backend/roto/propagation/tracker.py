"""One object followed from frame to frame, from an anchor on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .background import Background
from .colour import Bins, ColourAnswer, ColourSpace, LocalColours, Place
from .evidence import (
    carry,
    evidence_of_fate,
    edge_prices,
    odds_of_appearing,
    odds_of_colour,
    odds_of_movement,
    odds_of_place,
)
from .minimise import least_energy
from .movement import Floats, Movement, fetch, pixel_grid
from .pieces import belonging, found_again
from .store import HIDDEN, LOST, TRACKED
from .windows import Window, Working

_PRICE = 4.0
"""Log odds that a pixel of unmarked boundary costs."""
_ROUNDS = 50
_PROOF, _DISPROOF, _PROOF_RATE = 3.0, 6.0, 1.0
_RECENT, _FADE = 0.3, 0.7
_LEAST_SHARE, _LEAST_PX = 0.02, 12.0
"""Of the area that an object had: with less it is taken for gone."""


@dataclass(frozen=True)
class Proposal:
    """What a tracker makes of a frame before objects compete: float32 [h, w] each. soft: 0..1; odds: how strongly each
    pixel is claimed; colour: probability by colour alone, 0.5 outside of the window."""

    soft: Floats
    odds: Floats
    colour: Floats


class Tracker:
    """State: the mask and picture of the last frame, colours of the anchor (never forgotten) and of late, background.

    All of it follows from the anchor and from the pictures and masks since, and fades but for the anchor's colours.
    """

    def __init__(self, picture: Working, soft: Floats, others: Floats) -> None:
        """soft: float32 [h, w], not empty. others: float32 [h, w], where other objects are."""
        self._area = max(float(soft.sum()), _LEAST_PX)
        self._size = float(np.sqrt(self._area))
        self._cell = float(np.clip(self._size / 3.0, 5.0, 60.0))
        self._before, self.soft = picture, soft
        self._place = self._find_place(soft) or Place(0.0, 0.0, self._cell)
        window = self._around(soft) or Window.at(0.0, 0.0, 2.0, (soft.shape[0], soft.shape[1]))
        self._space = ColourSpace.fit(picture.lab[window.cut].reshape(-1, 3))
        self._anchor, self._recent = LocalColours(), LocalColours()
        for model in (self._anchor, self._recent):
            self._learn(model, window, np.ones_like(soft))
        self._sure = self._separability(window)
        self._background = Background(picture.lab, 1 - np.maximum(soft, others))
        self._proof = np.where(soft > 0.5, np.float32(_PROOF), np.float32(0.0))
        self._speed = np.zeros(2, np.float32)
        self._seen: Place | None = self._place
        self._away = 0
        self.state, self.confidence = TRACKED, 1.0

    def resume(self, picture: Working, soft: Floats, others: Floats) -> None:
        """Goes on at a later frame whose mask is known, with nothing but the anchor's colours remembered."""
        self._before, self.soft = picture, soft
        self._background = Background(picture.lab, 1 - np.maximum(soft, others))
        self._place = self._seen = self._find_place(soft) or self._place

    def propose(self, picture: Working, movement: Movement, others: Floats) -> Proposal:
        """others: float32 [h, w], where other objects were in the frame before."""
        elsewhere = fetch(others, movement.back)
        expected = np.maximum(fetch(self.soft, movement.back), elsewhere)
        self._background.carry(picture.lab, movement, expected)
        window = self._around(fetch(self.soft, movement.back)) if self.state == TRACKED else None
        if window is None:
            return self._search(picture, elsewhere)
        return self._follow(picture, movement, window)

    def carry_on(self, picture: Working, movement: Movement, others: Floats) -> None:
        """What `propose` does to the state, for a frame whose mask is known."""
        expected = np.maximum(fetch(self.soft, movement.back), fetch(others, movement.back))
        self._background.carry(picture.lab, movement, expected)
        if self.state != TRACKED:
            self._drift()

    def accept(self, picture: Working, soft: Floats, others: Floats, proposal: Proposal | None) -> None:
        """Takes the mask of the frame as decided, and learns from it. proposal: None when it is a kept mask."""
        self._judge(soft, others, proposal)
        if self.state != TRACKED:
            soft = np.zeros_like(soft)
        self._background.refresh(picture.lab, np.maximum(soft, others))
        self._before, self.soft = picture, soft
        if self.state != TRACKED:
            self._seen = None
            return
        self._move_to(soft)
        window = self._around(soft)
        if window is None:
            return
        self._recent.fade(_FADE)
        stable = np.where(soft > 0.5, np.float32(1.0), 0.3 + 0.7 * self._background.known)
        self._learn(self._recent, window, stable * _worth_learning(soft, proposal))

    def _follow(self, picture: Working, movement: Movement, window: Window) -> Proposal:
        cut = window.cut
        carried = carry(self.soft, self._proof, self._before, picture, movement, self._background.flow, window)
        self._place = self._find_place(carried.prior, window) or self._place
        colour = self._colours().at(*self._where(picture, window))
        odds = (
            odds_of_place(carried.prior, carried.trust, self._sure)
            + odds_of_colour(colour, self._sure)
            + odds_of_movement(picture, carried, self._background, window)
        )
        proof = np.clip(carried.proof + _PROOF_RATE * evidence_of_fate(picture, carried, window), -_DISPROOF, _PROOF)
        odds += np.where(carried.prior > 0.5, np.minimum(proof, 0), np.maximum(proof, 0))
        self._proof = np.zeros_like(self.soft)
        self._proof[cut] = proof
        soft = self._decide(odds, picture, window)
        soft = belonging(soft, carried.prior, self._size)
        return self._whole(window, soft, odds, colour)

    def _search(self, picture: Working, elsewhere: Floats) -> Proposal:
        """Looks for the object around where it should be by now, further away the longer it is gone."""
        self._drift()
        reach = self._size * (1.5 + 0.1 * self._away)
        window = Window.at(self._place.x, self._place.y, reach, (elsewhere.shape[0], elsewhere.shape[1]))
        bins = self._space.bins(picture.lab[window.cut])
        colour = self._colours().anywhere(bins)
        odds = odds_of_colour(colour, self._sure) + odds_of_appearing(self._background, window)
        odds -= 6.0 * elsewhere[window.cut]
        soft = found_again(self._decide(odds, picture, window), odds, colour, self._area)
        return self._whole(window, soft, odds, colour)

    def _drift(self) -> None:
        """Where an object that is not seen should be by now: it keeps its speed, and the background takes it along."""
        self._away += 1
        flow = self._background.flow
        y, x = (int(np.clip(v, 0, n - 1)) for v, n in zip((self._place.y, self._place.x), flow.shape[:2], strict=True))
        step = self._speed - flow[y, x]
        self._place = Place(self._place.x + float(step[0]), self._place.y + float(step[1]), self._cell)

    def _decide(self, odds: Floats, picture: Working, window: Window) -> Floats:
        return least_energy(odds / _PRICE, edge_prices(picture, window), 1 / (1 + np.exp(-odds)), _ROUNDS)

    def _whole(self, window: Window, soft: Floats, odds: Floats, colour: Floats) -> Proposal:
        shape = self.soft.shape
        parts = []
        for part, outside in ((soft, 0.0), (odds, -8.0), (colour, 0.5)):
            whole = np.full(shape, outside, np.float32)
            whole[window.cut] = part
            parts.append(whole)
        return Proposal(*parts)

    def _judge(self, soft: Floats, others: Floats, proposal: Proposal | None) -> None:
        """Whether it is there, and how sure that is."""
        area = float((soft > 0.5).sum())
        if area < max(_LEAST_PX, _LEAST_SHARE * self._area):
            if self.state == TRACKED:
                self.state, self._away = self._why_gone(others), 0
            self.confidence = 0.0
            return
        self.state, self._away = TRACKED, 0
        grown = min(1.25, max(0.96, area / self._area))
        self._area *= grown
        self._size = float(np.sqrt(self._area))
        if proposal is not None:
            certain = 1 / (1 + np.exp(-proposal.odds[soft > 0.5]))
            self.confidence = float(certain.mean() * min(1.0, (area / self._area) ** 0.5))

    def _why_gone(self, others: Floats) -> str:
        """Left the picture, or behind another object: hidden. Neither: lost."""
        window = Window.around(self.soft, 0, 0.5)
        if window is None:
            return self.state if self.state != TRACKED else LOST
        h, w = self.soft.shape
        step = np.abs(self._speed - self._background.flow.mean((0, 1))) + 2.0
        leaving = window.x0 <= step[0] or window.y0 <= step[1] or window.x1 >= w - step[0] or window.y1 >= h - step[1]
        x0, y0, x1, y1 = (int(v) for v in (window.x0 - 3, window.y0 - 3, window.x1 + 3, window.y1 + 3))
        near = others[max(0, y0) : y1, max(0, x0) : x1]
        behind = near.size > 0 and float((near > 0.5).mean()) > 0.25
        return HIDDEN if leaving or behind else LOST

    def _move_to(self, soft: Floats) -> None:
        """The place, and the speed relative to the background, in px a frame, which an occlusion outlasts."""
        place = self._find_place(soft)
        if place is None:
            return
        if self._seen is not None:
            flow = self._background.flow[soft > 0.5].mean(0)
            moved = np.array([place.x - self._seen.x, place.y - self._seen.y], np.float32) + flow
            self._speed = 0.8 * self._speed + 0.2 * moved
        self._place = self._seen = place

    def _around(self, soft: Floats) -> Window | None:
        return Window.around(soft, max(16.0, 0.6 * self._size))

    def _find_place(self, soft: Floats, window: Window | None = None) -> Place | None:
        y, x = np.nonzero(soft > 0.5)
        if not len(x):
            return None
        x0, y0 = (window.x0, window.y0) if window is not None else (0, 0)
        return Place(float(x.mean()) + x0, float(y.mean()) + y0, self._cell)

    def _where(self, picture: Working, window: Window) -> tuple[Bins, Floats, Floats]:
        x, y = pixel_grid(*window.shape, window.x0, window.y0)
        return (self._space.bins(picture.lab[window.cut]), *self._place.coordinates(x, y))

    def _colours(self) -> ColourAnswer:
        return ColourAnswer(_RECENT * self._recent.counts + self._anchor.counts)

    def _learn(self, model: LocalColours, window: Window, weight: Floats) -> None:
        bins, gx, gy = self._where(self._before, window)
        model.learn(bins, gx, gy, self.soft[window.cut], weight[window.cut])

    def _separability(self, window: Window) -> float:
        """How well the colours of the anchor tell the object from what is around it: 0 not at all, 1 always."""
        colour = ColourAnswer(self._anchor.counts).at(*self._where(self._before, window))
        soft = self.soft[window.cut]
        near = cv2.GaussianBlur(soft, (0, 0), self._cell / 2)
        band = near * (1 - near) + 1e-4
        missed = float(((1 - colour) * soft * band).sum() / ((soft * band).sum() + 1e-6))
        false = float((colour * (1 - soft) * band).sum() / (((1 - soft) * band).sum() + 1e-6))
        return float(np.clip(1.0 - 1.25 * (missed + false), 0.0, 1.0))


def _worth_learning(soft: Floats, proposal: Proposal | None) -> Floats:
    """Pixels that are certain, and that colour does not speak against: what was decided in spite of the known colours
    is not learned, since a mask that went astray must not teach the colours that would keep it there."""
    if proposal is None:
        return (np.abs(soft - 0.5) > 0.4).astype(np.float32)
    agrees = np.where(soft > 0.5, proposal.colour > 0.25, proposal.colour < 0.75)
    return ((np.abs(proposal.odds) > 1.0) & agrees).astype(np.float32)
