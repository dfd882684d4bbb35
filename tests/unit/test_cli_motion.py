"""`python -m backend motion`: what it says, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.cli.main import main
from backend.motion_export.bvh_reader import read_bvh
from shared.body_arrays import write_body
from shared.motion_arrays import read_motion, write_motion
from tests.unit.walking import cuffs, walk


def test_a_motion_is_described_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "person_00"
    write_motion(folder / "motion.npz", walk(72))
    write_body(folder / "body.npz", cuffs(walk(72)))
    assert main(["motion", str(folder / "motion.npz"), "--to", "bvh,usda,analysis", "--bvh-unit", "cm"]) == 0
    said = capsys.readouterr().out
    assert "stride 1.30 m in 1.08 s, 111 steps a minute" in said and "1.20 m/s" in said and "wrote" in said
    assert {one.name for one in folder.iterdir()} == {
        "motion.npz", "body.npz", "motion.bvh", "motion.bvh.json", "motion.usda", "analysis.json", "analysis.svg",
    }  # fmt: skip
    text = (folder / "motion.usda").read_text()
    assert 'def SkelRoot "person_00"' in text and 'def Mesh "body"' in text
    back = read_bvh(folder / "motion.bvh")
    left = [one.joints[:, one.index("left_hand")] for one in (back, walk(72))]
    assert left[0] == pytest.approx(left[1], abs=1e-4)


def test_a_bvh_becomes_a_motion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_motion(tmp_path / "motion.npz", walk(72))
    main(["motion", str(tmp_path / "motion.npz"), "--to", "bvh", "--out", str(tmp_path / "out")])
    capsys.readouterr()
    assert main(["motion", str(tmp_path / "out" / "motion.bvh"), "--to", "npz", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["analysis"]["stride_m"] == pytest.approx(1.3, abs=0.01)
    assert read_motion(tmp_path / "out" / "motion.npz").joint_names[0] == "pelvis"


def test_what_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_motion(tmp_path / "motion.npz", walk(8))
    for words, says in (
        (["--to", "abc"], "no kind of motion file"),
        (["--to", "npz"], "would replace itself"),
        (["--to", "bvh", "--rotation-order", "XX"], "no rotation order"),
        (["--metres-per-unit", "0"], "not a length"),
    ):
        assert main(["motion", str(tmp_path / "motion.npz"), *words]) == 2
        assert says in capsys.readouterr().err
    assert main(["motion", str(tmp_path / "none.npz")]) == 1
