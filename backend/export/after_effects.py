"""An After Effects script, `.jsx`: makes a composition with the camera and nulls at the best points.

After Effects measures its world in px, x right, y down, z away; here 100 px are one unit of the shot. A
camera's lens is its zoom: the distance in px at which the composition fills the view. The composition has
square pixels. Orientation is Rx Ry Rz on column vectors, so its order in our words is "zyx". Frames without
a pose get no keys, the key before such a gap holds, and a marker of the composition names the gap. The
principal point is always the centre: After Effects has no other.

The script is plain ECMAScript 3, all that ExtendScript knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from backend.frame_ranges import frame_runs
from backend.pipeline.atomic import write_text
from shared import axes

from .camera_track import CameraTrack, PointCloud
from .rotation_curve import channel_rows, number

PX_PER_UNIT = 100.0
NULLS = 32
ORDER = "zyx"

_SCRIPT = """\
//@target aftereffects
// Camera of {label}, frames {first}-{last}. {unit} px are one unit of the shot.
(function () {{
    var fps = {fps};
    var firstFrame = {first};
    var frameCount = {count};
    var compWidth = {width};
    var compHeight = {height};
    var times = [{times}];
    var positions = [{positions}];
    var orientations = [{orientations}];
    var zooms = [{zooms}];
    var holds = [{holds}];
    var gaps = [{gaps}];
    var points = [{points}];

    app.beginUndoGroup("Import camera");
    var comp = app.project.items.addComp({name}, compWidth, compHeight, 1, frameCount / fps, fps);
    comp.displayStartTime = firstFrame / fps;
    for (var p = 0; p < points.length; p++) {{
        var mark = comp.layers.addNull(comp.duration);
        mark.name = "point " + (p + 1);
        mark.threeDLayer = true;
        mark.property("Position").setValue(points[p]);
    }}
    var camera = comp.layers.addCamera({name}, [compWidth / 2, compHeight / 2]);
    camera.autoOrient = AutoOrientType.NO_AUTO_ORIENT;
    camera.property("Position").setValuesAtTimes(times, positions);
    camera.property("Orientation").setValuesAtTimes(times, orientations);
    camera.property("Zoom").{set_zoom};
    var curves = ["Position", "Orientation", "Zoom"];
    for (var h = 0; h < holds.length; h++) {{
        for (var c = 0; c < curves.length; c++) {{
            var curve = camera.property(curves[c]);
            if (curve.numKeys > 1) {{
                curve.setInterpolationTypeAtKey(holds[h], KeyframeInterpolationType.HOLD);
            }}
        }}
    }}
    for (var g = 0; g < gaps.length; g++) {{
        comp.markerProperty.setValueAtTime(gaps[g][0], new MarkerValue("no camera: frames " + gaps[g][1]));
    }}
    app.endUndoGroup();
}})();
"""


def write_after_effects(path: Path, track: CameraTrack, cloud: PointCloud) -> None:
    rows = list(channel_rows(track, axes.AFTER_EFFECTS, ORDER))
    width = round(track.width * track.pixel_aspect)
    zooms = [number(sample.fx * width / track.width) for sample, _, _ in rows]
    text = _SCRIPT.format(
        label=track.name,
        name=json.dumps(track.name),
        unit=number(PX_PER_UNIT),
        fps=repr(float(track.fps)),
        first=track.first,
        last=track.last,
        count=track.last - track.first + 1,
        width=width,
        height=track.height,
        times=", ".join(repr(_time(track, sample.frame)) for sample, _, _ in rows),
        positions=", ".join(_vector(value * PX_PER_UNIT for value in position) for _, position, _ in rows),
        orientations=", ".join(_vector(angles) for _, _, angles in rows),
        zooms=", ".join(zooms),
        set_zoom="setValue(zooms[0])" if len(set(zooms)) == 1 else "setValuesAtTimes(times, zooms)",
        holds=", ".join(map(str, _keys_before_gaps([sample.frame for sample, _, _ in rows], track.gaps))),
        gaps=", ".join(f'[{_time(track, first)!r}, "{first}-{last}"]' for first, last in frame_runs(track.gaps)),
        points=_points(cloud),
    )
    write_text(path, text)


def _time(track: CameraTrack, frame: int) -> float:
    """Seconds from the composition's start."""
    return float((frame - track.first) / track.fps)


def _vector(values: Iterable[float]) -> str:
    return f"[{', '.join(map(number, values))}]"


def _points(cloud: PointCloud) -> str:
    places = cloud.best(NULLS).turned(axes.AFTER_EFFECTS) * PX_PER_UNIT
    return ", ".join(_vector(place) for place in places.tolist())


def _keys_before_gaps(frames: list[int], gaps: tuple[int, ...]) -> list[int]:
    """1-based indices of the keys that a gap follows."""
    lost = set(gaps)
    return [i for i, frame in enumerate(frames, start=1) if frame + 1 in lost]
