"""`build.py bench blender_ui`: for how long Backlot holds Blender's main thread, and what enabling it costs.

Every turn of the pump is timed while big results come into the scene and while a real solve runs. The clock's times are
those an artist feels; on a busy computer they hold what others do, and `own_max`, processor time, does not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from shared.shot import ShotFolder
from tests.benchmarks.import_scene import make_cloud
from tests.blender import installed
from tests.blender.synthetic_depth import DepthPlan, write_depth
from tests.blender.synthetic_mocap import Walk, write_person
from tests.blender.synthetic_roto import RotoPlan, write_roto
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.synthetic_tracks import write_tracks

NEEDS_BPY = True
PATIENCE_S = 600.0
CASES = ("cloud", "camera", "tracks", "mesh", "masks", "people", "solve")
_ENABLE = """
import os, sys, time
import bpy, addon_utils
began, own = time.perf_counter(), time.thread_time()
addon_utils.enable({package!r}, default_set=False)
print("MS", 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - own), flush=True)
began = time.perf_counter()
addon_utils.disable({package!r})
print("MS", 1000 * (time.perf_counter() - began), flush=True)
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py bench blender_ui")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--starts", type=int, default=5, help="processes that enable the extension")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        os.environ["BACKLOT_HOME"] = str(Path(place) / "home")
        installed.install(Path(place) / "profile")
        found = {"enabling": enabling(options.starts), "twenty times": twenty_times()}
        for name in filter(None, options.cases.split(",")):
            found[name] = measure(name, Path(place) / name)
    if options.json:
        print(json.dumps(found))
    else:
        for name, facts in found.items():
            print(f"{name:14} {', '.join(f'{key} {value}' for key, value in facts.items())}")
    return 0


def enabling(starts: int) -> dict[str, Any]:
    """Median ms of fresh processes; the first, which compiles, is left out."""
    script = _ENABLE.format(package=installed.PACKAGE)
    runs = []
    for _ in range(starts + 1):
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
        lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("MS")]
        runs.append([float(number) for line in lines for number in line])
    enable, own, disable = np.median(runs[1:], axis=0)
    best = min(run[0] for run in runs[1:])
    return {
        "enable_ms": round(enable, 1),
        "best": round(best, 1),
        "own": round(own, 1),
        "disable_ms": round(disable, 1),
    }


def twenty_times() -> dict[str, Any]:
    """Disables and enables twenty times, twice: what a second twenty adds to the memory is lost for good."""
    import bpy

    names = {name for name in dir(bpy.types) if "BACKLOT" in name.upper()}
    sizes = [_resident_mb()]
    for _ in range(2):
        for _ in range(20):
            bpy.ops.preferences.addon_disable(module=installed.PACKAGE)
            bpy.ops.preferences.addon_enable(module=installed.PACKAGE)
        sizes.append(_resident_mb())
    left = {name for name in dir(bpy.types) if "BACKLOT" in name.upper()} - names
    grown = [round(after - before, 2) for before, after in itertools.pairwise(sizes)]
    return {"first_mb": grown[0], "second_mb": grown[1], "types_left": len(left)}


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def fresh_pump() -> Iterator[Any]:
    """A pump in an empty scene whose turns are taken here: Blender's module has no event loop."""
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.pump import Pump
    from bl_ext.user_default.backlot.session import Session

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    own = runtime._running["pump"]
    made = runtime._running["pump"] = Pump(Session())
    try:
        yield made
    finally:
        made.session.close()
        runtime._running["pump"] = own


