"""Files for other programs, read back by their formats' published rules, or run against their documented API."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import types
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from backend.roto.exports import (
    cryptomatte,
    multilayer,
    write_after_effects_masks,
    write_exrs,
    write_nuke_roto,
)
from backend.roto.exports.cryptomatte import identifier, murmur3
from backend.roto.exports.multilayer import LABELS, layer_names
from backend.roto.splines import mask_of
from backend.roto.splines.bezier import Shape, polygon_of
from backend.roto.splines.raster import filled
from shared.errors import InvalidRequest
from shared.roto_splines import LabelSplines, MaskSpline, SplineKey

HEIGHT, WIDTH = 40, 60
NODE = shutil.which("node") or shutil.which("nodejs")


def _masks(label: str, number: int) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    x = {"car": 20.0, "Ärger 2": 40.0}.get(label, 30.0)
    return np.hypot(columns - x - number, rows - 20) < 12


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    file = OpenEXR.File(str(path), separate_channels=True)
    return file.header(), {name: channel.pixels for name, channel in file.channels().items()}


def _step(done: int, total: int) -> None:
    """Nothing to do."""


@pytest.mark.parametrize(
    ("name", "found"),
    [("", 0), ("hello", 0x248BFA47), ("hello, world", 0x149BBB7F), ("bunny", 0x13851A76), ("default", 0x42C9679F)],
)
def test_hashes_are_those_that_are_published(name: str, found: int) -> None:
    assert murmur3(name.encode()) == found


def test_identifiers_are_normal_numbers() -> None:
    odd = [name for name in (f"n{i}" for i in range(3000)) if murmur3(name.encode()) >> 23 & 255 in (0, 255)]
    assert odd  # some names do hash to what is no number
    values = np.array([identifier(name) for name in odd], np.uint32).view(np.float32)
    assert np.isfinite(values).all() and (np.abs(values) > np.finfo(np.float32).tiny).all()
    assert all(identifier(name) ^ murmur3(name.encode()) == 1 << 23 for name in odd)


def test_a_cryptomatte_is_decoded_by_its_specification(tmp_path: Path) -> None:
    labels = ["car", "Ärger 2", "dog"]
    soft = {label: _masks(label, 3) * np.float32(share) for label, share in zip(labels, (0.5, 0.4, 0.1), strict=True)}
    write_exrs(tmp_path, cryptomatte, labels, [3], lambda label, number: soft[label], _step, 2.0)
    header, channels = _read(tmp_path / "frame_0003.exr")
    assert header["pixelAspectRatio"] == 2.0
    facts = {key.split("/", 2)[2]: value for key, value in header.items() if key.startswith("cryptomatte/")}
    assert facts["hash"] == "MurmurHash3_32" and facts["conversion"] == "uint32_to_float32"
    assert len({key.split("/")[1] for key in header if key.startswith("cryptomatte/")}) == 1
    assert all(plane.dtype == np.float32 for plane in channels.values())
    for label, name in json.loads(facts["manifest"]).items():
        wanted = np.array([int(name, 16)], np.uint32).view(np.float32)[0]
        matte = np.zeros((HEIGHT, WIDTH), np.float32)
        for layer in ("00", "01"):
            for ident, cover in ("RG", "BA"):
                plane = f"{facts['name']}{layer}."
                matte += np.where(channels[plane + ident] == wanted, channels[plane + cover], 0.0)
        assert np.allclose(matte, soft[label], atol=1e-6), label
    first, second = channels[f"{facts['name']}00.G"], channels[f"{facts['name']}00.A"]
    assert (first >= second).all()  # ranked


def test_coverage_never_comes_to_more_than_one(tmp_path: Path) -> None:
    write_exrs(
        tmp_path, cryptomatte, list("abcdef"), [1], lambda label, number: np.full((4, 5), 65535, np.uint16), _step
    )
    _, channels = _read(tmp_path / "frame_0001.exr")
    covers = [plane for name, plane in channels.items() if name[-1] in "GA"]
    assert np.allclose(sum(covers), 4 / 6) and len(channels) == 8


def test_layers_of_one_file(tmp_path: Path) -> None:
    labels = ["car", "Ärger 2", "Ärger+2", "2nd"]
    write_exrs(tmp_path, multilayer, labels, [1, 12345], _masks, _step)
    header, channels = _read(tmp_path / "frame_12345.exr")
    assert layer_names(labels) == {
        "car": "car",
        "Ärger 2": "roto__rger_2",
        "Ärger+2": "roto__rger_2_2",
        "2nd": "roto_2nd",
    }
    assert json.loads(header[LABELS]) == {layer: label for label, layer in layer_names(labels).items()}
    for label, layer in layer_names(labels).items():
        assert np.array_equal(channels[f"{layer}.A"] > 0.5, _masks(label, 12345))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frame_0001.exr", "frame_12345.exr"]


def test_faults_are_sentences_and_leave_nothing(tmp_path: Path) -> None:
    sizes = {"a": (4, 5), "b": (4, 6)}
    for layout in (cryptomatte, multilayer):
        with pytest.raises(InvalidRequest, match="frame 7 have different sizes: 5x4, 6x4"):
            write_exrs(tmp_path, layout, ["a", "b"], [7], lambda label, number: np.zeros(sizes[label], bool), _step)
        with pytest.raises(InvalidRequest, match="no masks"):
            write_exrs(tmp_path, layout, [], [7], _masks, _step)
    assert list(tmp_path.iterdir()) == []


def _circle(x: float, y: float, radius: float) -> tuple[tuple[float, float, float, float, float, float], ...]:
    arm = 4.0 / 3.0 * np.tan(np.pi / 8.0) * radius
    ends = [(np.cos(t), np.sin(t)) for t in np.arange(4) * np.pi / 2.0]
    return tuple(
        (x + radius * c, y + radius * s, x + radius * c + arm * s, y + radius * s - arm * c,
         x + radius * c - arm * s, y + radius * s + arm * c)
        for c, s in ends
    )  # fmt: skip


SPLINES = LabelSplines(
    1, "it's \"odd\"", WIDTH, HEIGHT, 1.0, 5,
    (
        MaskSpline(1, 9, 4, (SplineKey(1, _circle(20, 20, 14)), SplineKey(9, _circle(36, 18, 12)))),
        MaskSpline(3, 7, 4, (SplineKey(3, _circle(24, 20, 6)), SplineKey(7, _circle(32, 18, 6))), True),
        MaskSpline(5, 5, 4, (SplineKey(5, _circle(28, 19, 2.4)),)),
    ),
)  # fmt: skip


def _drawn(pairs: np.ndarray) -> np.ndarray:
    return filled([Shape.of(len(pairs)).samples(polygon_of(pairs))], HEIGHT, WIDTH)


class _Curve:
    def __init__(self) -> None:
        self.keys: list[Any] = []

    def getNumberOfKeys(self) -> int:
        return len(self.keys)

    def getKey(self, index: int) -> Any:
        return self.keys[index]


class _Point:
    """nuke.rotopaint.AnimControlPoint, as far as its documentation goes."""

    def __init__(self) -> None:
        self.axes = (_Curve(), _Curve())

    def addPositionKey(self, time: float, position: tuple[float, float]) -> None:
        for curve, value in zip(self.axes, position, strict=True):
            curve.keys.append(types.SimpleNamespace(time=time, value=value, interpolationType="cubic"))

    def getPositionAnimCurve(self, index: int) -> _Curve:
        return self.axes[index]

    def at(self, time: float) -> list[float]:
        for curve in self.axes:
            assert all(key.interpolationType == "linear" for key in curve.keys)
        return [float(np.interp(time, [k.time for k in c.keys], [k.value for k in c.keys])) for c in self.axes]


class _ControlPoint:
    def __init__(self) -> None:
        self.center, self.leftTangent, self.rightTangent = _Point(), _Point(), _Point()
        self.featherLeftTangent, self.featherRightTangent = _Point(), _Point()


class _Shape(list):  # type: ignore[type-arg]
    def __init__(self, knob: Any, type: str) -> None:
        assert type == "bezier"
        self.visible: dict[int, bool] = {}

    def append(self, position: tuple[float, float]) -> None:
        assert len(position) == 2
        super().append(_ControlPoint())

    def setVisible(self, time: int, value: bool) -> None:
        self.visible[time] = value

    def drawn(self, time: int) -> np.ndarray:
        if not self.visible[max((t for t in self.visible if t <= time), default=min(self.visible))]:
            return np.zeros((HEIGHT, WIDTH), bool)
        rows = []
        for point in self:
            (x, y), left, right = (p.at(time) for p in (point.center, point.leftTangent, point.rightTangent))
            rows.append([x, HEIGHT - y, x + left[0], HEIGHT - y - left[1], x + right[0], HEIGHT - y - right[1]])
        return _drawn(np.array(rows))


class _Roto:
    kind = "roto"

    def __init__(self) -> None:
        self.shapes: list[_Shape] = []

    def __getitem__(self, name: str) -> Any:
        assert name == "curves"
        return types.SimpleNamespace(rootLayer=self.shapes, changed=lambda: None)


def _nuke() -> tuple[dict[str, types.ModuleType], list[Any]]:
    """Stand-ins for `nuke` and `nuke.rotopaint`; the list gets the nodes that the script makes."""
    made: list[Any] = []

    def roto(**knobs: Any) -> Any:
        made.append(_Roto())
        return made[-1]

    def merge(operation: str) -> Any:
        node = types.SimpleNamespace(kind=operation, inputs={})
        node.setInput = lambda index, other: node.inputs.update({index: other})
        made.append(node)
        return node

    nuke, rotopaint = types.ModuleType("nuke"), types.ModuleType("nuke.rotopaint")
    linear = types.SimpleNamespace(eLinearInterpolationType="linear")
    vars(rotopaint).update(Shape=_Shape, InterpolationType=linear)
    vars(nuke).update(
        rotopaint=rotopaint,
        nodes=types.SimpleNamespace(Roto=roto, Merge2=merge),
        formats=list,
        addFormat=lambda text: None,
    )
    return {"nuke": nuke, "nuke.rotopaint": rotopaint}, made


def _alpha(node: Any, time: int) -> np.ndarray:
    if node.kind == "roto":
        return np.any([shape.drawn(time) for shape in node.shapes], axis=0)
    below, above = _alpha(node.inputs[0], time), _alpha(node.inputs[1], time)
    return below & ~above if node.kind == "stencil" else below | above


def test_the_script_for_nuke_draws_the_splines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nuke_roto(tmp_path / "roto.py", SPLINES)
    modules, made = _nuke()
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    exec(compile((tmp_path / "roto.py").read_text(encoding="utf-8"), "roto.py", "exec"), {})
    assert [node.kind for node in made] == ["roto", "roto", "stencil", "roto", "max"]
    for time in range(1, 10):
        assert np.array_equal(_alpha(made[-1], time), mask_of(SPLINES, time)), time


AFTER_EFFECTS = r"""
var fs = require("fs"), vm = require("vm");
function Property() { this.keys = []; }
Property.prototype.setValueAtTime = function (t, v) { this.keys.push({ time: t, value: v, type: "" }); };
Property.prototype.setInterpolationTypeAtKey = function (i, a, b) { this.keys[i - 1].type = a + b; };
Object.defineProperty(Property.prototype, "numKeys", { get: function () { return this.keys.length; } });
function Mask() { this.shape = new Property(); this.opacity = new Property(); }
Mask.prototype.property = function (n) {
  return { "ADBE Mask Shape": this.shape, "ADBE Mask Opacity": this.opacity }[n];
};
var masks = [], comps = [];
var solid = { property: function (n) {
  if (n !== "ADBE Mask Parade") { throw new Error(n); }
  return { addProperty: function () { var m = new Mask(); masks.push(m); return m; } };
} };
var world = {
  app: { beginUndoGroup: function () {}, endUndoGroup: function () {}, project: { items: { addComp:
    function (name, w, h, a, s, fps) {
      comps.push([name, w, h, a, s, fps]);
      return { layers: { addSolid: function () { return solid; } } };
    } } } },
  Shape: function () {}, KeyframeInterpolationType: { HOLD: "H", LINEAR: "L" },
  MaskMode: { ADD: "add", SUBTRACT: "subtract" }
};
vm.runInNewContext(fs.readFileSync(process.argv[1], "utf8"), world);
console.log(JSON.stringify({ comps: comps, masks: masks }));
"""


@pytest.mark.skipif(NODE is None, reason="no JavaScript engine")
def test_the_script_for_after_effects_draws_the_splines(tmp_path: Path) -> None:
    path = tmp_path / "masks.jsx"
    write_after_effects_masks(path, SPLINES, (1, 9), Fraction(24000, 1001))
    run = subprocess.run([str(NODE), "-e", AFTER_EFFECTS, str(path)], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    made = json.loads(run.stdout)
    assert made["comps"][0][:4] == [SPLINES.label, WIDTH, HEIGHT, 1.0]
    for number in range(1, 10):
        time = (number - 1) * 1001 / 24000
        mask = np.zeros((HEIGHT, WIDTH), bool)
        for one in made["masks"]:
            shown = [k["value"] for k in one["opacity"]["keys"] if k["time"] <= time + 1e-9 and k["type"] == "HH"]
            if not shown or shown[-1] == 0:
                continue
            keys = one["shape"]["keys"]
            assert all(key["type"] == "LL" and key["value"]["closed"] for key in keys)
            rows = [
                np.hstack(
                    [k["value"]["vertices"], np.add(k["value"]["vertices"], k["value"]["inTangents"]),
                     np.add(k["value"]["vertices"], k["value"]["outTangents"])]
                )
                for k in keys
            ]  # fmt: skip
            times = [key["time"] for key in keys]
            pairs = np.apply_along_axis(lambda v, t=times, now=time: np.interp(now, t, v), 0, np.array(rows))
            inside = _drawn(pairs)
            mask = mask & ~inside if one["maskMode"] == "subtract" else mask | inside
        assert np.array_equal(mask, mask_of(SPLINES, number)), number
