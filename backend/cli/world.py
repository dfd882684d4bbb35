"""`python -m backend world SHOT ...`: a shot's origin, up, heading and scale."""

from __future__ import annotations

import argparse
import json
import math
import re
from pathlib import Path
from typing import Any

from shared.depth_meta import DepthMeta, read_depth_meta
from shared.errors import InvalidRequest
from shared.wire import pack
from shared.world_messages import AXES, Pick, WorldReply, WorldRequest, WorldSuggestion

_PLACE = "A place is x,y,z in the world, or FRAME@x,y in px of a plate frame: the nearest solved point there."
_PIXEL = re.compile(r"\s*(\d+)@([^,]+),([^,]+)")


def add_world(parser: argparse.ArgumentParser) -> None:
    parser.description = f"Sets a shot's origin, up, heading and scale in all its files. {_PLACE}"
    parser.add_argument("shot", type=Path, metavar="SHOT", help="shot folder")
    parser.add_argument("--suggest", action="store_true", help="only say where the ground seems to be")
    parser.add_argument("--auto-ground", action="store_true", help="level the world on the ground that is found")
    parser.add_argument("--origin", metavar="P", help="this place becomes the origin")
    parser.add_argument("--floor", metavar="P;P;P", help="three or more places on the floor, which becomes z = 0")
    parser.add_argument(
        "--axis", nargs=2, metavar=("AXIS", "P;P"), help="x, -x, y, -y, z or -z, and two places along it"
    )
    parser.add_argument("--distance", nargs=2, metavar=("P;P", "M"), help="two places and the metres between them")
    parser.add_argument("--object-size", nargs=2, metavar=("P;P", "M"), help="as --distance, of a known object's ends")
    parser.add_argument("--camera-height", type=float, metavar="M", help="metres of the camera over the floor")
    parser.add_argument(
        "--person-height", nargs=2, metavar=("P;P", "M"),
        help="FRAME@x,y of the head's top and of the foot of somebody upright on the floor, or a label of motion "
        "capture; and the metres",
    )  # fmt: skip
    parser.add_argument(
        "--metric-depth", action="store_true", help="metres as the metric network says that made the depth maps"
    )
    parser.add_argument("--reset", action="store_true", help="back to the world as it was solved")
    parser.add_argument("--preview", action="store_true", help="say what would change, and leave the shot as it is")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    # Places and axes may begin with a minus; no option of this command looks like one.
    parser._negative_number_matcher = re.compile(r"-([\d.]|[xyz]$)")


def world(namespace: argparse.Namespace) -> int:
    from backend.world.answer import answer
    from backend.world.suggest import suggest_world

    shot = namespace.shot.expanduser().absolute()
    if namespace.suggest:
        _say(namespace, suggest_world(shot), _suggestion_lines)
    else:
        _say(namespace, answer(_request(namespace, str(shot))), _reply_lines)
    return 0


def _request(given: argparse.Namespace, shot: str) -> WorldRequest:
    if given.distance and given.object_size:
        raise InvalidRequest("--distance and --object-size both say what scale is.", "Give one of them.")
    ends, metres = given.distance or given.object_size or ("", None)
    person = given.person_height
    depth = _metric_depth(Path(shot)) if given.metric_depth else None
    return WorldRequest(
        shot=shot,
        revision=None if depth is None else depth.world_revision,
        scale=None if depth is None else depth.metric_scale,
        scale_source="" if depth is None else "metric-depth",
        preview=given.preview,
        origin=_place(given.origin) if given.origin else None,
        floor=_places(given.floor) if given.floor else (),
        auto_ground=given.auto_ground,
        axis=_axis(given.axis[0]) if given.axis else "",
        axis_points=_places(given.axis[1]) if given.axis else (),
        distance=None if metres is None else _number(metres),
        distance_points=_places(ends) if ends else (),
        of_object=given.object_size is not None,
        camera_height=given.camera_height,
        person_height=None if person is None else _number(person[1]),
        person_points=_places(person[0]) if person and "@" in person[0] else (),
        person=person[0] if person and "@" not in person[0] else "",
        reset=given.reset,
    )


def _metric_depth(shot: Path) -> DepthMeta:
    """The depth that knows the scale of the world. Raises `InvalidRequest` when it does not."""
    depth = read_depth_meta(shot)
    if depth.metric_scale is None:
        raise InvalidRequest(
            "The shot's depth says nothing of metres.",
            "Run the depth stage with a metric network: --depth-engine depth-learned --depth-model zoedepth.",
        )
    return depth


def _axis(text: str) -> str:
    if text not in AXES:
        raise InvalidRequest(f"{text!r} is not an axis.", f"It is one of {', '.join(AXES)}.")
    return text


def _places(text: str) -> tuple[Pick, ...]:
    return tuple(_place(part) for part in text.split(";") if part.strip())


def _place(text: str) -> Pick:
    pixel = _PIXEL.fullmatch(text)
    if pixel:
        return Pick(frame=int(pixel[1]), x=_number(pixel[2]), y=_number(pixel[3]))
    parts = text.split(",")
    if len(parts) != 3:
        raise InvalidRequest(f"{text.strip()!r} is not a place.", _PLACE)
    x, y, z = map(_number, parts)
    return Pick(xyz=(x, y, z))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as bad:
        raise InvalidRequest(f"{text.strip()!r} is not a number.", _PLACE) from bad
    if not math.isfinite(value):
        raise InvalidRequest(f"{text.strip()!r} is not a finite number.", _PLACE)
    return value


def _say(namespace: argparse.Namespace, result: Any, lines: Any) -> None:
    if namespace.json:
        print(json.dumps({"event": "done", "world": pack(result)}, ensure_ascii=False))
    else:
        print("\n".join(lines(result)))


def _suggestion_lines(found: WorldSuggestion) -> list[str]:
    head = (
        "no ground found" if not found.found else f"ground found: the world is tilted by {found.tilt_deg:.2f} degrees"
    )
    return [f"{head} (confidence {found.confidence:.0%})", *(f"note: {sentence}" for sentence in found.evidence)]


def _reply_lines(reply: WorldReply) -> list[str]:
    verb = "is now" if reply.changed else "stays"
    return [
        *(f"note: {sentence}" for sentence in reply.notices),
        f"the world {verb} at revision {reply.revision}: scaled by {reply.by.scale:.6g}; "
        f"up {reply.up_source}, scale {reply.scale_source}, {reply.units}",
    ]
