"""After Effects scripts that make a camera: Backlot's own `.jsx`, and others built alike.

The script is read, not run. It may give a property's keys as two lists (`setValuesAtTimes(times, values)`,
written out or named by a `var`), one by one (`setValueAtTime(time, value)`), or as one value (`setValue`).
Position, Orientation, X/Y/Z Rotation and Zoom are understood. After Effects turns a layer by its orientation
(x, then y, then z, of the layer's own axes) and then by its rotations likewise.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import axes
from shared.camera_files import Matrix4
from shared.errors import FootageUnreadable
from shared.shot import SourceFacts

from .imported_camera import ImportedCamera, ImportedFrame, ImportOptions, to_pose

UNITS_PER_PX = 0.01
"""Backlot and Blender write 100 px for a unit."""
ORDER = "zyx"

_NAMES = {
    "position": "position", "orientation": "orientation", "zoom": "zoom", "xrotation": "rx", "yrotation": "ry",
    "zrotation": "rz", "rotationx": "rx", "rotationy": "ry", "rotationz": "rz", "rotation": "rz",
}  # fmt: skip
_VARIABLE = re.compile(r"\bvar\s+(\w+)\s*=\s*([^;]+);")
_INDEXED = re.compile(r"(\w+)\s*\[\s*(\d+)\s*\]")
_PROPERTY = r"""(?:property\(\s*["']([\w ]+)["']\s*\)|(position|orientation|zoom|[xyz]Rotation|rotation[XYZ]?)\b)"""
_CALL = r"\s*\.\s*(setValuesAtTimes|setValueAtTime|setValue)\(\s*([^;]+?)\s*\)\s*;"
_COMP = re.compile(r"addComp\(([^;]*?)\)\s*;")
_START = re.compile(r"displayStartTime\s*=\s*([^;]+);")
_CAMERA = re.compile(r"(\w+)\s*=\s*[\w.]*addCamera\(")
_REMEDY = "Export the camera again, as Backlot or Blender writes it, or as .chan."

Keys = dict[float | None, Any]
"""Seconds -> value; a value that does not change is at None."""


@dataclass(frozen=True)
class _Script:
    """The text from the camera's creation on, and the constants of the whole script."""

    path: Path
    text: str
    constants: dict[str, str]

    def value(self, expression: str) -> Any:
        """A literal, a named constant or an item of one, a quotient or a product. Raises `FootageUnreadable`."""
        expression = expression.strip()
        for _ in range(8):  # a constant may name another
            expression = self.constants.get(expression, expression).strip()
        try:
            return json.loads(_as_json(expression))
        except json.JSONDecodeError:
            pass
        indexed = _INDEXED.fullmatch(expression)
        if indexed and indexed[1] in self.constants:
            return self.value(indexed[1])[int(indexed[2])]
        for sign in "/*":
            left, found, right = expression.partition(sign)
            if found:
                a, b = self.value(left), self.value(right)
                return a / b if sign == "/" else a * b
        raise FootageUnreadable(
            f"{self.path.name} holds {expression[:60]!r}, which cannot be read as a number.", _REMEDY
        )


def _as_json(expression: str) -> str:
    """JavaScript allows `.5`, `5.` and a comma after the last item."""
    expression = re.sub(r"(?<![\d.])\.(\d)", r"0.\1", expression)
    expression = re.sub(r"(\d)\.(?!\d)", r"\1.0", expression)
    return re.sub(r",\s*\]", "]", expression)


def read_after_effects(path: Path, plate: SourceFacts, options: ImportOptions) -> ImportedCamera:
    """The first camera of the script. Raises `FootageUnreadable`."""
    whole = path.read_text(encoding="utf-8", errors="replace")
    whole = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", whole, flags=re.DOTALL)
    made = _CAMERA.search(whole)
    if made is None:
        raise FootageUnreadable(f"{path.name} makes no camera.", _REMEDY)
    script = _Script(path, whole, dict(_VARIABLE.findall(whole)))
    width, height, fps, start = _composition(script, plate)
    keys = _keys(script, made[1], whole[made.end() :])
    for needed in ("position", "zoom"):
        if needed not in keys:
            raise FootageUnreadable(f"{path.name} gives its camera no {needed}.", _REMEDY)
    times = sorted({time for found in keys.values() for time in found if time is not None})
    frames = {}
    for time in times or [0.0]:
        pose = _pose(keys, time, options)
        zoom = float(_at(keys["zoom"], time))
        number = round((start + time) * fps) + options.frame_offset
        frames[number] = ImportedFrame(
            pose, zoom * plate.width / width, zoom * plate.height / height, plate.width / 2.0, plate.height / 2.0
        )
    return ImportedCamera(path, frames, "metres")


def _composition(script: _Script, plate: SourceFacts) -> tuple[float, float, float, float]:
    """Width in square px, height, frame rate, and the time of the first frame."""
    comp = _COMP.search(script.text)
    parts = [part.strip() for part in comp[1].split(",")] if comp else []
    if len(parts) < 6:
        return plate.width * plate.pixel_aspect, float(plate.height), float(plate.rate), 0.0
    width, height, aspect = (float(script.value(part)) for part in parts[-5:-2])
    fps = float(script.value(parts[-1]))
    start = _START.search(script.text)
    return width * aspect, height, fps, float(script.value(start[1])) if start else 1.0 / fps


def _keys(script: _Script, camera: str, text: str) -> dict[str, Keys]:
    """What the script sets on the variable `camera`."""
    found: dict[str, Keys] = {}
    call = re.compile(rf"\b{re.escape(camera)}\s*\.\s*(?:transform\s*\.\s*)?{_PROPERTY}{_CALL}", re.IGNORECASE)
    for match in call.finditer(text):
        name = _NAMES.get((match[1] or match[2]).replace(" ", "").lower())
        if name is not None:
            found.setdefault(name, {}).update(_set_by(script, match[3].lower(), match[4]))
    return found


def _set_by(script: _Script, method: str, arguments: str) -> Keys:
    if method == "setvalue":
        return {None: script.value(arguments)}
    if method == "setvalueattime":
        time, _, value = arguments.partition(",")
        return {float(script.value(time)): script.value(value)}
    times, values = _two_lists(script, arguments)
    return {float(time): value for time, value in zip(times, values, strict=True)}


def _two_lists(script: _Script, text: str) -> tuple[list[float], list[Any]]:
    """The arguments of setValuesAtTimes, split at the comma outside of brackets."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            times, values = script.value(text[:i]), script.value(text[i + 1 :])
            if isinstance(times, list) and isinstance(values, list) and len(times) == len(values):
                return times, values
            break
    raise FootageUnreadable(f"{script.path.name} has keys whose times and values do not belong together.", _REMEDY)


def _at(keys: Keys, time: float) -> Any:
    """The key nearest to a time; the fixed value when there are no keys."""
    timed = [known for known in keys if known is not None]
    return keys[min(timed, key=lambda known: abs(known - time))] if timed else keys[None]


def _pose(keys: dict[str, Keys], time: float, options: ImportOptions) -> Matrix4:
    upright: Keys = {None: [0.0, 0.0, 0.0]}
    x, y, z = (float(value) for value in _at(keys.get("orientation", upright), time))
    own = tuple(float(_at(keys[name], time)) if name in keys else 0.0 for name in ("rx", "ry", "rz"))
    turn = axes.euler_to_rotation((x, y, z), ORDER)
    turn = axes.multiply(turn, axes.euler_to_rotation((own[0], own[1], own[2]), ORDER))
    place = [float(value) for value in _at(keys["position"], time)]
    convention = options.convention(axes.AFTER_EFFECTS)
    return to_pose(turn, (place[0], place[1], place[2]), convention, UNITS_PER_PX * options.scale)
