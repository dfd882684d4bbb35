"""Objects taken through a clip by SAM 2: first every frame with hints, then forward from the first of them, then
backward."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.roto.cut import Hints
from backend.roto.propagation import HIDDEN, PROMPTED, TRACKED, FrameMasks

from .keep import ObjectFolder
from .memory import FEATURES, Reach
from .prompts import Told, only_says_where_not, told
from .sam2 import Followed, Logits, Picture, Sam2

Floats = NDArray[np.float32]

FORWARD, BACKWARD = "forward", "backward"
CONFIDENT = 0.9
_AUTOMATIC = 2
"""Masks of the network's own that are kept as prompts, the latest; more would outweigh the artist's."""

_REMEMBER_EVERY = 32
_STABLE = 1.0


@dataclass(frozen=True)
class Clip:
    """numbers: plate numbers, ascending. picture: of a plate number. size: height, width. reprompt_every: frames, 0
    never. checkpoint: may raise to stop."""

    numbers: Sequence[int]
    picture: Callable[[int], Picture]
    size: tuple[int, int]
    reprompt_every: int
    checkpoint: Callable[[str, int, int], None]


@dataclass
class FollowedObject:
    """hints: by plate number. corrects: index of every frame with hints -> whether they only say where the object is
    not, see `prompts.Told`. prompts: by index, what it remembers of the
    frames it was told something, automatic ones apart. ahead: by index, what it remembers of the frames right after the
    first with a hint, which going backward begins with."""

    label: str
    hints: Mapping[int, Hints]
    folder: ObjectFolder
    session: Any = None
    corrects: dict[int, bool] = field(default_factory=dict)
    prompts: dict[int, Any] = field(default_factory=dict)
    ahead: dict[int, Any] = field(default_factory=dict)
    automatic: deque[tuple[int, Any]] = field(default_factory=lambda: deque(maxlen=_AUTOMATIC))

    @property
    def first(self) -> int:
        """Index of the first frame that says where the object is, or that it is not there."""
        return min(index for index, correction in self.corrects.items() if not correction)


def follow(network: Sam2, clip: Clip, objects: Sequence[FollowedObject]) -> None:
    """Finds every object's mask in every frame and keeps it in the object's folder; frames that are there already are
    not done again. One picture is in memory, and of each object what `memory.Reach` says."""
    todo = [one for one in objects if not all(one.folder.has(index) for index in range(len(clip.numbers)))]
    for one in todo:
        one.session = network.session()
        one.corrects = _corrects(one, clip)
    _tell(network, clip, todo)
    for backward in (False, True):
        _pass(network, clip, todo, backward=backward)
    for one in todo:
        one.session = None


def _corrects(one: FollowedObject, clip: Clip) -> dict[int, bool]:
    index_of = {number: index for index, number in enumerate(clip.numbers)}
    return {
        index_of[number]: only_says_where_not(one.hints[number]) for number in sorted(one.hints) if number in index_of
    }


def _told(one: FollowedObject, clip: Clip, index: int) -> Told:
    """What the network is told of an object at a frame with hints. Made when it is needed: masks are large."""
    number = clip.numbers[index]
    return told(one.hints[number], lambda: clip.picture(number))


def _tell(network: Sam2, clip: Clip, objects: Sequence[FollowedObject]) -> None:
    """Shows the network every frame with hints, so that each frame is followed knowing those before and after it."""
    indices = sorted({index for one in objects for index, correction in one.corrects.items() if not correction})
    for done, index in enumerate(indices):
        clip.checkpoint("Looking at the hints", done, len(indices))
        pixels = network.pixels(clip.picture(clip.numbers[index]))
        network.new_frame()
        for one in objects:
            if one.corrects.get(index, True):
                continue
            network.tell(one.session, index, _told(one, clip, index), clip.size)
            network.look(one.session, index, pixels)
            network.forget(one.session, index, backward=False)
            one.prompts = network.prompted(one.session)


def _pass(network: Sam2, clip: Clip, objects: Sequence[FollowedObject], *, backward: bool) -> None:
    """From each object's first hint to one end of the clip."""
    if not objects:
        return
    firsts = [one.first for one in objects]
    frames = range(max(firsts) - 1, -1, -1) if backward else range(min(firsts), len(clip.numbers))
    name = BACKWARD if backward else FORWARD
    resumed = {one.label: _recalled(one, name) for one in objects}
    for done, index in enumerate(frames):
        clip.checkpoint(f"Following objects {name}", done, len(frames))
        active = [one for one in objects if _is_left(one, index, resumed[one.label], backward=backward)]
        if not active:
            continue
        pixels = network.pixels(clip.picture(clip.numbers[index]))
        network.new_frame()
        for one in active:
            found = _step(network, clip, one, index, pixels, backward=backward)
            one.folder.put(index, found)
            if not backward:
                _look_ahead(one, index, network.reach)
            network.forget(one.session, index, backward=backward)
            if (index + 1) % _REMEMBER_EVERY == 0:
                one.folder.remember(name, _state(one, index))


def _look_ahead(one: FollowedObject, index: int, reach: Reach) -> None:
    """Keeps what going backward will look at, thinned as `memory.forget` does."""
    (outputs,) = one.session.output_dict_per_obj.values()
    age = index - one.first
    found = outputs["non_cond_frame_outputs"].get(index)
    if found is not None and age <= reach.pointers:
        dropped = {"high_res_masks", "pred_masks"} | (set(FEATURES) if age > reach.features else set())
        one.ahead[index] = {name: value for name, value in found.items() if name not in dropped}


