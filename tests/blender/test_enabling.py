"""What enabling the extension reads in, and what it leaves for later (`blender_addon/later.py`)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from tests.blender.installed import CHECKOUT, PACKAGE

ADDON = CHECKOUT / "blender_addon"
HEAVY = ("importers.contents", "importers.shot_import", "depth.scene_import", "mocap.contents", "mocap.retarget",
         "roto.scene_import", "compositing.composite", "shared.motion_arrays", "shared.solve_hints")  # fmt: skip
MOST_AT_ENABLING = 200
MOST_AT_ONCE = 9
"""Modules that a turn of the pump may read in: about one millisecond each."""

_SCRIPT = """
import json, sys
import bpy
def ours():
    return {name.removeprefix(PACKAGE + ".") for name in sys.modules if name.startswith(PACKAGE + ".")}
had_numpy = "numpy" in sys.modules
bpy.ops.preferences.addon_enable(module=PACKAGE)
seen = [sorted(ours())]
brought_numpy = "numpy" in sys.modules and not had_numpy
from bl_ext.user_default.backlot.later import load
for _ in load(PACKAGE):
    seen.append(sorted(ours()))
print("SEEN" + json.dumps([brought_numpy, *seen]), flush=True)
bpy.ops.preferences.addon_disable(module=PACKAGE)
"""


def test_enabling_leaves_importers_for_later(backlot: ModuleType) -> None:
    """Counted in modules: a fresh process enables the extension, then reads in the rest as the pump does."""
    script = f"PACKAGE = {PACKAGE!r}\n{_SCRIPT}"
    done = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), timeout=120, capture_output=True,
                          text=True, check=False)  # fmt: skip
    said = next((line for line in done.stdout.splitlines() if line.startswith("SEEN")), "")
    assert said, done.stderr[-2000:]
    brought_numpy, *seen = json.loads(said.removeprefix("SEEN"))
    at_first, *steps = map(set, seen)
    assert not brought_numpy  # half as long as all the rest
    assert not at_first.intersection(HEAVY) and len(at_first) <= MOST_AT_ENABLING
    before = at_first
    for now in steps:
        assert len(now - before) <= MOST_AT_ONCE, sorted(now - before)
        before = now
    wanted = {name for path in ADDON.rglob("*.py") for name in _imported_in_functions(path)}
    assert wanted and wanted <= before, sorted(wanted - before)  # a click would wait for these: later.MODULES


def _imported_in_functions(path: Path) -> set[str]:
    """The extension's modules that a file imports inside of its functions."""
    here = path.relative_to(ADDON).parts[:-1]
    if here[:1] == ("headless",):  # programs of their own
        return set()
    found = set()
    for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(scope, ast.FunctionDef):
            continue
        for node in ast.walk(scope):
            if isinstance(node, ast.ImportFrom) and node.level and node.module:
                found.add(".".join((*here[: len(here) - node.level + 1], *node.module.split("."))))
    return found
