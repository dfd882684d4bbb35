"""A new user's first minute: the extension is there, the backend is not; the panel's button sets it up, it is stopped,
fails, and is tried again.

Parts of a session. settings: package (zip), slow, broken and no_python (texts that take the place of the extension's
build.py), wheels (a folder, "" for none). facts: see the steps.
"""

from pathlib import Path

import bpy

WAIT_S = 180.0
SET_UP_S = 300.0


def troubles(window):
    """Installs, looks, stops, fails; ends with the extension's own build.py in its place."""
    bpy.ops.extensions.package_install_files(
        filepath=window.settings["package"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.system.use_online_access = True
    from bl_ext.user_default import backlot
    from bl_ext.user_default.backlot import runtime

    program = Path(backlot.__file__).parent / "build.py"
    first_run = runtime.pump().first_run
    yield from window.open_sidebar("Backlot")
    yield (lambda: first_run.record == "missing"), WAIT_S
    yield 1.0
    window.screenshot("1_missing")
    own = program.read_text(encoding="utf-8")
    program.write_text(window.settings["slow"], encoding="utf-8")
    window.call(bpy.ops.backlot.set_up_backend)
    yield 1.0
    window.screenshot("2_dialog")
    yield from accept(window, first_run)
    yield (lambda: first_run.run.fraction > 0.4), WAIT_S
    yield 1.0
    window.screenshot("3_running")
    window.call(bpy.ops.backlot.cancel_set_up)
    yield (lambda: not first_run.running), WAIT_S
    window.facts["stopped"] = first_run.run.state
    program.write_text(window.settings["broken"], encoding="utf-8")
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.set_up_backend("EXEC_DEFAULT")
    yield (lambda: first_run.run.is_over), WAIT_S
    yield 1.0
    window.screenshot("4_failed")
    window.facts["failed"] = first_run.run.error.message
    window.call(bpy.ops.backlot.show_set_up_log)
    yield from no_python(window, program, first_run)
    yield from shot_gone(window, runtime.pump().troubles)
    yield from models(window, runtime.pump().weights)
    program.write_text(own, encoding="utf-8")


def no_python(window, program, first_run):
    """A set-up for which no Python on the computer suits: one can be chosen."""
    window.facts["log"] = bpy.data.texts["Backlot Set-up"].as_string()
    program.write_text(window.settings["no_python"], encoding="utf-8")
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.set_up_backend("EXEC_DEFAULT")
    yield (lambda: first_run.run.is_over), WAIT_S
    yield 1.0
    window.screenshot("6_no_python")
    window.facts["needs_python"] = first_run.run.needs_python
    first_run.run = None


def shot_gone(window, troubles):
    """A scene whose shot was on a disk that is not connected now."""
    settings = bpy.context.scene.backlot
    settings.folder = "/media/RAID/show/clip_backlot"
    settings.known_shot, settings.known_place = "0123456789abcdef", f"{settings.folder}|"
    window.context()["area"].tag_redraw()
    yield (lambda: any(troubles._places.values())), WAIT_S
    yield 1.0
    window.screenshot("7_shot_gone")
    window.call(bpy.ops.backlot.forget_shot)
    window.facts["forgotten"] = settings.folder == ""


def set_up(window):
    """For real, from local wheels: the locks name one package, which brings what the tests' own environment has."""
    from bl_ext.user_default import backlot
    from bl_ext.user_default.backlot import runtime

    for lock in (Path(backlot.__file__).parent / "requirements").glob("*.lock"):
        lock.write_text("backlot-test-environment==1.0\n" if lock.name == "base.lock" else "", encoding="utf-8")
    bpy.context.preferences.system.use_online_access = False
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.set_up_backend("EXEC_DEFAULT", wheels=window.settings["wheels"], people=False)
    first_run = runtime.pump().first_run
    yield (lambda: first_run.run is None or first_run.run.is_over), SET_UP_S
    assert first_run.run is None, f"{first_run.run.error}: {list(first_run.run.process.lines)[-20:]}"
    yield (lambda: runtime.session().online), WAIT_S
    yield 1.0
    window.screenshot("6_set_up")
    window.facts["environment"] = str(runtime.session().home / "environments")


def models(window, manager):
    """The preferences with a table of models, one of them on its way."""
    from bl_ext.user_default.backlot.weights.manager import ModelRow

    rows = [
        ("network-small", True, True, 99_000_000),
        ("network-large", False, False, 0),
        ("masks-tiny", True, False, 0),
    ]
    manager.models = tuple(
        ModelRow(name, name, "depth-learned", "Apache-2.0" if free else "CC-BY-NC-4.0", free, "", ready, size, "/w")
        for name, free, ready, size in rows
    )
    manager.folder, manager.error = "/home/artist/weights", None
    manager.fetching, manager.done, manager.total = "masks-tiny", 60_000_000, 156_000_000
    manager.wish = lambda program: None
    window.call(bpy.ops.preferences.addon_show, module="bl_ext.user_default.backlot")
    yield 1.0
    main, opened = bpy.context.window_manager.windows[:2]
    with bpy.context.temp_override(window=opened):
        bpy.ops.wm.window_close()
    area = next(area for area in main.screen.areas if area.type == "VIEW_3D")
    area.type = "PREFERENCES"  # Blender's own window for them is too small to show everything
    yield 1.0
    with bpy.context.temp_override(window=main, area=area, region=area.regions[-1]):
        for _ in range(12):
            bpy.ops.view2d.scroll_down()
    yield 1.0
    window.screenshot("5_models")
    manager.fetching = ""
    area.type = "VIEW_3D"
    yield 0.5


def accept(window, first_run):
    """Presses the dialog's own button: Return is not heard while the mouse is outside of it."""
    import subprocess

    subprocess.run(["xdotool", "key", "Return"], check=True, timeout=120)
    yield (lambda: first_run.run is not None), 5.0
