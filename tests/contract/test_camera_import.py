"""`camera.import` over the wire: another program's camera into a shot."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.artifacts import StageResult
from shared.camera_files import read_camera
from shared.errors import ArtifactMissing, FootageNotFound, InvalidRequest, MalformedMessage
from shared.import_messages import CameraImport
from shared.shot import ShotFolder
from shared.wire import pack, unpack
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.contract.wire_client import WireClient

CHAN = "1\t1.0\t2.0\t3.0\t0.0\t90.0\t0.0\t40.0\n2\t1.5\t2.0\t3.0\t0.0\t90.0\t0.0\t40.0\n"


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """A shot that has a plate and no camera."""
    write_shot(tmp_path / "shot", ShotPlan(count=3, points=10))
    folder = ShotFolder(tmp_path / "shot")
    for path in (folder.intrinsics, folder.extrinsics, folder.world, folder.cloud):
        path.unlink()
    (tmp_path / "nuke.chan").write_text(CHAN, encoding="utf-8")
    return tmp_path / "shot"


def test_a_camera_comes_in(any_backend: Path, shot: Path) -> None:
    wanted = CameraImport(str(shot), str(shot.parent / "nuke.chan"), frame_offset=1000, scale=2.0)
    with WireClient.of(any_backend) as client:
        result = unpack(StageResult, client.call("camera.import", **pack(wanted)))
        assert (result.stage, result.engine, result.facts["frames_solved"]) == ("solve", "imported", 2)
        first, second, third = read_camera(shot).extrinsics.frames
        assert third.state == "failed" and third.world_from_camera is None
        # Nuke's (1, 2, 3), y up, twice as large; turned about its y by 90 degrees it looks along Nuke's -x.
        matrix = first.world_from_camera
        assert matrix is not None and second.world_from_camera is not None
        assert [row[3] for row in matrix[:3]] == pytest.approx([2.0, -6.0, 4.0])
        assert [row[2] for row in matrix[:3]] == pytest.approx([-1.0, 0.0, 0.0], abs=1e-9)
        assert second.world_from_camera[0][3] == pytest.approx(3.0)
        with pytest.raises(InvalidRequest, match="camera already"):
            client.call("camera.import", **pack(wanted))


def test_what_cannot_be_imported_is_refused(any_backend: Path, shot: Path, tmp_path: Path) -> None:
    with WireClient.of(any_backend) as client:
        with pytest.raises(FootageNotFound):
            client.call("camera.import", shot=str(shot), file=str(tmp_path / "nothing.chan"))
        with pytest.raises(ArtifactMissing):
            client.call("camera.import", shot=str(tmp_path / "nowhere"), file=str(tmp_path / "nuke.chan"))
        (tmp_path / "camera.txt").write_text("", encoding="utf-8")
        with pytest.raises(InvalidRequest, match="not a camera file"):
            client.call("camera.import", shot=str(shot), file=str(tmp_path / "camera.txt"))
        with pytest.raises(MalformedMessage):
            client.call("camera.import", shot=str(shot))
        assert not ShotFolder(shot).extrinsics.exists()
