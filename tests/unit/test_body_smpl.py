"""SMPL model files of the user's: read safely, fitted, and only with leave."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from body_scene import standing
from scipy.sparse import csc_matrix
from smpl_scene import content, write_npz, write_pkl

from backend.body_mesh.smpl_body import OUR_FROM_SMPL, allowed_model, fitted_shape, smpl_body
from backend.body_mesh.smpl_files import read_smpl
from backend.body_mesh.smpl_poses import fitted_poses
from shared.body_arrays import posed
from shared.errors import EngineUnavailable

BENT = {"left_shoulder": (0.0, 1.0, 0.0), "right_knee": (1.2, 0.0, 0.0), "right_hip": (-0.8, 0.0, 0.0)}


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return content()


@pytest.fixture(scope="module")
def file(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("smpl") / "model.npz", arrays)


def test_a_model_is_the_same_as_npz_and_as_pickle(arrays: dict[str, np.ndarray], file: Path, tmp_path: Path) -> None:
    sparse = arrays | {"J_regressor": csc_matrix(arrays["J_regressor"])}
    one, other = read_smpl(file), read_smpl(write_pkl(tmp_path / "model.pkl", sparse))
    assert one.kind == other.kind == "smpl"
    assert np.abs(one.regressor - other.regressor).max() == 0.0 and np.array_equal(one.parents, other.parents)
    assert one.parents[0] == -1 and one.parents[23] == 21


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("harm",)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_pkl(tmp_path / "model.pkl", {"v_template": _Harmful()})
    with pytest.raises(EngineUnavailable, match="wants to run"):
        read_smpl(path)
    assert not (tmp_path / "harm").exists()


def test_chumpy_s_arrays_are_taken_without_chumpy(
    arrays: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for name, value in (("Ch", arrays["v_template"]), ("Select", None)):
        kind = type(name, (), {"__module__": "chumpy.ch"})
        made[name] = kind()
        made[name].x = value
        monkeypatch.setitem(sys.modules, "chumpy", ModuleType("chumpy"))
        module = sys.modules.get("chumpy.ch") or ModuleType("chumpy.ch")
        setattr(module, name, kind)
        monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    good = write_pkl(tmp_path / "good.pkl", arrays | {"v_template": made["Ch"]})
    bad = write_pkl(tmp_path / "bad.pkl", arrays | {"v_template": made["Select"]})
    for name in ("chumpy", "chumpy.ch"):
        monkeypatch.delitem(sys.modules, name)
    assert np.array_equal(read_smpl(good).template, arrays["v_template"])
    with pytest.raises(EngineUnavailable, match="chumpy"):
        read_smpl(bad)


def test_a_damaged_file_says_what_it_lacks(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x02no")
    short = write_npz(tmp_path / "short.npz", {k: v for k, v in arrays.items() if k != "posedirs"})
    wrong = write_npz(tmp_path / "wrong.npz", arrays | {"weights": arrays["weights"][:, :7]})
    for path, said in ((tmp_path / "none.npz", "no model file"), (tmp_path / "broken.pkl", "read"),
                       (short, "posedirs"), (wrong, "7 joints")):  # fmt: skip
        with pytest.raises(EngineUnavailable, match=said):
            read_smpl(path)


def test_without_leave_it_is_not_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKLOT_ALLOW_NON_COMMERCIAL", raising=False)
    with pytest.raises(EngineUnavailable, match="commercial"):
        allowed_model(file, non_commercial=False)
    assert allowed_model(file, non_commercial=True).kind == "smpl"


def test_a_folder_of_models_gives_the_neutral_one(file: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no SMPL"):
        allowed_model(tmp_path, non_commercial=True)
    (tmp_path / "SMPL_MALE.npz").write_bytes(b"not this one")
    (tmp_path / "SMPL_NEUTRAL.npz").write_bytes(file.read_bytes())
    assert allowed_model(tmp_path, non_commercial=True).kind == "smpl"


def test_its_shape_follows_the_bones(file: Path) -> None:
    model, motion = read_smpl(file), standing(0.92)
    betas, scale = fitted_shape(model, motion)
    assert scale == 1.0
    assert betas[0] == pytest.approx(-0.8, abs=0.1)


def test_it_hangs_on_the_same_skeleton_as_the_proxy(file: Path) -> None:
    motion = standing(0.95, bends=BENT)
    mesh = smpl_body(motion, file, non_commercial=True)
    assert mesh.kind == "smpl" and mesh.weights.min() >= 0.0
    skin = posed(mesh, motion, 0)
    for joint in ("left_wrist", "right_ankle", "left_knee", "head"):
        assert np.linalg.norm(skin - motion.joints[0, motion.index(joint)], axis=1).min() < 0.09
    assert np.ptp(mesh.vertices[:, 2]) == pytest.approx(0.95 * 1.76, abs=0.03)


def test_its_own_parameters_give_the_same_skin(file: Path) -> None:
    motion, model = standing(0.95, bends=BENT), read_smpl(file)
    poses = fitted_poses(model, motion)
    skin = model.posed(poses.betas, poses.turns[0], poses.place[0]) @ OUR_FROM_SMPL.T
    apart = np.linalg.norm(skin - posed(smpl_body(motion, file, True), motion, 0), axis=1)
    # The difference is what bends with the pose in the model, and has no place in a skin on bones.
    assert np.median(apart) < 0.03 and apart.max() < 0.15
