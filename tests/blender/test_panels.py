"""Panels: every stage has one, in every state it draws, says what is the case, and does not touch the disk."""

from __future__ import annotations

import builtins
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared import stages
from tests.blender.drawing import Layout, draw
from tests.blender.synthetic_depth import write_depth_shot
from tests.blender.synthetic_mocap import write_person
from tests.blender.synthetic_roto import RotoPlan, write_roto
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.test_run_all import manifest
from tests.blender.waiting import WAIT_S

PLAN = ShotPlan(count=3, points=10)


@pytest.fixture(autouse=True)
def home(empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pump with a session of its own in the place of the extension's."""
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.pump import Pump
    from bl_ext.user_default.backlot.session import Session

    own = runtime._running["pump"]
    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    made = runtime._running["pump"] = Pump(Session(tmp_path / "home"))
    yield
    made.session.close()
    runtime._running["pump"] = own


def classes() -> list[Any]:
    import bpy
    from bl_ext.user_default.backlot import panels

    found = [kind for kind in panels.CLASSES if issubclass(kind, bpy.types.Panel)]
    return [kind for kind in found if not hasattr(kind, "preset_subdir")]  # Blender lists their files when they open


def drawn(name: str) -> Layout:
    layout = draw(next(kind for kind in classes() if kind.bl_idname == name))
    assert layout is not None
    return layout


def know(folder: Path) -> None:
    """The summary as a thread reads it while the pump turns."""
    import bpy
    from bl_ext.user_default.backlot import runtime

    bpy.context.scene.backlot.folder = str(folder)
    session = runtime.session()
    session.refresh_summary(folder)
    deadline = time.monotonic() + WAIT_S
    while session.busy:
        assert time.monotonic() < deadline, "waited in vain"
        session.poll(time.perf_counter() + 0.01)
        time.sleep(0.001)  # the event loop's own pause between two turns
    assert session.summary(folder) is not None


def job(state: str, *names: str, at: str = "", error: dict[str, Any] | None = None) -> None:
    """The backend's newest job of the scene's shot."""
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.shared.messages import JobRequest, JobStatus, Progress

    request = JobRequest(str(bpy.context.scene.backlot.folder), "", names)
    progress = Progress(at or names[-1], 1, 4, 2, 1.0, 3.0, 0.25)
    runtime.session().jobs = {"j": JobStatus("j", state, request, "", progress, 1.0, 1.0, None, 1, error)}


def whole_shot(folder: Path) -> None:
    """Everything that stages leave, and their manifests."""
    write_depth_shot(folder, PLAN)
    write_roto(folder, RotoPlan(shot=PLAN))
    write_person(folder, "person_00")
    for stage, key, needs in (("ingest", "i", {}), ("solve", "s", {"ingest": "i"}), ("roto", "r", {"ingest": "i"}),
                              ("depth", "d", {"solve": "s"}), ("mocap", "m", {"solve": "s"})):  # fmt: skip
        manifest(folder, stage, key, {}, needs)


def damage(folder: Path, how: str) -> None:
    records = folder / ".backlot" / "manifests"
    if how == "records":
        for path in records.iterdir():
            path.write_text('{"key": 3, "params": [', encoding="utf-8")
    elif how == "shot":
        (folder / "shot.json").write_text('{"version": 1}', encoding="utf-8")
    elif how == "camera":
        (folder / "camera/extrinsics.json").write_bytes(b"\xff\x00")
    elif how == "later version":
        path = records / "solve.json"
        plain = json.loads(path.read_text(encoding="utf-8"))
        plain["params"] |= {"unknown": 1, "quality": None, "seed": "seven"}
        path.write_text(json.dumps(plain), encoding="utf-8")
    elif how == "reports":
        for path in (*folder.rglob("report.json"), folder / "depth/meta.json"):
            path.write_text("[]", encoding="utf-8")
    elif how == "deleted":
        shutil.rmtree(folder)


def test_every_stage_has_a_panel_and_shows_all_its_parameters(tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import panels
    from bl_ext.user_default.backlot.panels.stage_panel import panels_of
    from bl_ext.user_default.backlot.shared.params import specs

    assert {one.stage for one in panels.DECLARED} | set(panels.WITHOUT_PANEL) == {info.name for info in stages.STAGES}
    whole_shot(tmp_path / "clip_backlot")
    know(tmp_path / "clip_backlot")
    for declaration in panels.DECLARED:
        shown = {name for made in panels_of(declaration) for name in _props(made.bl_idname)}
        wanted = {spec.name for spec in specs(stages.stage_info(declaration.stage).params)} - set(declaration.hidden)
        assert wanted <= shown, (declaration.stage, wanted - shown)


def _props(idname: str) -> list[str]:
    layout = draw(next(kind for kind in classes() if kind.bl_idname == idname))
    return layout.props if layout is not None else []


ODD = ("nothing", "a clip", "a folder that is not there", "read", "whole", "records", "shot", "camera", "later version",
       "reports", "deleted")  # fmt: skip


@pytest.mark.parametrize("state", ODD)
def test_panels_draw_in_every_state_and_leave_the_disk_alone(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime

    folder = tmp_path / "clip_backlot"
    if state == "a clip":
        bpy.context.scene.backlot.clip = str(tmp_path / "clip.mp4")
    elif state == "a folder that is not there":
        know(folder)
    elif state == "read":
        write_shot(folder, PLAN)
        shutil.rmtree(folder / "camera")
        know(folder)
    elif state != "nothing":
        whole_shot(folder)
        damage(folder, state)
        know(folder)
    jobs: list[tuple[Any, ...]] = [()]
    if state in ("a clip", "whole", "deleted"):
        jobs += [("queued", "ingest", "solve"), ("running", "roto"), ("cancelled", "depth"), ("failed", "mocap"),
                 ("running", "ingest", "roto", "solve", "depth", "mocap", "export"), ("done", "export")]  # fmt: skip
    for arguments in jobs:
        if arguments:
            job(*arguments)
        for kind in classes():
            draw(kind)  # what is asked for the first time may be looked up
        with monkeypatch.context() as forbidden:
            forbid_the_disk(forbidden)
            for kind in classes():
                draw(kind)
    assert runtime.session().error is None


def forbid_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any, *_: Any, **__: Any) -> Any:
        raise AssertionError(f"drawing touched {path}")

    for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat"), (os, "lstat"), (os, "scandir"),
                         (os, "listdir")):  # fmt: skip
        monkeypatch.setattr(module, name, refuse)


def test_the_five_states_are_told(tmp_path: Path) -> None:
    import bpy

    folder = tmp_path / "clip_backlot"
    write_shot(folder, PLAN)
    manifest(folder, "ingest", "i", {}, {})
    know(folder)
    assert "Made by an earlier version or another program" in drawn("BACKLOT_PT_solve").texts
    assert "Never run" in drawn("BACKLOT_PT_depth").texts
    manifest(folder, "solve", "s", {}, {"ingest": "i"})
    know(folder)
    assert "Up to date" in drawn("BACKLOT_PT_solve").texts
    bpy.context.scene.backlot.ingest.rotation = "90"
    bpy.context.scene.backlot.clip = str(tmp_path / "clip.mp4")
    shot = drawn("BACKLOT_PT_shot")
    assert "Out of date: Rotation changed" in shot.texts and "backlot.read_clip" in shot.operators
    bpy.context.scene.backlot.solve.quality = "high"
    said = " ".join(drawn("BACKLOT_PT_solve").texts)
    assert "Out of date: Quality changed" in said and "Up to date" not in said
    job("running", "ingest", "solve", at="solve")
    assert "Waits for Solve Camera" not in drawn("BACKLOT_PT_shot").texts
    solve = drawn("BACKLOT_PT_solve")
    assert "25 %" in solve.texts and "backlot.cancel_job" in solve.operators
    assert "backlot.solve_camera" not in solve.operators
    job("failed", "ingest", "solve", error={"code": "cut-in-clip", "message": "The clip has a cut at frame 5.",
                                            "remedy": "Set the frame range.", "details": {"frame": 5}})  # fmt: skip
    solve = drawn("BACKLOT_PT_solve")
    said = " ".join(solve.texts)
    assert "The clip has a cut at frame 5." in said and "Set the frame range." in said
    assert solve.operators.count("backlot.use_frames") == 2 and "backlot.solve_camera" in solve.operators


def test_a_failure_is_told_where_it_happened(tmp_path: Path) -> None:
    write_shot(tmp_path / "clip_backlot", PLAN)
    know(tmp_path / "clip_backlot")
    job("failed", "ingest", "solve", "depth", at="solve", error={"code": "no-parallax", "message": "No parallax."})
    assert "No parallax." in drawn("BACKLOT_PT_solve").texts
    assert "No parallax." not in drawn("BACKLOT_PT_depth").texts
    job("running", "ingest", "solve", "depth", at="solve")
    assert "Waits for Solve Camera" in drawn("BACKLOT_PT_depth").texts
    shot = drawn("BACKLOT_PT_shot")
    assert "25 %" in shot.texts and "backlot.run_all" not in shot.operators


def test_clip_facts_and_warnings_come_before_anything_ran(tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.shared.footage_messages import ProbeReply
    from bl_ext.user_default.backlot.shared.shot import SourceFacts

    clip = tmp_path / "phone.mov"
    bpy.context.scene.backlot.clip = str(clip)
    assert "backlot.check_clip" in drawn("BACKLOT_PT_shot").operators
    facts = SourceFacts("video", 1080, 1920, "30", 1, 60, 60, rotation=90, bit_depth=10, codec="hevc", hdr="hlg",
                        variable_rate=True, pixel_aspect=2.0, interlaced=True)  # fmt: skip
    probe = runtime.pump().clips.wish(clip)
    probe.reply = ProbeReply(facts)
    layout = drawn("BACKLOT_PT_shot")
    said = " ".join(layout.texts)
    for text in ("1080 × 1920", "30 fps", "1 to 60, 2.0 s", "H.265, 10-bit", "Turned by 90°", "Variable frame rate",
                 "HDR (HLG)", "Pixels are 2 times", "Interlaced"):  # fmt: skip
        assert text in said, text
    assert {"rotation", "fps", "pixel_aspect"} <= set(layout.props)


def tick_until(pump: Any, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain; session error: {pump.session.error}"
        pump.tick()
        time.sleep(0.01)  # the event loop's own pause between two ticks


def test_a_clip_is_checked_by_the_backend(tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime

    from tests.contract.fake_backend import FakeBackend

    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"")
    bpy.context.scene.backlot.clip = str(clip)
    pump = runtime.pump()
    with FakeBackend(tmp_path / "home"):
        drawn("BACKLOT_PT_shot")
        tick_until(pump, lambda: pump.clips.wish(clip).is_over)
        assert "Turned by 90° to be upright" in drawn("BACKLOT_PT_shot").texts
        clip.unlink()
        pump.clips.forget(clip)
        tick_until(pump, lambda: pump.clips.wish(clip).is_over)
        assert any("There is no clip at" in text for text in drawn("BACKLOT_PT_shot").texts)


def test_an_engine_that_lacks_something_says_so(tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.shared.messages import EngineStatus

    write_shot(tmp_path / "clip_backlot", PLAN)
    know(tmp_path / "clip_backlot")
    engines = (
        EngineStatus("depth", "mvs", True, "weight-free", "BSD-3-Clause", "", True),
        EngineStatus("depth", "depth-learned", False, "learned", "Apache-2.0", "CC-BY-NC-4.0", False,
                     "The weights of depth-anything are not there.", "Fetch them."),
    )  # fmt: skip
    runtime.pump().engines.engines = {(one.stage, one.engine): one for one in engines}
    assert "backlot.show_models" not in drawn("BACKLOT_PT_depth").operators
    bpy.context.scene.backlot.depth.engine = "depth-learned"
    depth, models = drawn("BACKLOT_PT_depth"), drawn("BACKLOT_PT_depth_engine")
    assert "backlot.show_models" in depth.operators and "weights of depth-anything" in " ".join(depth.texts)
    said = " ".join(models.texts)
    bpy.context.scene.backlot.depth.engine = "auto"
    assert {"Multi-view Stereo", "Network"} <= set(drawn("BACKLOT_PT_depth_engine").texts)
    for text in ("Not Ready", "Code: Apache-2.0", "Weights: CC-BY-NC-4.0", "Not for commercial work"):
        assert text in said, text
    assert "commercial_safe" in models.props


def test_a_stage_needs_no_more_than_a_declaration(tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.panels.stage_panel import StagePanel, panels_of

    plain = StagePanel("depth", "Plain", "backlot.estimate_depth", "MOD_DISPLACE", ("resolution",), name="plain")
    made = panels_of(plain)
    assert [kind.bl_idname for kind in made] == [
        "BACKLOT_PT_plain",
        "BACKLOT_PT_plain_engine",
        "BACKLOT_PT_plain_advanced",
    ]
    write_shot(tmp_path / "clip_backlot", PLAN)
    know(tmp_path / "clip_backlot")
    main, engine, advanced = (draw(kind) for kind in made)
    assert main is not None and engine is not None and advanced is not None
    assert main.props == ["resolution"] and main.texts[1:] == ["Never run", "Estimate Depth"]
    assert {"engine", "model"} <= set(engine.props) and "holes" in advanced.props


def test_labels_and_tooltips_are_as_blender_writes_them() -> None:
    import bpy
    from bl_ext.user_default.backlot import menus, operators, properties, wording

    faults = []
    for kind in operators.CLASSES:
        faults += [kind.__name__] if (kind.__doc__ or "").strip().endswith(".") else []
    for kind in (*operators.CLASSES, *classes(), *menus.CLASSES):
        faults += [f"{kind.__name__}: {kind.bl_label}"] if kind.bl_label != wording.title(kind.bl_label) else []
    for group in properties.CLASSES:
        for found in bpy.types.PropertyGroup.bl_rna_get_subclass_py(group.__name__).bl_rna.properties:
            is_shown = not found.is_hidden and found.type not in ("POINTER", "COLLECTION")
            if is_shown and found.identifier != "name" and found.name != found.identifier:
                texts_are_good = found.name == wording.title(found.name) and not found.description.endswith(".")
                faults += [] if texts_are_good else [f"{group.__name__}.{found.identifier}: {found.name}"]
    assert not faults


def test_menus_name_what_there_is(tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import file_handler, menus
    from bl_ext.user_default.backlot.operators.exporting import SINGLE_FILE

    everything, exports = drawn_menu(menus.BACKLOT_MT_everything), drawn_menu(menus.BACKLOT_MT_export)
    assert {"backlot.solve_camera", "backlot.run_all", "backlot.estimate_depth"} <= set(everything.operators)
    assert len(exports.operators) == len(SINGLE_FILE)
    imports = drawn_menu(menus, "draw_import")
    assert imports.operators == ["backlot.open_clip", "backlot.import_shot", "backlot.import_camera"]
    for kind in file_handler.CLASSES:
        assert getattr(bpy.ops.backlot, kind.bl_import_operator.partition(".")[2]).poll
        assert not kind.poll_drop(bpy.context)


def drawn_menu(kind: Any, function: str = "draw") -> Layout:
    import bpy

    menu = SimpleNamespace(layout=Layout())
    getattr(kind, function)(menu, bpy.context)
    return menu.layout


def test_presets_set_what_they_say_and_leave_the_shot_alone(tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import declared
    from bl_ext.user_default.backlot.shared.stage_presets import PRESETS
    from bl_ext.user_default.backlot.shared.stages import stage_info

    settings = bpy.context.scene.backlot
    for stage, presets in PRESETS.items():
        for preset in presets:
            assert bpy.ops.backlot.use_preset(stage=stage, preset=preset.name) == {"FINISHED"}
            assert declared.values(getattr(settings, stage), stage_info(stage).params) == dict(preset.values)
    settings.depth.use_frame_start, settings.depth.frame_start, settings.depth.iterations = True, 7, 9
    assert bpy.ops.backlot.use_preset(stage="depth") == {"FINISHED"}
    assert declared.values(settings.depth, stage_info("depth").params) == {"frame_start": 7}
    with pytest.raises(RuntimeError, match="has no preset 'Nope'"):
        bpy.ops.backlot.use_preset(stage="depth", preset="Nope")


def test_own_presets_are_blenders(tmp_path: Path) -> None:
    import bpy

    solve = bpy.context.scene.backlot.solve
    solve.quality, solve.use_focal_mm, solve.focal_mm, solve.zoom = "high", True, 24.0, "fixed"
    assert bpy.ops.backlot.solve_preset_add(name="My Lens") == {"FINISHED"}
    path = bpy.utils.preset_find("My_Lens", "backlot/solve")
    assert path
    bpy.ops.backlot.use_preset(stage="solve")
    assert (solve.quality, solve.use_focal_mm) == ("medium", False)
    bpy.ops.script.execute_preset(filepath=path, menu_idname="BACKLOT_PT_solve_presets")
    assert (solve.quality, solve.use_focal_mm, solve.focal_mm, solve.zoom) == ("high", True, 24.0, "fixed")
    assert bpy.ops.backlot.solve_preset_add(name="My Lens", remove_name=True) == {"FINISHED"}
    assert not bpy.utils.preset_find("My_Lens", "backlot/solve")