def _is_left(one: FollowedObject, index: int, resumed: int | None, *, backward: bool) -> bool:
    reached = index < one.first if backward else index >= one.first
    if resumed is None:
        return reached
    return reached and (index < resumed if backward else index > resumed)


def _step(network: Sam2, clip: Clip, one: FollowedObject, index: int, pixels: Any, *, backward: bool) -> Followed:
    network.choose_prompts(one.session, index, {**one.prompts, **dict(one.automatic)})
    if one.corrects.get(index, False):
        network.tell(one.session, index, _told(one, clip, index), clip.size)
    found = network.look(one.session, index, pixels, backward=backward)
    every = clip.reprompt_every
    if (
        every
        and index not in one.corrects
        and abs(index - one.first) % every == 0
        and confidence_of(found) >= CONFIDENT
    ):
        _prompt_again(network, clip, one, index, found, pixels)
    return found


def _prompt_again(
    network: Sam2, clip: Clip, one: FollowedObject, index: int, found: Followed, pixels: Any
) -> None:  # fmt: skip
    """Makes the mask of a frame a prompt, as if the artist had painted it."""
    mask = plate_size(found.logits, clip.size) > 0
    session = one.session
    (outputs,) = session.output_dict_per_obj.values()
    outputs["non_cond_frame_outputs"].pop(index, None)
    session.frames_tracked_per_obj[0].pop(index, None)
    network.tell(session, index, Told(mask=mask), clip.size)
    network.look(session, index, pixels)
    network.forget(session, index, backward=False)
    one.automatic.append((index, outputs["cond_frame_outputs"][index]))


def _state(one: FollowedObject, index: int) -> dict[str, Any]:
    (outputs,) = one.session.output_dict_per_obj.values()
    return {
        "index": index,
        "outputs": outputs["non_cond_frame_outputs"],
        "went": one.session.frames_tracked_per_obj[0],
        "automatic": list(one.automatic),
        "ahead": one.ahead,
    }


def _recalled(one: FollowedObject, name: str) -> int | None:
    """The index after which a pass goes on that was cut short; the session remembers what it did then. None to begin
    anew."""
    (outputs,) = one.session.output_dict_per_obj.values()
    outputs["non_cond_frame_outputs"] = dict(one.ahead) if name == BACKWARD else {}
    one.session.frames_tracked_per_obj[0] = {}
    one.automatic.clear()
    state = one.folder.recall(name)
    if state is None:
        return None
    outputs["non_cond_frame_outputs"] = state["outputs"]
    one.session.frames_tracked_per_obj[0] = state["went"]
    one.automatic.extend(state["automatic"])
    one.ahead = dict(state["ahead"])
    return int(state["index"])


def confidence_of(found: Followed) -> float:
    """0..1: how sure the network is that the object is there, times how little its mask depends on the threshold
    (SAM's stability score: Kirillov et al., 2023)."""
    surely, maybe = (int(np.count_nonzero(found.logits > level)) for level in (_STABLE, -_STABLE))
    if maybe == 0:
        return 0.0
    return float(surely / maybe / (1.0 + np.exp(-np.clip(found.score, -30.0, 30.0))))


def frames(clip: Clip, objects: Sequence[FollowedObject]) -> Iterator[FrameMasks]:
    """The kept masks, frame after frame, after competition."""
    for index, number in enumerate(clip.numbers):
        clip.checkpoint("Writing masks", index, len(clip.numbers))
        kept = {one.label: one.folder.get(index) for one in objects}
        logits = {label: plate_size(found.logits, clip.size) for label, found in kept.items()}
        soft = competed(logits)
        state = {one.label: _state_of(one, number, soft[one.label]) for one in objects}
        sure = {one.label: 1.0 if state[one.label] == PROMPTED else confidence_of(kept[one.label]) for one in objects}
        yield FrameMasks(number, soft, state, sure)


def _state_of(one: FollowedObject, number: int, soft: Floats) -> str:
    said = one.hints.get(number)
    if not (soft >= 0.5).any():
        return HIDDEN
    return PROMPTED if said is not None else TRACKED


def plate_size(logits: Logits, size: tuple[int, int]) -> Logits:
    """Logits [h, w] at height, width of `size`, as the network's own post-processing scales them."""
    return np.asarray(cv2.resize(logits, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def competed(logits: Mapping[str, Logits]) -> dict[str, Floats]:
    """Soft masks, float32 [H, W] in 0..1, of which at most one is at least 0.5 at a pixel: the surest, the first of
    equals."""
    highest: Logits | None = None
    owner: NDArray[np.int32] | None = None
    for place, values in enumerate(logits.values()):
        if highest is None or owner is None:
            highest, owner = values.copy(), np.zeros(values.shape, np.int32)
            continue
        higher = values > highest
        highest[higher], owner[higher] = values[higher], place
    soft: dict[str, Floats] = {}
    for place, (label, values) in enumerate(logits.items()):
        mask = 1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))
        soft[label] = np.where(owner == place, mask, np.minimum(mask, 0.49)).astype(np.float32)
        soft[label][values <= 0] = np.minimum(soft[label][values <= 0], 0.49)
    return soft
