"""One object followed from frame to frame, from an anchor on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .background import Background
from .colour import Bins, ColourAnswer, ColourSpace, LocalColours, Place
from .evidence import (
    carry,
    edge_prices,
    evidence_of_fate,
    odds_of_appearing,
    odds_of_colour,
    odds_of_movement,
    odds_of_place,
)
from .leap import Leapt, with_leap
from .mend import change, likeness
from .minimise import least_energy
from .movement import Floats, Movement, fetch, pixel_grid
from .pieces import belonging
from .portrait import Portrait
from .store import HIDDEN, LOST, TRACKED
from .whereabouts import Whereabouts, centre
from .windows import Window, Working

_PRICE = 4.0
"""Log odds that a pixel of unmarked boundary costs."""
_ROUNDS = 40
_UNLIKELY, _MARGIN = -1.0, 6
_RECENT, _FADE = 0.3, 0.7
_PROOF, _DISPROOF = 3.0, 6.0
"""The most log odds that having moved with the object, or with the background, amounts to."""
_NEW = 3.0
"""Log odds of what came into sight with it."""
_COVERED = 0.1
"""Share of the object behind others from which on what is seen of it says little of the whole."""
_MOSTLY, _PATIENCE = 0.5, 24
"""Share of it behind others from which on what remains is not looked for to be completed; frames for which its
outline is believed meanwhile."""
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
    """State: the mask and picture of the last frame; how pixels moved so far (proof, log odds, float32 [h, w]); colours
    of the anchor, never forgotten, and of late; the background; whereabouts.

    While others hide a part of it, and until it is whole again, its outline stays as it was (_hurt: for
    how many frames by now; _covered: the share behind others).

    All of it follows from the anchor and from the pictures and masks since, and fades but for the anchor's colours.
    """

    def __init__(self, picture: Working, soft: Floats, others: Floats, *, painted: bool = True) -> None:
        """soft: float32 [h, w], not empty. others: float32 [h, w], where other objects are. painted: somebody vouches
        for every pixel; else it is a guess from a few hints, and what turns out to go with the background is dropped.
        """
        self._whereabouts, self._covered, self._hurt = Whereabouts(soft), 0.0, 0
        self._cell = float(np.clip(self._whereabouts.size / 3.0, 5.0, 60.0))
        self._take(picture, soft, others)
        self.changed, self.alike = np.zeros_like(soft), 1.0
        self._proof *= float(painted)
        window = self._around(soft) or Window.at(0.0, 0.0, 2.0, (soft.shape[0], soft.shape[1]))
        self._space = ColourSpace.fit(picture.lab[window.cut].reshape(-1, 3))
        self._anchor, self._recent = LocalColours(), LocalColours()
        for model in (self._anchor, self._recent):
            self._learn(model, window, np.ones_like(soft))
        self._sure = self._separability(window)
        self._fast = _touches_rim(soft)  # what comes in from there has shown no movement yet
        self.state, self.confidence = TRACKED, 1.0

    def _take(self, picture: Working, soft: Floats, others: Floats) -> None:
        self._before, self.soft = picture, soft
        self._background = Background(picture.lab, 1 - np.maximum(soft, others))
        self._proof = np.where(soft > 0.5, np.float32(_PROOF), np.float32(0.0))
        self._place = self._place_at(centre(soft))
        self._portrait = self._portrait_of(soft)

    def correct(self, soft: Floats, others: Floats, *, turned: bool) -> None:
        """Goes on from the mask of its last frame as it was corrected: all that was known of the object stays but for
        what the correction changes. soft, others: float32 [h, w]. turned: from here on back to where it came from."""
        added, removed = (soft > 0.5) & (self.soft <= 0.5), (soft <= 0.5) & (self.soft > 0.5)
        self.changed, self.alike = change(self.soft, soft), likeness(self.soft, soft)
        self._proof = np.where(added, np.float32(_PROOF), np.where(removed, np.float32(-_DISPROOF), self._proof))
        self._background.corrected(self._before.lab, added, removed & (others < 0.5))
        self._whereabouts.corrected(self.soft, soft, turned=turned)
        self.soft = soft
        window = self._around(np.maximum(soft, np.abs(self.changed)))
        if not (soft > 0.5).any():
            self.state, self.confidence = LOST, 0.0
        else:
            self.state, self.confidence = TRACKED, 1.0
            self._place = self._place_at(centre(soft))
        if window is not None:
            self._recent.fade(_FADE)
            for model in (self._anchor, self._recent):
                self._learn(model, window, np.abs(self.changed))

    def take_along(self, movement: Movement) -> None:
        """The change of the correction that it started from, to the next frame."""
        if self.changed.any():
            self.changed = fetch(self.changed, movement.back)

    def _portrait_of(self, soft: Floats) -> Portrait:
        return Portrait(soft, self._place.x, self._place.y, self._whereabouts.size)

    def propose(self, picture: Working, movement: Movement, others: Floats) -> Proposal:
        """others: float32 [h, w], where other objects were in the frame before."""
        self._carry_on(picture, movement, others)
        elsewhere, leapt = fetch(others, movement.back), Leapt(movement)
        if self.state == TRACKED:
            speed = self._whereabouts.speed
            leapt = with_leap(self.soft, self._before, picture, movement, self._background, elsewhere, speed)
            movement, self._fast = leapt.movement, leapt.shift is not None
        window = self._around(fetch(self.soft, movement.back)) if self.state == TRACKED else None
        if window is None:
            return self._search(picture, elsewhere)
        followed = self._follow(picture, leapt, window)
        if self._whereabouts.away or (self._hurt and self._covered < _MOSTLY):
            return self._completed(followed, picture, elsewhere)
        return followed

    def _carry_on(self, picture: Working, movement: Movement, others: Floats) -> None:
        """Takes the background and the whereabouts along to the frame."""
        expected = np.maximum(fetch(self.soft, movement.back), fetch(others, movement.back))
        self._background.carry(picture.lab, movement, expected, fast=self._fast)
        self._whereabouts.drift(self._background.flow)

    def accept(self, picture: Working, soft: Floats, others: Floats, proposal: Proposal) -> None:
        """Takes the mask of the frame as decided, and learns from it."""
        self._judge(soft, others, proposal)
        if self.state != TRACKED:
            soft = np.zeros_like(soft)
        self._background.refresh(picture.lab, np.maximum(soft, others))
        self._before, self.soft = picture, soft
        window = self._around(soft)
        if window is None:
            return
        self._place = self._place_at(centre(soft))
        if not (self._hurt or self._whereabouts.away):
            self._portrait = self._portrait_of(soft)
        self._recent.fade(_FADE)
        stable = np.where(soft > 0.5, np.float32(1.0), 0.3 + 0.7 * self._background.known)
        self._learn(self._recent, window, stable * _worth_learning(soft, proposal))

    def _follow(self, picture: Working, leapt: Leapt, window: Window) -> Proposal:
        carried = carry(
            self.soft,
            self._proof,
            self._before,
            picture,
            leapt,
            self._background.flow,
            self._whereabouts.speed,
            window,
        )
        self._place = self._place_at(centre(carried.prior), window)
        colour = self._colours().at(*self._where(picture, window))
        proof = np.clip(carried.proof + evidence_of_fate(picture, carried, colour, window), -_DISPROOF, _PROOF)
        odds = (
            odds_of_place(carried.prior, carried.trust, self._sure, carried.entered)
            + odds_of_colour(colour, self._sure)
            + odds_of_movement(picture, carried, self._background, window)
            + np.where(carried.prior > 0.5, np.minimum(proof, 0), np.maximum(proof, 0))
        )
        if leapt.new is not None:
            odds = np.where(leapt.new[window.cut], np.maximum(odds, 0) + _NEW, odds)
        self._proof = np.zeros_like(self.soft)
        self._proof[window.cut] = proof
        soft = belonging(self._decide(odds, picture, window), carried.prior, self._whereabouts.size)
        return self._whole(window, soft, odds, colour)

    def _completed(self, followed: Proposal, picture: Working, elsewhere: Floats) -> Proposal:
        """Little is left of it: what shows up where it should be by now counts, and more than remains elsewhere."""
        searched = self._search(picture, elsewhere)
        if float((searched.soft > 0.5).sum()) <= float((followed.soft > 0.5).sum()):
            return followed
        y, x = np.mgrid[0 : self.soft.shape[0], 0 : self.soft.shape[1]]
        far = np.hypot(x - self._whereabouts.x, y - self._whereabouts.y) > self._whereabouts.reach
        kept = np.where(far, np.float32(0.0), followed.soft)
        return Proposal(np.maximum(kept, searched.soft), np.maximum(followed.odds, searched.odds), searched.colour)

    def _search(self, picture: Working, elsewhere: Floats) -> Proposal:
        """Looks for the object around where it should be by now."""
        where = self._whereabouts
        whole = Window(0, 0, elsewhere.shape[1], elsewhere.shape[0])
        answer = self._colours()
        against = odds_of_appearing(self._background, whole)
        in_sight = np.where(elsewhere > 0.5, np.float32(-np.inf), against)
        place = Place(where.x, where.y, self._cell)
        found = self._portrait.find(picture, answer, self._space, in_sight, place, where.reach, where.size)
        if found is None:
            nothing = np.zeros_like(elsewhere)
            return Proposal(nothing, nothing - 8, nothing + 0.5)
        outline = self._portrait.moved(*found)
        window = self._around(outline) or whole
        self._place = Place(*found, self._cell)
        colour = answer.at(*self._where(picture, window))
        odds = odds_of_colour(colour, self._sure) + against[window.cut] - 6.0 * elsewhere[window.cut]
        odds += odds_of_place(outline[window.cut], np.zeros_like(colour), 1.0)
        soft = belonging(self._decide(odds, picture, window), outline[window.cut], where.size)
        return self._whole(window, soft, odds, colour)

    def _decide(self, odds: Floats, picture: Working, window: Window) -> Floats:
        """The mask, soft 0..1, in the window: decided where anything but the background is likely."""
        soft = np.zeros_like(odds)
        likely = Window.around(cv2.blur(odds, (5, 5)), _MARGIN, _UNLIKELY)
        if likely is None:
            return soft
        cut = likely.cut
        part = odds[cut]
        soft[cut] = least_energy(part / _PRICE, edge_prices(picture, window)[cut], 1 / (1 + np.exp(-part)), _ROUNDS)
        return soft

    def _whole(self, window: Window, soft: Floats, odds: Floats, colour: Floats) -> Proposal:
        parts = []
        for part, outside in ((soft, 0.0), (odds, -8.0), (colour, 0.5)):
            whole = np.full(self.soft.shape, outside, np.float32)
            whole[window.cut] = part
            parts.append(whole)
        return Proposal(*parts)

    def _judge(self, soft: Floats, others: Floats, proposal: Proposal) -> None:
        """Whether it is there, and how sure that is."""
        inside = soft > 0.5
        area = float(inside.sum())
        gone = area < max(_LEAST_PX, _LEAST_SHARE * self._whereabouts.area)
        if gone:
            if self.state == TRACKED:
                self.state = self._why_gone(others)
            self.confidence = 0.0
        else:
            self.state = TRACKED
        self._locate(np.zeros_like(soft) if gone else soft, others)
        if not gone:
            certain = 1 / (1 + np.exp(-proposal.odds[inside]))
            self.confidence = float(certain.mean() * min(1.0, (area / self._whereabouts.area) ** 0.5))

    def _locate(self, soft: Floats, others: Floats) -> None:
        """Where the object is by what is seen of it, beside what others hide."""
        outline = self._portrait.moved(self._whereabouts.x, self._whereabouts.y)
        behind = float((outline * (others >= 0.5)).sum()) / max(float(outline.sum()), 1.0)
        whole = self._whereabouts.is_whole(soft)
        self._covered = 0.0 if whole or self._hurt >= _PATIENCE else behind
        self._whereabouts.saw(soft)
        lasts = self._covered > _COVERED or (0 < self._hurt < _PATIENCE and not whole)
        self._hurt = self._hurt + 1 if lasts else 0

    def _why_gone(self, others: Floats) -> str:
        """Left the picture, or behind another object: hidden. Neither: lost."""
        shape = (others.shape[0], others.shape[1])
        where = self._whereabouts
        near = others[Window.at(where.x, where.y, 0.6 * where.size + 3, shape).cut]
        behind = float((near > 0.5).mean()) > 0.25
        return HIDDEN if behind or where.leaves(shape) else LOST

    def _around(self, soft: Floats) -> Window | None:
        return Window.around(soft, max(16.0, 0.6 * self._whereabouts.size))

    def _place_at(self, found: tuple[float, float] | None, window: Window | None = None) -> Place:
        """Where the grid of colours lies: around what is seen, or around where the object should be when little is."""
        if found is None or self._whereabouts.away:
            return Place(self._whereabouts.x, self._whereabouts.y, self._cell)
        x0, y0 = (0, 0) if window is None else (window.x0, window.y0)
        return Place(found[0] + x0, found[1] + y0, self._cell)

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


def _touches_rim(soft: Floats) -> bool:
    rim = (soft[0], soft[-1], soft[:, 0], soft[:, -1])
    return any(bool((side > 0.5).any()) for side in rim)


def _worth_learning(soft: Floats, proposal: Proposal) -> Floats:
    """Pixels that are certain, and that colour does not speak against: what was decided in spite of the known colours
    is not learned, since a mask that went astray must not teach the colours that would keep it there."""
    agrees = np.where(soft > 0.5, proposal.colour > 0.25, proposal.colour < 0.75)
    learned: Floats = ((np.abs(proposal.odds) > 1.0) & agrees).astype(np.float32)
    return learned