def measure(name: str, root: Path) -> dict[str, Any]:
    """Writes the shot of a case, then takes turns until its result is in the scene."""
    from tests.gui.scenarios.frame_timer import FrameTimer  # imports bpy, which must find its profile first

    begin = _CASES[name](root)
    with fresh_pump() as pump:
        for _ in range(60):  # what enabling left for later
            pump.tick()
        timer = FrameTimer()
        tick = timer.timed("pump", pump.tick)
        began = time.perf_counter()
        is_over = begin(pump)
        while not is_over():
            assert time.perf_counter() - began < PATIENCE_S, f"waited in vain; {pump.session.error}"
            pause = tick()
            assert pause is not None, pump.session.error
            time.sleep(min(pause, 0.02))
        for _ in range(5):  # the undo step and what follows
            tick()
        assert pump.session.error is None, pump.session.error
        return {"seconds": round(time.perf_counter() - began, 1)} | timer.end()["pump"]


Begin = Callable[[Any], Callable[[], bool]]


def _import(root: Path, **options: Any) -> Begin:
    def begin(pump: Any) -> Callable[[], bool]:
        import bpy
        from bl_ext.user_default.backlot.importers.options import ImportOptions

        pump.import_later(bpy.context.scene, root, ImportOptions(**options))
        return lambda: bool(pump.last_import) or pump.session.error is not None

    return begin


def _cloud(root: Path) -> Begin:
    write_shot(root, ShotPlan(count=10, points=10, plate=False))
    make_cloud(ShotFolder(root).cloud, 200_000)
    return _import(root)


def _camera(root: Path) -> Begin:
    write_shot(root, ShotPlan(count=2000, points=10, plate=False, focal_px=(300.0, 400.0)))
    return _import(root)


def _tracks(root: Path) -> Begin:
    write_tracks(root, write_shot(root, ShotPlan(count=40, points=6000)))
    return _import(root, track_limit=5000)


def _mesh(root: Path) -> Begin:
    from bl_ext.user_default.backlot.depth.parts import DepthParts

    write_depth(root, write_shot(root, ShotPlan(count=4)), DepthPlan(cells=410))  # a million vertices
    return _import(root, depth=DepthParts(mesh=True, cloud=True, grid=True, sequence=True))


def _masks(root: Path) -> Begin:
    """Two labels of a thousand frames, one with splines."""
    plan = ShotPlan(count=1000, width=64, height=36)
    write_shot(root, ShotPlan(count=1000, points=10, width=64, height=36))
    write_roto(root, RotoPlan(labels=("disc", "other"), radius=6.0, shot=plan))

    def begin(pump: Any) -> Callable[[], bool]:
        import bpy

        bpy.context.scene.backlot.folder = str(root)
        pump.roto.import_later(bpy.context.scene, root)
        return lambda: bool(pump.roto.last_import) or pump.session.error is not None

    return begin


def _people(root: Path) -> Begin:
    write_shot(root, ShotPlan(count=1000, points=10, plate=False))
    write_person(root, "person_00", Walk(count=1000))

    def begin(pump: Any) -> Callable[[], bool]:
        import bpy

        pump.import_people_later(bpy.context.scene, root)
        return lambda: bool(pump.mocap.last_import) or pump.session.error is not None

    return begin


def _solve(root: Path) -> Begin:
    """The sample clip by the real backend, and its import."""
    clip = installed.CHECKOUT / "assets" / "sample" / "clip.mp4"

    def begin(pump: Any) -> Callable[[], bool]:
        import bpy
        from bl_ext.user_default.backlot.operators.solving import start_solve

        from shared.backend_process import start_backend

        start_backend(pump.session.home, python=Path(os.environ["BACKLOT_BACKEND_PYTHON"]), source=installed.CHECKOUT)
        scene = bpy.context.scene
        scene.backlot.clip, scene.backlot.folder = str(clip), str(root)
        start_solve(scene)

        def is_over() -> bool:
            over = bool(pump.last_import) or pump.session.error is not None
            if over:
                pump.session.stop()
            return over

        return is_over

    return begin


_CASES: dict[str, Callable[[Path], Begin]] = {
    "cloud": _cloud, "camera": _camera, "tracks": _tracks, "mesh": _mesh, "masks": _masks, "people": _people,
    "solve": _solve,
}  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
