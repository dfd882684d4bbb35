"""Enabling, disabling, declared properties, choosing clips."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import ModuleType

import pytest

from shared import stages
from shared.params import specs
from tests.blender.installed import PACKAGE
from tests.blender.synthetic_shot import ShotPlan, write_png, write_shot


def test_enabling_twenty_times_leaves_nothing(empty: None, backlot: ModuleType) -> None:
    import bpy

    def ours() -> set[str]:
        return {name for name in dir(bpy.types) if "BACKLOT" in name.upper()}

    threads = threading.active_count()
    timers = len(bpy.app.handlers.undo_post)
    enabled = ours()
    for _ in range(20):
        bpy.ops.preferences.addon_disable(module=PACKAGE)
        assert not ours() and not hasattr(bpy.types.Scene, "backlot")
        assert not hasattr(bpy.types.WindowManager, "backlot_jobs")
        bpy.ops.preferences.addon_enable(module=PACKAGE)
    assert ours() == enabled and enabled
    assert threading.active_count() <= threads and len(bpy.app.handlers.undo_post) == timers


@pytest.mark.parametrize("info", stages.STAGES, ids=lambda info: info.name)
def test_properties_follow_the_declarations(empty: None, info: stages.StageInfo) -> None:
    import bpy
    from bl_ext.user_default.backlot import declared, wording

    settings = getattr(bpy.context.scene.backlot, info.name)
    for spec in specs(info.params):
        found = settings.bl_rna.properties[spec.name]
        assert found.name == wording.title(spec.label) and found.name.lower() == spec.label.lower()
        assert found.description.startswith(spec.help.partition(";")[0].partition(".")[0][:20])
        assert not found.description.endswith(".")
        unit = declared.UNIT_WORDS[spec.unit].removesuffix("s") if spec.unit else ""
        assert unit in found.description.lower() or found.unit != "NONE"
        if spec.choices:
            assert [item.identifier for item in found.enum_items] == [choice.value for choice in spec.choices]
        elif spec.kind in (int, float):
            assert spec.minimum is None or found.hard_min == pytest.approx(spec.minimum)
            assert spec.maximum is None or found.hard_max == pytest.approx(spec.maximum)
    own = info.params.__name__
    from bl_ext.user_default.backlot.shared import stages as bundled

    assert declared.values(settings, getattr(bundled, own)) == {}


def test_empty_means_automatic(empty: None) -> None:
    import bpy
    from bl_ext.user_default.backlot import declared
    from bl_ext.user_default.backlot.shared.stages import IngestParams, SolveParams

    solve, ingest = bpy.context.scene.backlot.solve, bpy.context.scene.backlot.ingest
    solve.focal_mm = 24.89
    assert declared.values(solve, SolveParams) == {}
    solve.use_focal_mm, solve.sensor = True, "super35"
    assert declared.values(solve, SolveParams) == {"focal_mm": 24.89, "sensor": "super35"}
    ingest.fps = " "
    assert declared.values(ingest, IngestParams) == {}
    ingest.fps = "24000/1001"
    assert declared.values(ingest, IngestParams) == {"fps": "24000/1001"}


def test_the_shot_folder_follows_the_clip(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.properties import folder_path

    settings = bpy.context.scene.backlot
    assert folder_path(settings) is None
    settings.clip = str(tmp_path / "a.mp4")
    assert folder_path(settings) == tmp_path / "a_backlot"
    settings.folder = str(tmp_path / "mine")
    settings.clip = str(tmp_path / "b.mp4")
    assert folder_path(settings) == tmp_path / "mine"


def test_one_frame_stands_for_its_sequence(empty: None, tmp_path: Path) -> None:
    import bpy
    import numpy as np
    from bl_ext.user_default.backlot.properties import folder_path

    write_png(tmp_path / "sea.1001.png", np.zeros((4, 4, 3), np.uint8))
    assert bpy.ops.backlot.open_clip(filepath=str(tmp_path / "sea.1001.png")) == {"FINISHED"}
    assert bpy.context.scene.backlot.clip == str(tmp_path / "sea.####.png")
    assert folder_path(bpy.context.scene.backlot) == tmp_path / "sea_backlot"


def test_operators_refuse_clearly(empty: None, tmp_path: Path) -> None:
    import bpy

    assert not bpy.ops.backlot.solve_camera.poll()
    assert not bpy.ops.backlot.setup_shadow_catcher.poll()
    assert not bpy.ops.backlot.update_scene.poll()
    with pytest.raises(RuntimeError, match="is not in a shot folder"):
        bpy.ops.backlot.import_shot(filepath=str(tmp_path / "shot.json"))
    write_shot(tmp_path / "clip_backlot", ShotPlan(count=3, points=10))
    (tmp_path / "clip_backlot/camera/extrinsics.json").write_text("{", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"extrinsics\.json cannot be read"):
        bpy.ops.backlot.import_shot(filepath=str(tmp_path / "clip_backlot/shot.json"))
    (tmp_path / "clip_backlot/camera/extrinsics.json").unlink()
    with pytest.raises(RuntimeError, match="Press Solve Camera first"):
        bpy.ops.backlot.import_shot(filepath=str(tmp_path / "clip_backlot/shot.json"))


def test_every_operator_and_property_explains_itself(empty: None) -> None:
    import bpy
    from bl_ext.user_default.backlot import operators, properties

    for kind in operators.CLASSES:
        assert kind.bl_label and (kind.__doc__ or "").strip(), kind
    for group in properties.CLASSES[:-2]:
        for found in bpy.types.PropertyGroup.bl_rna_get_subclass_py(group.__name__).bl_rna.properties:
            is_group = found.type in ("POINTER", "COLLECTION")
            if not found.is_hidden and not is_group and found.identifier != "name":
                assert found.description, (group, found.identifier)


@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "60000/1001", "25", "24", "25/2", "1000/33", "120"])
def test_the_frame_rate_is_exact(backlot: ModuleType, rate: str) -> None:
    from fractions import Fraction

    from bl_ext.user_default.backlot.importers.scene_settings import blender_rate

    fps, base = blender_rate(Fraction(rate))
    assert Fraction(fps) / Fraction(base).limit_denominator(100_000) == Fraction(rate)


def test_the_plate_shows_its_own_frames(empty: None, tmp_path: Path) -> None:
    """Scene frame N shows plate frame N, for a sequence that starts at 1001."""
    import bpy
    from bl_ext.user_default.backlot import api

    from tests.blender.rendering import render_png
    from tests.blender.synthetic_shot import plate_frame

    truth = write_shot(tmp_path / "clip_backlot", ShotPlan(count=5))
    shot = api.import_shot(tmp_path / "clip_backlot")
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end, shot.plate.frame_duration) == (1001, 1005, 5)
    background = shot.camera.data.background_images[0]
    assert background.clip == shot.plate and background.show_background_image
    bpy.ops.backlot.setup_composite()
    shot.camera.data.background_images[0].clip_user.frame_current = 1
    for index in (0, 2, 4):
        picture = render_png(scene, tmp_path / "out.png", 1001 + index, samples=1)
        assert abs(picture.astype(int) - plate_frame(truth, index)).max() <= 1


def test_the_tracking_camera_has_the_lens(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    write_shot(tmp_path / "clip_backlot", ShotPlan(distortion=(-0.1, 0.02, 0.003, -0.004)))
    lens = api.import_shot(tmp_path / "clip_backlot").plate.tracking.camera
    assert lens.focal_length_pixels == pytest.approx(300.0)
    assert tuple(lens.principal_point_pixels) == pytest.approx((164.0, 93.0))
    found = (lens.brown_k1, lens.brown_k2, lens.brown_p1, lens.brown_p2)
    assert lens.distortion_model == "BROWN" and found == pytest.approx((-0.1, 0.02, -0.004, -0.003))


def test_a_script_ends_in_order(empty: None, tmp_path: Path) -> None:
    """Enabled, with a connection open and a shot imported: the process ends by itself, and not by a crash."""
    import subprocess
    import sys

    from tests.contract.fake_backend import FakeBackend

    write_shot(tmp_path / "clip_backlot", ShotPlan(count=3, points=10))
    script = (
        "import bpy\n"
        f"bpy.ops.preferences.addon_enable(module={PACKAGE!r})\n"
        f"from {PACKAGE} import api, runtime\n"
        f"api.import_shot({str(tmp_path / 'clip_backlot')!r})\n"
        "runtime.session().start()\n"
        "while not runtime.session().online: runtime.pump().tick()\n"
    )
    with FakeBackend(tmp_path / "home"):
        variables = {**os.environ, "BACKLOT_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [sys.executable, "-c", script], env=variables, timeout=600, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr[-2000:]
