"""In which world an imported shot stands: kept in its collection, so that undo takes it back with the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy

from ..shared.camera_files import Similarity
from ..shared.errors import BacklotError
from ..shared.similarity import compose, inverse
from ..shared.wire import pack, unpack
from ..shared.world_messages import WorldReply

if TYPE_CHECKING:
    from .contents import ShotContents

_RECORD = "backlot_world"
_SAME = 1e-9
"""Relative difference of two worlds' numbers that is rounding."""


@dataclass(frozen=True)
class WorldRecord:
    """solve: names the solve that the world belongs to (`ShotContents.solve`). The rest as in world.json and
    extrinsics.json."""

    revision: int
    solve: str
    world_from_solve: Similarity
    up_source: str
    scale_source: str
    units: str

    def is_same_world(self, other: WorldRecord) -> bool:
        """Whether both are the same world of the same solve, whatever its revision."""
        one, two = _numbers(self.world_from_solve), _numbers(other.world_from_solve)
        size = max(map(abs, one))
        return self.solve == other.solve and all(abs(a - b) <= _SAME * size for a, b in zip(one, two, strict=True))

    def after(self, reply: WorldReply) -> WorldRecord:
        """The record once the backend has changed the world."""
        return replace(
            self,
            revision=reply.revision,
            world_from_solve=reply.world_from_solve,
            up_source=reply.up_source,
            scale_source=reply.scale_source,
            units=reply.units,
        )


def of_contents(contents: ShotContents) -> WorldRecord:
    world, poses = contents.camera.world, contents.camera.extrinsics
    return WorldRecord(
        world.revision, contents.solve, world.world_from_solve, poses.up_source, poses.scale_source, poses.units
    )


def read(collection: bpy.types.Collection) -> WorldRecord | None:
    """None for a shot that was imported before records were kept, or whose record was tampered with."""
    text = collection.get(_RECORD)
    if not isinstance(text, str):
        return None
    try:
        return unpack(WorldRecord, json.loads(text))
    except (BacklotError, ValueError):
        return None


def write(collection: bpy.types.Collection, record: WorldRecord) -> None:
    collection[_RECORD] = json.dumps(pack(record))


def between(before: WorldRecord, after: WorldRecord) -> Similarity | None:
    """What took one world to the other; None when they are the same, or of different solves: a new solve is laid
    onto the world of the one before, so what stands in that world stays where it is."""
    if before.solve != after.solve or before.is_same_world(after):
        return None
    return compose(after.world_from_solve, inverse(before.world_from_solve))


def _numbers(of: Similarity) -> tuple[float, ...]:
    return (of.scale, *of.translation, *(value for row in of.rotation for value in row))
