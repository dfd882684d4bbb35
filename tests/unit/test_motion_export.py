"""BVH and USD of a motion: what is written says the same joints at the same frames."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.media.png import encode_png
from backend.motion_export.bvh import CENTIMETRES, ROTATION_ORDERS, write_bvh
from backend.motion_export.bvh_reader import likely_unit, rate_of, read_bvh
from backend.motion_export.joint_names import customary_names
from backend.motion_export.usd import write_usd_skeleton
from shared.errors import ArtifactMissing, FootageNotFound, FootageUnreadable, InvalidParameter, ShotCorrupt
from shared.motion_arrays import Motion, joints_of
from tests.unit.walking import cuffs, own_axes, walk, without


def _same(found: Motion, truth: Motion) -> float:
    """Largest distance between joints of one name, m."""
    order = [found.index(name) for name in truth.joint_names]
    known = truth.known
    assert np.array_equal(found.known, known)
    return float(np.abs(found.joints[known][:, order] - truth.joints[known]).max())


@pytest.mark.parametrize("order", ROTATION_ORDERS)
def test_bvh_says_the_same_joints(tmp_path: Path, order: str) -> None:
    motion = own_axes(walk(12, heading_deg=130.0))
    write_bvh(motion, tmp_path / "motion.bvh", rotation_order=order)
    found = read_bvh(tmp_path / "motion.bvh")
    assert _same(found, motion) < 2e-5
    assert (found.frames[0], found.fps, found.joint_names[0]) == (1001, "24000/1001", "pelvis")


def test_bvh_curves_have_no_jumps(tmp_path: Path) -> None:
    """Somebody turns round twice: angles go on beyond 180 degrees."""
    motion = walk(48)
    angle = np.linspace(0.0, 4.0 * np.pi, 48)
    spun = motion.rotations.copy()
    spun[:, 0] = np.stack([np.cos(angle / 2), 0 * angle, 0 * angle, np.sin(angle / 2)], 1)
    write_bvh(replace(motion, rotations=spun), tmp_path / "motion.bvh")
    rows = (tmp_path / "motion.bvh").read_text().split("MOTION")[1].splitlines()[3:]
    values = np.array([row.split() for row in rows], float)
    assert np.abs(np.diff(values[:, 3:], axis=0)).max() < 45.0


def test_bvh_notes_say_what_the_format_cannot(tmp_path: Path) -> None:
    motion = without(walk(20), slice(0, 3))
    motion = without(motion, slice(9, 12))
    write_bvh(motion, tmp_path / "motion.bvh", unit_m=CENTIMETRES)
    notes = json.loads((tmp_path / "motion.bvh.json").read_text())
    assert notes["held"] == [[1001, 1003], [1010, 1012]] and notes["unit_m"] == 0.01 and notes["first_frame"] == 1001
    found = read_bvh(tmp_path / "motion.bvh")
    assert found.state == motion.state and _same(found, motion) < 2e-5
    (tmp_path / "motion.bvh.json").unlink()
    bare = read_bvh(tmp_path / "motion.bvh")
    assert bare.frames[0] == 1 and bare.fps == "24000/1001" and "head_top_end" in bare.joint_names
    held = bare.joints[:, bare.index("left_wrist")]
    assert np.abs(held[:3] - motion.joints[3, motion.index("left_wrist")]).max() < 2e-5  # the unit is found
    assert np.abs(held[9:12] - motion.joints[8, motion.index("left_wrist")]).max() < 2e-5


def test_a_motion_of_nobody_is_not_written(tmp_path: Path) -> None:
    nobody = without(walk(5), slice(0, 5))
    for write, name in ((write_bvh, "motion.bvh"), (write_usd_skeleton, "motion.usda")):
        with pytest.raises(ArtifactMissing, match="no frame with a pose"):
            write(nobody, tmp_path / name)
    with pytest.raises(InvalidParameter, match="XXY"):
        write_bvh(walk(5), tmp_path / "motion.bvh", rotation_order="XXY")
    assert not list(tmp_path.iterdir())


_FOREIGN = """HIERARCHY
ROOT Hips
{
 OFFSET 0 0 0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
 JOINT LeftUpLeg
 {
  OFFSET 10 0 0
  CHANNELS 3 Zrotation Yrotation Xrotation
  End Site
  {
   OFFSET 0 -160 0
  }
 }
}
MOTION
Frames: 2
Frame Time: 0.00833330
0 100 0 0 0 0 0 0 90
0 100 50 0 90 0 90 0 0
"""


def test_a_foreign_bvh_is_read_in_our_axes(tmp_path: Path) -> None:
    (tmp_path / "take.bvh").write_text(_FOREIGN.replace("MOTION\n", "MOTION\n\n").replace("\n", "\r\n"))
    found = read_bvh(tmp_path / "take.bvh")
    assert (found.fps, found.joint_names) == ("120", ("pelvis", "left_hip", "LeftUpLeg_end"))
    # Centimetres. First the leg turns about x by 90 degrees: down, -y, becomes -z there, which is +y here.
    assert np.allclose(found.joints[0], [[0, 0, 1], [0.1, 0, 1], [0.1, 1.6, 1]], atol=1e-9)
    # Then the body is half a metre ahead and turned to +x (there and here), and the leg is lifted to its left.
    assert np.allclose(found.joints[1], [[0, -0.5, 1], [0, -0.4, 1], [0, 1.2, 1]], atol=1e-9)
    assert np.allclose(joints_of(found), found.joints)


def test_what_is_no_bvh_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FootageNotFound):
        read_bvh(tmp_path / "none.bvh")
    path = tmp_path / "broken.bvh"
    for text, says in (
        ("no motion", "MOTION is missing"),
        (_FOREIGN.replace("Frames: 2", ""), "no Frames"),
        (_FOREIGN.replace("Frames: 2", "Frames: 3"), "18 numbers"),
        (_FOREIGN.replace("0 100 50", "0 nan 50"), "finite"),
        (_FOREIGN.replace("}\nMOTION", "MOTION"), "not complete"),
    ):
        path.write_text(text)
        with pytest.raises(FootageUnreadable, match=says):
            read_bvh(path)
    with pytest.raises(FootageUnreadable, match="cannot be read"):
        read_bvh(tmp_path)


def test_units_rates_and_names_of_other_programs() -> None:
    assert [likely_unit(height) for height in (1.5, 165.0, 1700.0, 62.0)] == [1.0, 0.01, 0.001, 0.0254]
    assert [rate_of(time) for time in (0.0083333, 0.0333333, 0.041708, 0.04)] == ["120", "30", "24000/1001", "25"]
    cmu = customary_names(["Hips", "LHipJoint", "LeftUpLeg", "LeftLeg", "LeftFoot", "LeftShoulder", "LeftArm"])
    assert cmu == ("pelvis", "LHipJoint", "left_hip", "left_knee", "left_ankle", "left_collar", "left_shoulder")
    assert customary_names(["mixamorig:RightForeArm", "thigh.L", "r_shin", "leg"]) == (
        "right_elbow", "left_hip", "right_knee", "leg",
    )  # fmt: skip
    assert customary_names(["RightShoulder", "RightElbow"]) == ("right_shoulder", "right_elbow")


def test_usd_says_the_same_joints_and_moves_the_skin(tmp_path: Path) -> None:
    from pxr import Usd, UsdGeom, UsdSkel

    motion = own_axes(without(walk(12, heading_deg=70.0), slice(4, 6)))
    write_usd_skeleton(motion, tmp_path / "motion.usda", name="person 00", body=cuffs(motion))
    stage = Usd.Stage.Open(str(tmp_path / "motion.usda"))
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001.0, 1012.0)
    assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    person = stage.GetPrimAtPath("/backlot/person_00")
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath("/backlot/person_00/skeleton"))
    cache = UsdSkel.Cache()
    query = cache.GetSkelQuery(skeleton)
    worst = 0.0
    for number, joints, is_known in zip(motion.frames, motion.joints, motion.known, strict=True):
        time = Usd.TimeCode(float(number))
        seen = UsdGeom.Imageable(person).ComputeVisibility(time)
        assert seen == ("inherited" if is_known else "invisible")
        if is_known:
            places = [matrix.ExtractTranslation() for matrix in query.ComputeJointSkelTransforms(time)]
            worst = max(worst, float(np.abs(np.array(places) - joints).max()))
    assert worst < 1e-5
    assert _usd_skin(stage, query, float(motion.frames[-1])) == pytest.approx(
        motion.joints[-1, motion.index("left_wrist")].tolist(), abs=1e-5
    )


def _usd_skin(stage: object, query: object, time: float) -> list[float]:
    """Where the skin's first vertex is."""
    from pxr import Usd, UsdGeom, UsdSkel, Vt

    root = UsdSkel.Root(stage.GetPrimAtPath("/backlot/person_00"))  # type: ignore[attr-defined]
    cache = UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/backlot/person_00/body"))  # type: ignore[attr-defined]
    skinning = cache.GetSkinningQuery(mesh.GetPrim())
    points = Vt.Vec3fArray(mesh.GetPointsAttr().Get())
    moves = query.ComputeSkinningTransforms(Usd.TimeCode(time))  # type: ignore[attr-defined]
    assert skinning.ComputeSkinnedPoints(moves, points, Usd.TimeCode(time))
    return [float(value) for value in points[0]]


def test_a_body_of_another_skeleton_is_refused(tmp_path: Path) -> None:
    other = replace(cuffs(walk(3)), joint_names=("pelvis",))
    with pytest.raises(ShotCorrupt, match="do not belong together"):
        write_usd_skeleton(walk(3), tmp_path / "motion.usda", body=other)
    assert not list(tmp_path.iterdir())


def test_usd_passes_the_library_s_own_checks(tmp_path: Path) -> None:
    from pxr import Usd, UsdValidation

    motion = walk(6)
    (tmp_path / "texture.png").write_bytes(encode_png(np.full((4, 4, 3), 90, np.uint8)))
    write_usd_skeleton(motion, tmp_path / "motion.usda", body=cuffs(motion), texture="texture.png")
    stage = Usd.Stage.Open(str(tmp_path / "motion.usda"))
    picture = stage.GetPrimAtPath("/backlot/person/body_skin/picture").GetAttribute("inputs:file").Get()
    assert Path(picture.resolvedPath) == tmp_path / "texture.png"
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    context = UsdValidation.ValidationContext(validators)
    assert len(validators) > 10
    assert [error.GetMessage() for error in context.Validate(stage)] == []
