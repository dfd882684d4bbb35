"""The After Effects script, run in a JavaScript engine with a stand-in for After Effects' objects."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.unit.export_shot import run_export
from tests.unit.test_export_channels import rotation

NODE = shutil.which("node") or shutil.which("nodejs")
Y_DOWN = np.array(((1.0, 0, 0), (0, 0, -1), (0, 1, 0)))

STAND_IN = r"""
var fs = require("fs"), vm = require("vm");
function Property(name) { this.name = name; this.times = []; this.values = []; this.holds = []; this.fixed = null; }
Property.prototype = {
  setValue: function (v) { this.fixed = v; },
  setValuesAtTimes: function (t, v) {
    if (t.length !== v.length) { throw new Error(this.name + ": " + t.length + " times, " + v.length + " values"); }
    this.times = t; this.values = v;
  },
  setValueAtTime: function (t, v) { this.times.push(t); this.values.push(v); },
  setInterpolationTypeAtKey: function (i, type) {
    if (i < 1 || i > this.times.length) { throw new Error("key " + i + " of " + this.times.length); }
    this.holds.push([i, type]);
  }
};
Object.defineProperty(Property.prototype, "numKeys", { get: function () { return this.times.length; } });
function Layer(kind, name) { this.kind = kind; this.name = name; this.properties = {}; }
Layer.prototype.property = function (name) {
  if (["Position", "Orientation", "Zoom", "X Rotation"].indexOf(name) < 0) { throw new Error("no property " + name); }
  return this.properties[name] || (this.properties[name] = new Property(name));
};
var comps = [];
function Comp(name, width, height, aspect, duration, fps) {
  if (!(width >= 4 && width <= 30000 && width % 1 === 0 && height % 1 === 0)) { throw new Error("comp size"); }
  var layers = this.list = [];
  this.settings = { name: name, width: width, height: height, aspect: aspect, duration: duration, fps: fps };
  this.duration = duration;
  this.markerProperty = new Property("Marker");
  this.layers = {
    addCamera: function (n, centre) { var l = new Layer("camera", n); l.centre = centre; layers.push(l); return l; },
    addNull: function (d) { var l = new Layer("null", ""); layers.push(l); return l; }
  };
  comps.push(this);
}
var opened = 0;
var world = {
  app: {
    project: { items: { addComp: function (n, w, h, a, d, f) { return new Comp(n, w, h, a, d, f); } } },
    beginUndoGroup: function () { opened++; }, endUndoGroup: function () { opened--; }
  },
  AutoOrientType: { NO_AUTO_ORIENT: "free" },
  KeyframeInterpolationType: { HOLD: "hold" },
  MarkerValue: function (text) { this.comment = text; }
};
vm.runInNewContext(fs.readFileSync(process.argv[2], "utf8"), world);
if (opened !== 0) { throw new Error("undo group left open"); }
process.stdout.write(JSON.stringify(comps));
"""


def run_script(path: Path, tmp_path: Path) -> dict[str, Any]:
    """The composition that the script makes."""
    if NODE is None:
        pytest.skip("node is not on this machine: the After Effects script cannot be run. Install nodejs.")
    harness = tmp_path / "stand_in.js"
    harness.write_text(STAND_IN)
    done = subprocess.run([NODE, str(harness), str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    (comp,) = json.loads(done.stdout)
    return comp


def camera_of(comp: dict[str, Any]) -> dict[str, Any]:
    (camera,) = [layer for layer in comp["list"] if layer["kind"] == "camera"]
    return camera


def test_points_land_where_the_plate_shows_them(tmp_path: Path) -> None:
    plan = ShotPlan(principal=(0.0, 0.0), focal_px=(300.0, 400.0), plate=False)
    truth = write_shot(tmp_path, plan)
    run_export(tmp_path, formats="jsx")
    comp = run_script(tmp_path / "camera/camera.jsx", tmp_path)
    camera = camera_of(comp)
    assert camera["autoOrient"] == "free"
    position, orientation, zoom = (camera["properties"][name] for name in ("Position", "Orientation", "Zoom"))
    points = truth.xyz @ Y_DOWN.T * 100.0
    for index in range(plan.count):
        assert position["times"][index] == pytest.approx(index * 1001 / 24000, abs=1e-9)
        turn = rotation(orientation["values"][index], "zyx")  # After Effects: X(Y(Z point))
        seen = (points - position["values"][index]) @ turn
        pixels = seen[:, :2] / seen[:, 2:] * zoom["values"][index] + (plan.width / 2, plan.height / 2)
        assert np.abs(pixels - truth.project(index, truth.xyz)).max() < 1e-3
        assert math.degrees(np.linalg.norm(turn - Y_DOWN @ truth.poses[index, :3, :3])) < 1e-5


def test_composition_is_the_shot_in_square_pixels(tmp_path: Path) -> None:
    plan = ShotPlan(pixel_aspect=2.0, principal=(0.0, 0.0), plate=False)
    truth = write_shot(tmp_path, plan)
    run_export(tmp_path, formats="jsx", frame_offset=10)
    comp = run_script(tmp_path / "camera/camera.jsx", tmp_path)
    settings = comp["settings"]
    assert (settings["width"], settings["height"], settings["aspect"]) == (640, 180, 1)
    assert settings["duration"] == pytest.approx(plan.count * 1001 / 24000)
    assert comp["displayStartTime"] == pytest.approx(1011 * 1001 / 24000)
    assert camera_of(comp)["properties"]["Zoom"]["fixed"] == pytest.approx(truth.k[0, 1])
    nulls = [layer["properties"]["Position"]["fixed"] for layer in comp["list"] if layer["kind"] == "null"]
    places = truth.xyz @ Y_DOWN.T * 100.0
    assert len(nulls) == 32
    assert all(np.abs(places - null).max(axis=1).min() < 1e-3 for null in nulls)


def test_gaps_hold_and_are_marked(tmp_path: Path) -> None:
    write_shot(tmp_path, ShotPlan(failed=(1004, 1005, 1012), plate=False))
    run_export(tmp_path, formats="jsx")
    comp = run_script(tmp_path / "camera/camera.jsx", tmp_path)
    position = camera_of(comp)["properties"]["Position"]
    frames = [round(time * 24000 / 1001) + 1001 for time in position["times"]]
    assert frames == [1001, 1002, 1003, 1006, 1007, 1008, 1009, 1010, 1011]
    assert position["holds"] == [[3, "hold"], [9, "hold"]]
    assert [value["comment"] for value in comp["markerProperty"]["values"]] == [
        "no camera: frames 1004-1005",
        "no camera: frames 1012-1012",
    ]


def test_it_is_plain_ecmascript_3(tmp_path: Path) -> None:
    write_shot(tmp_path, ShotPlan(plate=False))
    run_export(tmp_path, formats="jsx")
    text = (tmp_path / "camera/camera.jsx").read_text()
    assert not re.search(r"\b(let|const|class)\b|=>|`|\.forEach|\.map\(|JSON\.|,\s*[\]}]", text)
