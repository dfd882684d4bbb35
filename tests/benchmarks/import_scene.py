"""`build.py bench import`: how long an import takes, and for how long at a time it holds Blender's main thread.

The peer, in the same run, is what a plain script does: from_pydata and one attribute value at a time for the
cloud, keyframe_insert for the camera. Its cloud has a tenth of the points and its time is scaled up.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared.shot import ShotFolder
from tests.blender import installed
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot

NEEDS_BPY = True
_PEER_SHARE = 10
_CLOUD_STEPS = 4
"""The first steps of an import build the cloud's mesh, those after them are about the scene."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py bench import")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        installed.install(Path(place) / "profile")
        root = Path(place) / "clip_backlot"
        truth = write_shot(root, ShotPlan(count=options.frames, points=10, plate=False, focal_px=(300.0, 400.0)))
        make_cloud(ShotFolder(root).cloud, options.points)
        found = measure(root, truth, options.points, options.runs)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:34} {value}")
    return 0


def make_cloud(path: Path, count: int) -> None:
    rng = np.random.default_rng(1)
    np.savez(
        path,
        xyz=rng.normal(size=(count, 3)).astype(np.float32),
        rgb=rng.integers(0, 256, (count, 3), dtype=np.uint8),
        error=rng.random(count, dtype=np.float32),
        track_length=rng.integers(2, 50, count, dtype=np.int32),
    )


def measure(root: Path, truth: Truth, points: int, runs: int) -> dict[str, Any]:
    """Milliseconds, each the median of `runs` (the longest hold: the worst of them)."""
    import bpy

    firsts, agains = [_import(root, fresh=True) for _ in range(runs)], [_import(root, fresh=False) for _ in range(runs)]
    keys = [_keys(root) for _ in range(runs)]
    return {
        "blender": bpy.app.version_string,
        "points": points,
        "frames": truth.plan.count,
        "read_ms": _median([run["read"] for run in firsts]),
        "import_ms": _median([run["import"] for run in firsts]),
        "import_again_ms": _median([run["import"] for run in agains]),
        "import_cloud_ms": _median([run["cloud"] for run in firsts]),
        "import_rest_ms": _median([run["rest"] for run in firsts]),
        "camera_keys_ms": _median(keys),
        "longest_hold_ms": round(max(run["longest"] for run in firsts + agains), 2),
        "peer_cloud_ms": round(_peer_cloud(points // _PEER_SHARE) * _PEER_SHARE, 1),
        "peer_keys_ms": round(_peer_keys(truth), 1),
    }


def _median(values: list[float]) -> float:
    return round(float(np.median(values)), 2)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return 1000 * (time.perf_counter() - began), result


def _import(root: Path, *, fresh: bool) -> dict[str, float]:
    """One import as the pump does it: read on a thread there, then step by step."""
    import bpy
    from bl_ext.user_default.backlot.importers import contents, shot_import

    if fresh:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    read, found = _timed(lambda: contents.read_shot(root))
    steps = shot_import.import_steps(bpy.context.scene, found, shot_import.ImportOptions())
    holds = []
    while True:
        spent, result = _timed(lambda: next(steps, None))
        holds.append(spent)
        if result is not None:
            break
    cloud, rest = sum(holds[:_CLOUD_STEPS]), sum(holds[_CLOUD_STEPS:])
    return {"read": read, "import": sum(holds), "cloud": cloud, "rest": rest, "longest": max(holds)}


def _keys(root: Path) -> float:
    """Location, rotation and lens of every frame."""
    import bpy
    from bl_ext.user_default.backlot.importers import camera, contents, ownership

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    found, scene = contents.read_shot(root), bpy.context.scene
    collection = ownership.ensure_collection(scene, "bench", "bench")
    empty = camera.import_root(scene, collection, "bench")
    return _timed(lambda: list(camera.import_camera(scene, collection, empty, found, "bench")))[0]


def _peer_cloud(count: int) -> float:
    import bpy

    rng = np.random.default_rng(1)
    xyz, rgb = rng.normal(size=(count, 3)), rng.random((count, 4))

    def build() -> None:
        mesh = bpy.data.meshes.new("peer")
        mesh.from_pydata(xyz.tolist(), [], [])
        colour = mesh.attributes.new("Color", "FLOAT_COLOR", "POINT")
        for item, value in zip(colour.data, rgb.tolist(), strict=True):
            item.color = value

    return _timed(build)[0]


def _peer_keys(truth: Truth) -> float:
    import bpy
    from mathutils import Matrix

    data = bpy.data.cameras.new("peer")
    camera = bpy.data.objects.new("peer", data)
    camera.rotation_mode = "QUATERNION"

    def build() -> None:
        for index in range(truth.plan.count):
            frame = int(truth.frames[index])
            camera.location, camera.rotation_quaternion, _ = Matrix(truth.poses[index].tolist()).decompose()
            data.lens = 30.0 + index / 100
            camera.keyframe_insert("location", frame=frame)
            camera.keyframe_insert("rotation_quaternion", frame=frame)
            data.keyframe_insert("lens", frame=frame)

    return _timed(build)[0]


if __name__ == "__main__":
    raise SystemExit(main())
