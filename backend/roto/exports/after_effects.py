"""A script for After Effects, `.jsx`: a solid with the splines of one object as its masks.

By the public "After Effects Scripting Guide" (Shape, MaskPropertyGroup, KeyframeInterpolationType). After Effects has x
right and y down in px of the layer, as we have; tangents are relative to their vertex; masks work from the first to
the last, added or subtracted. Outside of its frames a mask's opacity is 0, with hold keys. The script is plain
ECMAScript 3, all that ExtendScript knows.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from backend.pipeline.atomic import write_text
from shared.roto_splines import LabelSplines, MaskSpline

_SCRIPT = """\
//@target aftereffects
(function () {
  var shot = __SHOT__;
  app.beginUndoGroup("Backlot masks of " + shot.label);
  var seconds = (shot.last - shot.first + 1) * shot.frame;
  var comp = app.project.items.addComp(shot.label, shot.width, shot.height, shot.aspect, seconds, 1 / shot.frame);
  comp.displayStartTime = shot.first * shot.frame;
  var solid = comp.layers.addSolid([1, 1, 1], shot.label, shot.width, shot.height, shot.aspect, seconds);
  var hold = KeyframeInterpolationType.HOLD, linear = KeyframeInterpolationType.LINEAR;
  function time(frame) { return (frame - shot.first) * shot.frame; }
  for (var i = 0; i < shot.masks.length; i++) {
    var spec = shot.masks[i];
    var mask = solid.property("ADBE Mask Parade").addProperty("ADBE Mask Atom");
    mask.name = spec.name;
    mask.maskMode = spec.subtract ? MaskMode.SUBTRACT : MaskMode.ADD;
    var path = mask.property("ADBE Mask Shape");
    for (var k = 0; k < spec.keys.length; k++) {
      var shape = new Shape();
      shape.vertices = spec.keys[k].vertices;
      shape.inTangents = spec.keys[k].inTangents;
      shape.outTangents = spec.keys[k].outTangents;
      shape.closed = true;
      path.setValueAtTime(time(spec.keys[k].frame), shape);
    }
    for (k = 1; k <= path.numKeys; k++) { path.setInterpolationTypeAtKey(k, linear, linear); }
    var opacity = mask.property("ADBE Mask Opacity");
    if (spec.first > shot.first) { opacity.setValueAtTime(time(shot.first), 0); }
    opacity.setValueAtTime(time(spec.first), 100);
    if (spec.last < shot.last) { opacity.setValueAtTime(time(spec.last + 1), 0); }
    for (k = 1; k <= opacity.numKeys; k++) { opacity.setInterpolationTypeAtKey(k, hold, hold); }
  }
  app.endUndoGroup();
})();
"""


def write_after_effects_masks(
    path: Path, splines: LabelSplines, frames: tuple[int, int], rate: Fraction, pixel_aspect: float = 1.0
) -> None:
    """frames: first and last plate number. rate: frames a second. Raises `DiskFull`, `ShotReadOnly`."""
    shot = {
        "label": splines.label,
        "width": splines.width,
        "height": splines.height,
        "aspect": float(pixel_aspect),
        "first": frames[0],
        "last": frames[1],
        "frame": float(1 / rate),
        "masks": [_mask(spline, i + 1) for i, spline in enumerate(splines.splines)],
    }
    write_text(path, _SCRIPT.replace("__SHOT__", json.dumps(shot, separators=(",", ":"))))


def _mask(spline: MaskSpline, number: int) -> dict[str, Any]:
    keys = []
    for key in spline.keys:
        keys.append(
            {
                "frame": key.frame,
                "vertices": [[x, y] for x, y, *_ in key.points],
                "inTangents": [[round(p[2] - p[0], 4), round(p[3] - p[1], 4)] for p in key.points],
                "outTangents": [[round(p[4] - p[0], 4), round(p[5] - p[1], 4)] for p in key.points],
            }
        )
    name = f"{'hole' if spline.subtract else 'shape'} {number}"
    return {"name": name, "subtract": spline.subtract, "first": spline.first, "last": spline.last, "keys": keys}
