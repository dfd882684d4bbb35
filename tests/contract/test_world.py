"""The world's methods over the wire, answered by the real server and by the fake one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.pipeline.shot_lock import shot_lock
from shared.camera_files import read_camera
from shared.errors import ArtifactMissing, InvalidRequest, MalformedMessage, ShotBusy, SolveError
from shared.shot import ShotFolder
from shared.similarity import move_point
from shared.wire import pack, unpack
from shared.world_messages import Pick, WorldReply, WorldRequest, WorldSuggestion
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.contract.backend_process import BackendProcess
from tests.contract.wire_client import WireClient


def change(client: WireClient, request: WorldRequest) -> WorldReply:
    return unpack(WorldReply, client.call("world.change", **pack(request)))


def test_a_client_sets_the_world(any_backend: Path, home: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    truth = write_shot(shot, ShotPlan(plate=False))
    origin = tuple(float(value) for value in truth.xyz[0])
    with WireClient.of(home) as client:
        request = WorldRequest(str(shot), revision=0, origin=Pick(xyz=origin), preview=True)
        assert not change(client, request).changed and read_camera(shot).world.revision == 0
        ends = (Pick(xyz=(0.0, 0.0, 0.0)), Pick(xyz=(0.0, 2.0, 0.0)))
        reply = change(
            client,
            WorldRequest(str(shot), revision=0, origin=Pick(xyz=origin), distance=5.0, distance_points=ends),
        )
        assert reply.changed and reply.revision == 1 and reply.units == "metres"
        camera = read_camera(shot)
        assert camera.world.world_from_solve == reply.world_from_solve
        with np.load(ShotFolder(shot).cloud) as cloud:
            assert np.allclose(cloud["xyz"][1], move_point(reply.by, tuple(truth.xyz[1].tolist())), atol=1e-6)
        with pytest.raises(InvalidRequest, match="revision 0"):
            change(client, request)
        assert change(client, WorldRequest(str(shot), reset=True)).revision == 2
        again = change(
            client, WorldRequest(str(shot), world_from_solve=reply.world_from_solve, scale_source="two-points")
        )
        assert again.units == "metres" and again.by.scale == pytest.approx(reply.by.scale)


def test_a_shot_at_work_is_left_alone(real: BackendProcess, home: Path, tmp_path: Path) -> None:
    write_shot(tmp_path / "shot", ShotPlan(plate=False, points=30))
    with WireClient.of(home) as client, shot_lock(ShotFolder(tmp_path / "shot")), pytest.raises(ShotBusy):
        change(client, WorldRequest(str(tmp_path / "shot"), reset=True))


def test_what_cannot_be_is_refused(any_backend: Path, home: Path, tmp_path: Path) -> None:
    write_shot(tmp_path / "shot", ShotPlan(plate=False, points=30))
    shot = str(tmp_path / "shot")
    with WireClient.of(home) as client:
        with pytest.raises(MalformedMessage):
            client.call("world.change", shot=shot, origin="here")
        with pytest.raises(InvalidRequest, match="Nothing was said"):
            change(client, WorldRequest(shot))
        with pytest.raises(InvalidRequest, match="absolute"):
            change(client, WorldRequest("shot", reset=True))
        with pytest.raises(ArtifactMissing):
            change(client, WorldRequest(str(tmp_path / "nowhere"), reset=True))
        with pytest.raises(SolveError, match="not found"):
            change(client, WorldRequest(shot, auto_ground=True))
        assert not (tmp_path / "nowhere").exists()


def test_a_client_asks_where_the_ground_is(any_backend: Path, home: Path, tmp_path: Path) -> None:
    write_shot(tmp_path / "shot", ShotPlan(plate=False))
    with WireClient.of(home) as client:
        found = unpack(WorldSuggestion, client.call("world.suggest", shot=str(tmp_path / "shot")))
        assert found.found and found.tilt_deg < 1.0 and found.evidence
        assert client.call("ping") == {}
