"""Runs inside Blender: walks a scenario step by step from a timer of the real event loop.

The scenario lies beside this file as scenario.py and has `steps(window)`, a generator. It yields what to wait for
before it goes on: seconds, or a function that becomes true (or `(function, time-out in s)`). Its result lands in
result.json.
"""

import importlib.util
import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

EXCHANGE = Path(__file__).resolve().parent
sys.path.insert(0, str(EXCHANGE / "scenarios"))
TICK_S = 0.1
WAIT_S = 120.0


class Window:
    """What a scenario works with. settings: from the test. facts: goes back to the test."""

    def __init__(self):
        self.exchange = EXCHANGE
        self.settings = json.loads((EXCHANGE / "settings.json").read_text(encoding="utf-8"))
        self.facts = {}

    def screenshot(self, name):
        """The whole screen as NAME.png. Yield a moment before it, so that Blender has drawn."""
        subprocess.run(["import", "-window", "root", str(EXCHANGE / f"{name}.png")], check=True, timeout=120)

    def context(self, area_type="VIEW_3D"):
        """Overrides for `bpy.context.temp_override`: the first window and its area of a type."""
        window = bpy.context.window_manager.windows[0]
        area = next(area for area in window.screen.areas if area.type == area_type)
        region = next(region for region in area.regions if region.type == "WINDOW")
        return {"window": window, "screen": window.screen, "area": area, "region": region}

    def call(self, operator, area_type="VIEW_3D", **arguments):
        """Calls an operator as a click does."""
        with bpy.context.temp_override(**self.context(area_type)):
            return operator("INVOKE_DEFAULT", **arguments)

    def click(self, x, y):
        """A real mouse click; Blender's window coordinates, y up."""
        height = bpy.context.window_manager.windows[0].height
        where = ["mousemove", str(int(x)), str(int(height - y)), "click", "1"]
        subprocess.run(["xdotool", *where], check=True, timeout=120)

    def move(self, x, y):
        """Moves the real mouse; coordinates as for `click`."""
        height = bpy.context.window_manager.windows[0].height
        subprocess.run(["xdotool", "mousemove", str(int(x)), str(int(height - y))], check=True, timeout=120)

    def only_panels(self, *names):
        """Shows these panels of the viewport's sidebar, open, and no other of Backlot's: the sidebar is too short for
        all. Returns what brings all back."""
        from bl_ext.user_default.backlot import panels

        own = [kind for kind in panels.CLASSES if getattr(kind, "bl_category", "") == "Backlot"]
        kinds = [kind for kind in own if kind.bl_space_type == "VIEW_3D"]
        shown = [open_copy(kind, names) for kind in kinds if kind.bl_idname in names]
        assert len(shown) == len(names), names
        register_anew(kinds, shown)
        return lambda: register_anew(shown, kinds)

    def open_sidebar(self, category, area_type="VIEW_3D"):
        """Steps that open an area's sidebar and click its tabs until the wanted one is in front
        (4.3 cannot be told which)."""
        area = self.context(area_type)["area"]
        area.spaces.active.show_region_ui = True
        yield 1.0
        region = next(region for region in area.regions if region.type == "UI")
        scale = bpy.context.preferences.system.ui_scale
        for y in range(int(region.height - 20 * scale), 0, -int(30 * scale)):
            if region.active_panel_category == category:
                break
            self.click(region.x + region.width - 9 * scale, region.y + y)
            yield 0.3
        assert region.active_panel_category == category, f"no tab {category}: {region.active_panel_category}"


def open_copy(kind, names):
    """A panel under another name, because Blender remembers that one was closed."""
    where = {name: getattr(kind, name) for name in ("bl_space_type", "bl_region_type", "bl_category", "bl_label")}
    own = {key: value for key, value in vars(kind).items() if not key.startswith(("__", "bl_", "is_"))}
    members = own | where | {"bl_idname": f"{kind.bl_idname}_open", "bl_options": set()}
    if getattr(kind, "bl_parent_id", "") in names:
        members["bl_parent_id"] = f"{kind.bl_parent_id}_open"
    return type(members["bl_idname"], kind.__bases__, members)


def register_anew(old, new):
    """Panels in the place of others; those that others belong to come first."""
    for kind in reversed(old):
        bpy.utils.unregister_class(kind)
    for kind in new:
        bpy.utils.register_class(kind)


def load_scenario():
    spec = importlib.util.spec_from_file_location("scenario", EXCHANGE / "scenario.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Walker:
    """The timer: resumes the scenario when what it waits for has come."""

    def __init__(self):
        self.window = Window()
        self.steps = load_scenario().steps(self.window)
        self.ready, self.deadline = None, 0.0

    def tick(self):
        try:
            if self.ready is not None and not self.ready():
                if time.monotonic() > self.deadline:
                    raise TimeoutError(
                        f"waited in vain for {self.ready.__name__}, {self.ready.__code__.co_firstlineno}"
                    )
                return TICK_S
            self.ready = None
            return self.wait_for(next(self.steps))
        except StopIteration:
            self.finish("")
        except BaseException:
            self.finish(traceback.format_exc())
        return None

    def wait_for(self, wanted):
        if isinstance(wanted, int | float):
            return float(wanted)
        self.ready, patience = wanted if isinstance(wanted, tuple) else (wanted, WAIT_S)
        self.deadline = time.monotonic() + patience
        return TICK_S

    def finish(self, error):
        if error:
            try:
                self.window.screenshot("failure")
            except (OSError, subprocess.SubprocessError) as second:
                error += f"\n(no picture of it: {second})"
        beside = EXCHANGE / "result.json.new"
        beside.write_text(json.dumps({"error": error, "facts": self.window.facts}), encoding="utf-8")
        beside.replace(EXCHANGE / "result.json")
        bpy.ops.wm.quit_blender()


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(Walker().tick, first_interval=2.0, persistent=True)
