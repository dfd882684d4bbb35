"""An artist reads nothing, clicks: shows the plate in an Image Editor, takes the tool, drags a box, Ctrl-clicks what is
too much, sees the mask at once, cancels a gesture, takes a click back, paints, propagates, steps to another frame,
corrects it there, and looks at splines and markers.

settings: package (zip), shot (folder), objects: where the object is, px of the plate, by frame. facts: see the steps.
"""

import subprocess
import time

import bpy

WAIT_S = 180.0
EDITORS = ("IMAGE_EDITOR", "CLIP_EDITOR")


def steps(window):
    bpy.ops.extensions.package_install_files(
        filepath=window.settings["package"], repo="user_default", enable_on_install=True
    )
    yield 0.5
    scene = bpy.context.scene
    scene.backlot.folder = window.settings["shot"]
    scene.backlot.roto.splines = True
    window.context()["area"].type = "IMAGE_EDITOR"
    yield 0.3
    yield from show(window, scene)
    yield from click(window, scene)
    yield from take_back(window, scene)
    yield from propagate(window, scene)
    yield from correct(window, scene)
    yield from in_the_clip_editor(window, bpy.context.scene)


def show(window, scene):
    window.call(bpy.ops.backlot.roto_show_plate, "IMAGE_EDITOR")
    yield from window.open_sidebar("Backlot", "IMAGE_EDITOR")
    area = window.context("IMAGE_EDITOR")["area"]
    area.spaces.active.show_region_toolbar = True
    with bpy.context.temp_override(**window.context("IMAGE_EDITOR")):
        bpy.ops.wm.tool_set_by_id(name="backlot.roto_points")
        bpy.ops.image.view_all(fit_view=True)
    yield 0.5
    window.facts["tool"] = bpy.context.workspace.tools.from_space_image_mode("VIEW").idname
    window.facts["range"] = [scene.frame_start, scene.frame_end]


def click(window, scene):
    """A box around the object, and a click off it; Escape in the middle of a third one leaves nothing."""
    x0, y0, x1, y1 = window.settings["box"]
    yield from drag(window, [(x0, y0), (0.5 * (x0 + x1), 0.5 * (y0 + y1)), (x1, y1)], shot="1_box")
    began = time.monotonic()
    yield (lambda: has_preview(scene)), WAIT_S
    window.facts["first_preview_s"] = time.monotonic() - began
    yield from press(window, window.settings["outside"], "ctrl")
    yield (lambda: hints(scene) == 2 and has_preview(scene)), WAIT_S
    yield 0.3
    window.screenshot("2_preview")
    mouse(window, window.settings["inside"], "mousedown")
    yield 0.3
    mouse(window, (x0, y0), "")
    yield 0.2
    key("Escape")
    yield 0.2
    mouse(window, (x0, y0), "mouseup")
    yield 0.3
    window.facts["after_escape"] = hints(scene)


def take_back(window, scene):
    """A stroke with the brush, undone by Ctrl-Z."""
    with bpy.context.temp_override(**window.context("IMAGE_EDITOR")):
        bpy.ops.wm.tool_set_by_id(name="backlot.roto_brush")
    x, y = window.settings["inside"]
    yield from drag(window, [(x - 8, y - 6), (x, y), (x + 8, y + 6)], shot="3_stroke")
    yield (lambda: hints(scene) == 3), WAIT_S
    yield (lambda: has_preview(scene)), WAIT_S
    mouse(window, (x + 50, y), "")
    yield 0.3
    window.screenshot("3_brush")
    key("ctrl+z")
    yield (lambda: hints(bpy.context.scene) == 2), WAIT_S
    yield (lambda: stored_hints(window) == 2), WAIT_S
    window.facts["preview_after_undo"] = has_preview(bpy.context.scene)


def propagate(window, scene):
    window.call(bpy.ops.backlot.roto_propagate, "IMAGE_EDITOR")
    yield (lambda: any(job.state == "running" for job in jobs()) or results()), WAIT_S
    yield 0.3
    window.screenshot("4_running")
    yield (lambda: bool(live().last_import)), 2 * WAIT_S
    yield 0.5
    result = results()[0]
    window.facts["label"] = result.name
    window.facts["splines"] = len(result.mask.layers) if result.mask is not None else 0
    window.facts["image"] = result.mask_image.filepath
    scene = bpy.context.scene
    scene.frame_set(scene.frame_end)
    yield (lambda: bool(layers(bpy.context.scene))), WAIT_S
    yield 0.5
    window.screenshot("5_result")


def correct(window, scene):
    """A click on the last frame, and Fix Here: only frames that it can change are done again."""
    with bpy.context.temp_override(**window.context("IMAGE_EDITOR")):
        bpy.ops.wm.tool_set_by_id(name="backlot.roto_points")
    before = len(jobs())
    yield from press(window, window.settings["last_inside"])
    yield (lambda: has_preview(bpy.context.scene)), WAIT_S
    window.call(bpy.ops.backlot.roto_fix, "IMAGE_EDITOR")
    yield (lambda: len(jobs()) > before and all(job.state == "done" for job in jobs())), 2 * WAIT_S
    yield (lambda: not importing()), WAIT_S
    yield 0.7
    window.screenshot("6_fixed")
    window.facts["spline_iou"] = spline_agreement(window)
    key("Left")
    yield 0.5
    window.facts["stepped_to"] = bpy.context.scene.frame_current - bpy.context.scene.frame_end
    window.facts["error"] = str(session().error or "")


