"""What clients say and hear about a shot's world: its origin, up, heading and scale.

| method | params | result |
|---|---|---|
| world.change | WorldRequest | WorldReply; moves every file of the shot that is in world coordinates |
| world.suggest | {"shot": path} | WorldSuggestion: where the ground is, found by itself; changes nothing |

Both are answered by a process of their own and may be sent while jobs run; a change waits for no job: it is
refused with `ShotBusy` while one works on the same shot.
"""

from __future__ import annotations

from dataclasses import dataclass

from .camera_files import UNCHANGED, Similarity

Vector3 = tuple[float, float, float]

AXES = ("x", "-x", "y", "-y", "z", "-z")


@dataclass(frozen=True)
class Pick:
    """A place of the set: `xyz` in the shot's present world, or `frame`, `x`, `y`: px of a plate frame (edges at
    integers), meaning the nearest solved point that this frame sees."""

    xyz: Vector3 | None = None
    frame: int | None = None
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True)
class WorldRequest:
    """What shall be true of the shot's world. Everything given is combined into one change.

    shot: absolute path. revision: of the world that the picks were made in, None to take any; another one is
    refused. preview: say what the change would be and leave the shot as it is.

    origin: becomes (0, 0, 0); with a floor its foot on the floor does.
    floor: three or more places that become z = 0 (robust fit), with the cameras above.
    auto_ground: as `floor`, found from the solved points and the lines of the plate.
    axis, axis_points: the direction from the first to the second place becomes that axis (in AXES). x and y only
    turn about the vertical; z says what vertical is and cannot be joined with a floor.
    distance, distance_points: metres between two places; of_object says that they are the ends of a known object.
    camera_height: metres of the cameras over the floor (median over frames); the floor may be set before or now.
    person_height: metres of somebody upright on the floor; either person_points, the pixels of the top of the head and
    of the foot in one frame (the floor may be set before or now), or person, a label of motion capture.
    scale, scale_source: multiply the world by a factor that was found elsewhere ("person-height",
    "metric-depth", "imported", ...).
    reset: back to the solver's own world; with nothing else.
    world_from_solve, up_source, scale_source: exactly this world; with nothing else.
    """

    shot: str
    revision: int | None = None
    preview: bool = False
    origin: Pick | None = None
    floor: tuple[Pick, ...] = ()
    auto_ground: bool = False
    axis: str = ""
    axis_points: tuple[Pick, ...] = ()
    distance: float | None = None
    distance_points: tuple[Pick, ...] = ()
    of_object: bool = False
    camera_height: float | None = None
    person_height: float | None = None
    person_points: tuple[Pick, ...] = ()
    person: str = ""
    scale: float | None = None
    scale_source: str = ""
    up_source: str = ""
    reset: bool = False
    world_from_solve: Similarity | None = None


@dataclass(frozen=True)
class WorldReply:
    """by: takes the world that the client knows to the new one (`shared.similarity` moves points and poses by
    it). changed: False for a preview, and when there was nothing to change."""

    revision: int
    changed: bool
    by: Similarity
    world_from_solve: Similarity
    up_source: str
    scale_source: str
    units: str
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorldSuggestion:
    """found: whether the evidence is good enough to act on (`auto_ground`). confidence: 0..1. up: unit vector in
    the present world; tilt_deg: its angle to the present z. ground: a place on the floor, None when only up is
    known. by: what `auto_ground` alone would do. evidence: sentences for people."""

    revision: int
    found: bool
    confidence: float
    up: Vector3 = (0.0, 0.0, 1.0)
    tilt_deg: float = 0.0
    ground: Vector3 | None = None
    by: Similarity = UNCHANGED
    evidence: tuple[str, ...] = ()
