"""Where a person was not seen, as markers of the timeline."""

from __future__ import annotations

import json

import bpy

from .contents import Person

_MARKS = "backlot_mocap_markers"
_MOST = 40
"""Of one person: more are no help."""


def place_markers(scene: bpy.types.Scene, thing: bpy.types.Object, person: Person) -> int:
    """Replaces this person's markers of the import before; one that the artist has moved or renamed is his own.
    Returns how many ranges have one."""
    ours = {(name, frame) for name, frame in json.loads(thing.get(_MARKS, "[]"))}
    for marker in [marker for marker in scene.timeline_markers if (marker.name, marker.frame) in ours]:
        scene.timeline_markers.remove(marker)
    made = []
    problems = person.problems
    for first, last, kind in problems[:_MOST]:
        span = f" to {last}" if last > first else ""
        made.append(scene.timeline_markers.new(f"{person.label} {kind}{span}", frame=first))
    thing[_MARKS] = json.dumps([(marker.name, marker.frame) for marker in made])
    return len(problems)
