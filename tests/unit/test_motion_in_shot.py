"""Files of other programs beside a shot's motion follow the world, and the stage that made them stays up to date."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.body_mesh.sequence import SEQUENCE_FOLDER, USD_FILE, Sequence, write_usd
from backend.cli.main import main
from backend.motion_export.bvh_reader import read_bvh
from backend.motion_export.files import write_motion_files
from backend.pipeline import manifest
from backend.world.answer import answer
from shared.body_arrays import write_body
from shared.motion_arrays import read_motion, write_motion
from shared.shot import ShotFolder
from shared.world_messages import Pick, WorldRequest
from tests.unit.walking import cuffs, walk, without
from tests.unit.world_shot import record, whole_shot


def _shot(root: Path) -> ShotFolder:
    """With a person whose world's unit is half a metre, and everything that is made from the motion."""
    whole_shot(root)
    folder = root / "mocap" / "person_00"
    motion = without(walk(30), slice(3, 6))
    write_motion(folder / "motion.npz", motion)
    write_body(folder / "body.npz", cuffs(motion))
    write_motion_files(motion, folder, name="person_00", metres_per_unit=0.5)
    write_usd(folder / SEQUENCE_FOLDER / USD_FILE, Sequence("person_00", cuffs(motion), motion))
    for name in ("motion.fbx", "smpl.npz"):
        (folder / name).write_bytes(b"of the world before")
    shot = ShotFolder(root)
    record(shot, "mocap", tuple(sorted(folder.iterdir())))  # the sequence as a folder
    return shot


def _whole(shot: ShotFolder) -> bool:
    done = manifest.find(shot, "mocap")
    assert done is not None
    return manifest.is_complete(shot, done)


def test_they_follow_the_world(tmp_path: Path) -> None:
    from pxr import Usd, UsdSkel

    shot = _shot(tmp_path)
    folder = tmp_path / "mocap" / "person_00"
    before = read_motion(folder / "motion.npz")
    reply = answer(
        WorldRequest(str(tmp_path), origin=Pick(xyz=(0.0, 1.0, 0.0)), distance=2.0,
                     distance_points=(Pick(xyz=(0.0, 0.0, 0.0)), Pick(xyz=(4.0, 0.0, 0.0))))
    )  # fmt: skip
    motion = read_motion(folder / "motion.npz")
    assert motion.world_revision == reply.revision == 1
    assert motion.root[0] == pytest.approx((before.root[0] - [0.0, 1.0, 0.0]) * 0.5)
    found = read_bvh(folder / "motion.bvh")
    order = [found.index(name) for name in motion.joint_names]
    assert np.abs(found.joints[motion.known][:, order] - motion.joints[motion.known]).max() < 1e-4
    assert found.state == motion.state and found.world_revision == 1
    stage = Usd.Stage.Open(str(folder / "motion.usda"))
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath("/backlot/person_00/skeleton"))
    cache = UsdSkel.Cache()
    places = cache.GetSkelQuery(skeleton).ComputeJointSkelTransforms(Usd.TimeCode(1030.0))
    assert np.abs(np.array([one.ExtractTranslation() for one in places]) - motion.joints[-1]).max() < 1e-5
    sequence = Usd.Stage.Open(str(folder / SEQUENCE_FOLDER / USD_FILE))
    wrist = np.array(sequence.GetPrimAtPath("/backlot/person_00").GetAttribute("points").Get(1030.0))[0]
    assert wrist == pytest.approx(motion.joints[-1, motion.index("left_wrist")], abs=1e-5)
    assert json.loads((folder / "analysis.json").read_text())["metres_per_unit"] == pytest.approx(1.0)
    assert _whole(shot)
    (fbx,) = (notice for notice in reply.notices if "motion.fbx" in notice)
    assert "--to fbx" in fbx
    assert any("smpl.npz still shows the world as it was" in notice for notice in reply.notices)


def test_a_damaged_body_does_not_hold_the_world(tmp_path: Path) -> None:
    _shot(tmp_path)
    folder = tmp_path / "mocap" / "person_00"
    (folder / "body.npz").write_bytes(b"no body")
    before = (folder / "motion.bvh").read_bytes()
    answer(WorldRequest(str(tmp_path), origin=Pick(xyz=(0.0, 1.0, 0.0))))
    assert read_motion(folder / "motion.npz").world_revision == 1
    assert (folder / "motion.bvh").read_bytes() == before


def test_the_command_keeps_the_stage_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shot = _shot(tmp_path)
    path = tmp_path / "mocap" / "person_00" / "motion.npz"
    assert main(["motion", str(path), "--to", "bvh,analysis", "--bvh-unit", "cm"]) == 0
    assert "wrote" in capsys.readouterr().out
    notes = json.loads(path.with_name("motion.bvh.json").read_text())
    assert notes["unit_m"] == 0.01 and _whole(shot)
    assert json.loads(path.with_name("analysis.json").read_text())["metres_per_unit"] == 0.5
    path.with_name("motion.usda").write_text("of somebody else")
    assert main(["motion", str(path), "--to", "bvh"]) == 0
    assert not _whole(shot)  # what was out of date stays so