def spline_agreement(window):
    """The worst overlap of the mask of splines, as Blender has it at a frame, with the stage's mask of that frame."""
    from pathlib import Path

    from bl_ext.user_default.backlot.roto.editor import plate_of
    from bl_ext.user_default.backlot.roto.png import read_grey
    from bl_ext.user_default.backlot.roto.sources import of_mask

    scene, result, worst = bpy.context.scene, results()[0], 1.0
    folder = Path(window.settings["shot"]) / "roto" / result.name
    for number in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(number)
        drawn = of_mask(result.mask, scene, plate_of(scene).size)
        wanted = read_grey(folder / f"frame_{number:04d}.png") > 127
        worst = min(worst, float((drawn & wanted).sum() / (drawn | wanted).sum()))
    return worst


def in_the_clip_editor(window, scene):
    """Where no tool can be: the session of clicks, until Escape."""
    area = window.context("IMAGE_EDITOR")["area"]
    area.type = "CLIP_EDITOR"
    area.spaces.active.clip = bpy.data.movieclips.load(scene.backlot_roto.plate.filepath)
    scene.frame_set(3)
    yield 0.5
    with bpy.context.temp_override(**window.context("CLIP_EDITOR")):
        bpy.ops.clip.view_all(fit_view=True)
    yield 0.3
    window.call(bpy.ops.backlot.roto_session, "CLIP_EDITOR")
    yield from press(window, window.settings["third_inside"])
    yield (lambda: hints(bpy.context.scene) == 1), WAIT_S
    yield (lambda: has_preview(bpy.context.scene)), WAIT_S
    key("Escape")
    yield 0.5
    window.screenshot("7_clip_editor")
    yield from press(window, window.settings["inside"])
    window.facts["after_session"] = hints(bpy.context.scene)
    area.type = "VIEW_3D"
    yield 0.3
    areas = [area.ui_type for area in bpy.context.screen.areas]
    live().last_import = ""
    window.call(bpy.ops.backlot.import_roto)
    yield (lambda: bool(live().last_import)), WAIT_S
    window.facts["areas_stay"] = [area.ui_type for area in bpy.context.screen.areas] == areas


def drag(window, path, shot):
    mouse(window, path[0], "mousedown")
    for place in path[1:]:
        yield 0.15
        mouse(window, place, "")
    yield 0.3
    window.screenshot(shot)
    mouse(window, path[-1], "mouseup")
    yield 0.2


def press(window, place, held=""):
    """Steps of a click on a place of the plate, with a key held."""
    mouse(window, place, "")
    yield 0.1
    if held:
        key(held, "keydown")
        yield 0.2
    mouse(window, place, "click")
    yield 0.2
    if held:
        key(held, "keyup")


def mouse(window, place, action):
    button = [action, "1"] if action else []
    subprocess.run(["xdotool", "mousemove", *screen(window, place), *button], check=True, timeout=120)


def key(name, action="key"):
    subprocess.run(["xdotool", action, name], check=True, timeout=120)


def screen(window, place):
    """A place of the plate, px of the screen as xdotool counts."""
    from bl_ext.user_default.backlot.roto.editor import plate_of, plate_view

    kind = next(area.type for area in bpy.context.window_manager.windows[0].screen.areas if area.type in EDITORS)
    region = window.context(kind)["region"]
    x, y = plate_view(region, plate_of(bpy.context.scene).size).place(place)
    height = bpy.context.window_manager.windows[0].height
    return [str(round(region.x + x)), str(round(height - region.y - y))]


def session():
    from bl_ext.user_default.backlot import runtime

    return runtime.session()


def live():
    from bl_ext.user_default.backlot import runtime

    return runtime.pump().roto


def importing():
    return live().importing


def layers(scene):
    from bl_ext.user_default.backlot.roto.editor import plate_of

    return live().overlay.layers(scene, plate_of(scene))


def has_preview(scene):
    from bl_ext.user_default.backlot.roto import objects
    from bl_ext.user_default.backlot.roto.editor import plate_of
    from bl_ext.user_default.backlot.roto.previews import Asked

    thing, plate = objects.active_object(scene), plate_of(scene)
    if thing is None:
        return False
    number = plate.number(scene)
    asked = Asked(plate.folder, thing.label, number, objects.prompt_at(thing, number))
    return live().previews.find(asked) is not None


def hints(scene):
    from bl_ext.user_default.backlot.roto import edits, objects

    thing = objects.active_object(scene)
    return 0 if thing is None else edits.count(objects.prompt_at(thing, scene.frame_current))


def stored_hints(window):
    from pathlib import Path

    from bl_ext.user_default.backlot.roto import edits
    from bl_ext.user_default.backlot.shared.roto_prompts import read_prompts
    from bl_ext.user_default.backlot.shared.shot import ShotFolder

    said = read_prompts(ShotFolder(Path(window.settings["shot"]))).labels.values()
    return sum(edits.count(prompt) for label in said for prompt in label.frames.values())


def jobs():
    return bpy.context.window_manager.backlot_jobs.items


def results():
    return bpy.context.scene.backlot_roto.results
