"""Depth of what moves, which no two frames see at the same place: estimated from where it stands, and marked so.

Each frame is watched once for its moving things and where they touch the ground (movers_pieces.py, movers_contact.py);
their ways are made smooth over the clip (movers_path.py); then every frame gets them as upright flat figures at their
place. A network's depth, which knows moving things too, keeps its shape and gets the place's smoothness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .frame import FrameDepth, Mask
from .movers_contact import Footing, Stand, seen_depth, stand_of
from .movers_path import way_of
from .movers_pieces import Ellipse, Labels, Part, PieceNames, Places, components, labels_of_things, split
from .poses import Floats, Pose

_SURE = {Footing.CONTACT: 0.4, Footing.CUT: 0.2, Footing.HIDDEN: 0.2, Footing.LAYERS: 0.1}
"""Confidence of a mover's depth by what is known of it: below measured, whatever it is."""


@dataclass(frozen=True)
class WatchedFrame:
    """frame: the static scene's depth, 0 where something moves. moving bool [H, W]: all that does. things: bool [H, W]
    each, what is known as single things (roto), in one order in all frames. raw: the engine's map if it knows moving
    things too (a network's)."""

    frame: FrameDepth
    moving: Mask
    pose: Pose
    things: Sequence[Mask] = ()
    raw: FrameDepth | None = None

    @property
    def loose(self) -> list[Part]:
        """The connected pieces of what moves and is no known thing."""
        return components(self.moving & (labels_of_things(self.things, self.moving.shape) < 0))


@dataclass(frozen=True)
class Standing:
    """A thing in one frame. ellipse: its pixels. place [3] world: where it stands. up [3] world or None. confidence:
    of its depth, 0..0.5."""

    ellipse: Ellipse
    place: Floats
    up: Floats | None
    confidence: float


@dataclass(frozen=True)
class Movers:
    """The moving things of a clip, by plate number: some numbers per frame and thing."""

    by_frame: dict[int, dict[int, Standing]]


def watched(frames: Iterable[WatchedFrame], checkpoint: Callable[[], None] = lambda: None) -> Movers:
    """The moving things of a clip. frames: in order, each used once."""
    names = PieceNames()
    stands: dict[int, dict[int, Stand]] = {}
    ellipses: dict[int, dict[int, Ellipse]] = {}
    poses: dict[int, Pose] = {}
    for one in frames:
        checkpoint()
        pieces = names.named(one.things, one.moving)
        number = one.frame.number
        poses[number], ellipses[number] = one.pose, pieces.ellipses
        for name in pieces.ellipses:
            stand = stand_of(pieces.labels == name, one.frame, one.pose, one.raw)
            if stand is not None:
                stands.setdefault(name, {})[number] = stand
    return _settled(stands, ellipses, poses)


def _settled(
    stands: dict[int, dict[int, Stand]], ellipses: dict[int, dict[int, Ellipse]], poses: dict[int, Pose]
) -> Movers:
    by_frame: dict[int, dict[int, Standing]] = {}
    for name, seen in stands.items():
        way, up = way_of(seen, poses)
        for number, place in way.items():
            sure = _SURE[seen[number].footing]
            by_frame.setdefault(number, {})[name] = Standing(ellipses[number][name], place, up, sure)
    return Movers(by_frame)


def with_movers(one: WatchedFrame, movers: Movers) -> FrameDepth:
    """The frame with the depth of its moving things, confidence below 0.5: flat, or in the shape of the raw map. Pixels
    of things of which nothing is known stay unknown."""
    standing = movers.by_frame.get(one.frame.number, {})
    if not standing:
        return one.frame
    depth, confidence = one.frame.depth.copy(), one.frame.confidence.copy()
    for name, y, x in _pixels_by_thing(one, standing):
        thing = standing[name]
        depth[y, x] = _shaped(upright(thing, one.pose, np.stack([x, y], 1).astype(np.float64) + 0.5), one.raw, y, x)
        confidence[y, x] = thing.confidence
    return replace(one.frame, depth=depth, confidence=confidence)


def upright(thing: Standing, pose: Pose, xy: Floats) -> Floats:
    """Planar depth [N] at pixels xy [N, 2] of the flat figure that stands upright at the thing's place and faces the
    camera; level with the picture where up is unknown."""
    turn = pose.world_from_camera[:3, :3]
    ahead = turn[:, 2]
    away = thing.place - pose.centre
    facing = ahead if thing.up is None else ahead - (ahead @ thing.up) * thing.up
    rays = np.concatenate([xy, np.ones((len(xy), 1))], 1) @ np.linalg.inv(pose.K).T
    towards = rays @ (turn.T @ facing)
    level = float(ahead @ away)
    # Seen from straight above an upright figure has no depth: it is held near that of its place.
    found = float(facing @ away) / np.maximum(towards, 1e-6)
    depth: Floats = np.clip(found, 0.7 * level, 1.4 * level)
    return depth


def _shaped(flat: Floats, raw: FrameDepth | None, y: Places, x: Places) -> Floats:
    """The flat depth [N], or a network's shape about its middle."""
    if raw is None:
        return flat
    middle = seen_depth(raw, y, x)
    if middle is None:
        return flat
    shape = raw.depth[y, x]
    return np.where(raw.known[y, x], shape * (float(np.median(flat)) / middle), flat)


def _pixels_by_thing(one: WatchedFrame, standing: dict[int, Standing]) -> Iterator[tuple[int, Places, Places]]:
    """Name, rows [N] and columns [N] of the pixels of every thing whose place is known."""
    labels = labels_of_things(one.things, one.moving.shape)
    for name in set(standing) & set(range(len(one.things))):
        rows, columns = np.nonzero(labels == name)
        yield name, rows, columns
    found = {name: thing.ellipse for name, thing in standing.items() if name >= len(one.things)}
    for part in one.loose if found else ():
        names, (rows, columns) = _names(part, found), part
        for name in np.unique(names):
            yield int(name), rows[names == name], columns[names == name]


def _names(part: Part, ellipses: dict[int, Ellipse]) -> Labels:
    """Names [N] of a piece's pixels: of the things whose middle lies in it, else of the likeliest."""
    inside = {name: one for name, one in ellipses.items() if _has(part, one.centre)}
    return split(part, inside or ellipses)


def _has(part: Part, centre: Floats) -> bool:
    """Whether the pixel at centre [2] px is one of the piece."""
    column, row = np.floor(centre)
    return bool(((part[0] == row) & (part[1] == column)).any())
