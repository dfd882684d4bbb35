"""The server's side of a question about a world, when its process misbehaves."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from backend.server import world_service
from backend.server.settings import Settings
from backend.server.world_service import WorldService
from backend.world import process
from shared.errors import ArtifactMissing, InternalError, InvalidRequest, RequestTimeout, UnknownMethod, from_wire
from shared.footage_messages import ProbeReply
from shared.wire import unpack
from tests.unit.media_clips import HEIGHT, WIDTH, numbered, write_video


def ask(home: Path, program: str) -> object:
    settings = Settings(home=home, world_command=(sys.executable, "-c", program))
    return asyncio.run(WorldService(settings).ask("world.suggest", {"shot": "/nowhere"}))


def test_a_dead_process_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(InternalError) as failed:
        ask(tmp_path, "import sys; sys.exit('it broke')")
    assert failed.value.details["output"] == ["it broke"]


def test_a_stuck_process_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world_service._LIMIT_S, "world.suggest", 0.5)
    with pytest.raises(RequestTimeout):
        ask(tmp_path, "import signal; signal.pause()" if sys.platform != "win32" else "input(); input()")


def test_what_it_answers_comes_back(tmp_path: Path) -> None:
    echo = "import json, sys; print(json.dumps({'result': json.load(sys.stdin)['params']['shot']}))"
    assert ask(tmp_path, echo) == "/nowhere"


def test_a_clip_is_probed_without_a_shot(tmp_path: Path) -> None:
    times = [0, 40, 80, 200, 240, 400, 440, 480]
    clip = write_video(tmp_path / "phone.mp4", [numbered(i) for i in range(8)], rotation=-90, pts=times)
    said = process.reply_to({"method": "clip.probe", "params": {"footage": str(clip)}})
    reply = unpack(ProbeReply, json.loads(json.dumps(said))["result"])
    assert (reply.facts.rotation, reply.facts.variable_rate) == (90, True)
    assert (reply.facts.width, reply.facts.height) == (HEIGHT, WIDTH)
    assert any("varies" in notice for notice in reply.notices)
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"method": "world.suggest", "params": {"shot": "/no/such/shot"}}, ArtifactMissing),
        ({"method": "world.suggest", "params": {"shot": "shot"}}, InvalidRequest),
        ({"method": "clip.probe", "params": {"footage": "clip.mov"}}, InvalidRequest),
        ({"method": "world.turn", "params": {"shot": "/shot"}}, UnknownMethod),
        ({}, InternalError),
    ],
)
def test_every_error_is_answered(question: dict[str, object], error: type[Exception]) -> None:
    said = process.reply_to(question)
    assert type(from_wire(json.loads(json.dumps(said))["error"])) is error
