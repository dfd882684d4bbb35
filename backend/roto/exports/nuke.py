"""A script for Nuke, `.py`: makes Roto nodes with the splines of one object and joins them.

It uses the documented Python API alone (Foundry, "Nuke Python API Reference", `nuke.rotopaint`: Shape,
ShapeControlPoint, AnimControlPoint.addPositionKey, AnimCurve, AnimAttributes), not the node's private text. Nuke's y
goes up from the bottom of the format, its tangents are relative to their point. Shapes of holes are in a Roto node of
their own whose alpha a Merge node takes out ("stencil"), since blending modes of shapes are not documented by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from backend.pipeline.atomic import write_text
from shared.roto_splines import LabelSplines, MaskSpline

_SCRIPT = '''\
"""Roto shapes of __LABEL__, made by Backlot. Run it in Nuke's Script Editor, or from a script with exec()."""
import json

import nuke
import nuke.rotopaint as rp

WIDTH, HEIGHT = __WIDTH__, __HEIGHT__
GROUPS = json.loads(r"""
__GROUPS__
""")


def add_keys(point, keys):
    """keys: [[frame, x, y], ...], linear between them."""
    for frame, x, y in keys:
        point.addPositionKey(frame, (x, y))
    for axis in (0, 1):
        curve = point.getPositionAnimCurve(axis)
        for i in range(curve.getNumberOfKeys()):
            curve.getKey(i).interpolationType = rp.InterpolationType.eLinearInterpolationType


def add_shape(knob, spec):
    shape = rp.Shape(knob, type="bezier")
    shape.name = spec["name"]
    for center, left, right in spec["points"]:
        shape.append((center[0][1], center[0][2]))
        point = shape[len(shape) - 1]
        add_keys(point.center, center)
        add_keys(point.leftTangent, left)
        add_keys(point.rightTangent, right)
        add_keys(point.featherLeftTangent, left)
        add_keys(point.featherRightTangent, right)
    shape.setVisible(spec["first"] - 1, False)
    shape.setVisible(spec["first"], True)
    shape.setVisible(spec["last"] + 1, False)
    knob.rootLayer.append(shape)


def format_name():
    name = "backlot_%dx%d" % (WIDTH, HEIGHT)
    if name not in [known.name() for known in nuke.formats()]:
        nuke.addFormat("%d %d %s %s" % (WIDTH, HEIGHT, __ASPECT__, name))
    return name


def make():
    result = None
    for group in GROUPS:
        roto = nuke.nodes.Roto(format=format_name(), output="alpha", label=group["label"])
        knob = roto["curves"]
        for spec in group["shapes"]:
            add_shape(knob, spec)
        knob.changed()
        if result is None:
            result = roto
        else:
            merge = nuke.nodes.Merge2(operation="stencil" if group["subtract"] else "max")
            merge.setInput(0, result)
            merge.setInput(1, roto)
            result = merge
    return result


make()
'''


def write_nuke_roto(path: Path, splines: LabelSplines, pixel_aspect: float = 1.0) -> None:
    """Raises `DiskFull`, `ShotReadOnly`."""
    groups = list(_groups(splines))
    text = _SCRIPT.replace("__LABEL__", repr(splines.label)).replace("__ASPECT__", repr(float(pixel_aspect)))
    text = text.replace("__WIDTH__", str(splines.width)).replace("__HEIGHT__", str(splines.height))
    write_text(path, text.replace("__GROUPS__", json.dumps(groups, separators=(",", ":"))))


def _groups(splines: LabelSplines) -> Iterator[dict[str, Any]]:
    """Splines that follow each other and are all added, or all taken out."""
    number = 0
    for subtract, some in groupby(splines.splines, key=lambda spline: spline.subtract):
        shapes = []
        for spline in some:
            number += 1
            shapes.append(_shape(spline, f"{'hole' if subtract else 'shape'}_{number}", splines.height))
        yield {"label": splines.label, "subtract": subtract, "shapes": shapes}


def _shape(spline: MaskSpline, name: str, height: int) -> dict[str, Any]:
    points = []
    for i in range(spline.points):
        center, left, right = [], [], []
        for key in spline.keys:
            x, y, left_x, left_y, right_x, right_y = key.points[i]
            center.append([key.frame, round(x, 4), round(height - y, 4)])
            left.append([key.frame, round(left_x - x, 4), round(y - left_y, 4)])
            right.append([key.frame, round(right_x - x, 4), round(y - right_y, 4)])
        points.append([center, left, right])
    return {"name": name, "first": spline.first, "last": spline.last, "points": points}
