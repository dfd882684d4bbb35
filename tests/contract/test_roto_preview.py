"""Previews of masks over the wire, answered by the real server and by the fake one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.codec import Response
from shared.errors import (
    ArtifactMissing,
    BacklotError,
    InvalidRequest,
    MalformedMessage,
    Superseded,
    WorkerCrashed,
    from_wire,
)
from shared.roto_messages import PreviewReply, PreviewRequest, packed_rows
from shared.roto_prompts import FramePrompt
from shared.wire import pack, unpack
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.contract.backend_process import BackendProcess, wait_ended
from tests.contract.wire_client import WireClient

FRAME = 1001
BOX = (96.0, 40.0, 224.0, 140.0)


@pytest.fixture
def shot(tmp_path: Path) -> str:
    write_shot(tmp_path / "shot", ShotPlan(count=2))
    return str(tmp_path / "shot")


@pytest.fixture
def caller(any_backend: Path) -> Iterator[WireClient]:
    with WireClient.of(any_backend) as client:
        yield client


def asked(shot: str, prompts: FramePrompt, session: str = "window", **changes: Any) -> dict[str, Any]:
    params = pack(PreviewRequest(shot, FRAME, "car", prompts, session))
    return {**params, **changes}


def mask_of(reply: PreviewReply) -> np.ndarray:
    rows = np.frombuffer(packed_rows(reply), np.uint8).reshape(reply.height, -1)
    return np.unpackbits(rows, axis=1, count=reply.width).astype(bool)


def test_a_click_gives_a_mask_of_the_plates_size(caller: WireClient, shot: str) -> None:
    prompt = FramePrompt(include=((160.5, 90.5),), exclude=((5.5, 5.5),), boxes=(BOX,))
    reply = unpack(PreviewReply, caller.call("roto.preview", **asked(shot, prompt)))
    assert (reply.frame, reply.width, reply.height) == (FRAME, 320, 180) and reply.seconds >= 0
    mask = mask_of(reply)
    assert mask.shape == (180, 320) and mask[90, 160] and not mask[5, 5]
    assert not mask[:30].any() and not mask[150:].any(), "outside of the box is not the object"


def test_of_one_session_the_newest_counts(caller: WireClient, shot: str) -> None:
    prompts = [FramePrompt(include=((x, 90.0),), boxes=(BOX,)) for x in (120.0, 140.0, 160.0, 180.0)]
    numbers = [caller.post("roto.preview", **asked(shot, prompt)) for prompt in prompts]
    other = caller.post("roto.preview", **asked(shot, prompts[0], session="another window"))
    answers: dict[int, Response] = {}
    while len(answers) < len(numbers) + 1:
        answer = caller.response()
        answers[answer.id] = answer
    for older in numbers[:-1]:
        error = answers[older].error
        assert error is None or isinstance(from_wire(error), Superseded)
    assert mask_of(unpack(PreviewReply, answers[numbers[-1]].result))[90, 180]
    assert answers[other].error is None, "sessions do not end each other's"


@pytest.mark.parametrize(
    ("prompt", "changes", "kind", "words"),
    [
        (FramePrompt(include=((500.0, 20.0),)), {}, InvalidRequest, "car.*outside of the picture.*frame 1001"),
        (FramePrompt(exclude=((50.0, 20.0),)), {}, InvalidRequest, "car.*where it is.*frame 1001"),
        (FramePrompt(boxes=((9.0, 9.0, 9.0, 20.0),)), {}, InvalidRequest, "boxes"),
        (FramePrompt(boxes=(BOX,)), {"frame": 77}, ArtifactMissing, "no plate frame 77"),
        (FramePrompt(boxes=(BOX,)), {"label": "../car"}, InvalidRequest, "cannot be a label"),
        (FramePrompt(boxes=(BOX,)), {"session": ""}, InvalidRequest, "session"),
        (FramePrompt(boxes=(BOX,)), {"frame": "first"}, MalformedMessage, "frame"),
    ],
)
def test_what_cannot_be_is_refused(
    caller: WireClient, shot: str, prompt: FramePrompt, changes: dict[str, Any], kind: type[BacklotError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        caller.call("roto.preview", **asked(shot, prompt, **changes))


def test_the_previewer_comes_back(real: BackendProcess, home: Path, shot: str) -> None:
    """Its end is one failed preview; the next one starts it again. The server itself loads no picture library."""
    prompt = FramePrompt(boxes=(BOX,))
    with WireClient.of(home) as client:
        before = unpack(PreviewReply, client.call("roto.preview", **asked(shot, prompt)))
        previewer = next(child for child in real.children() if "backend.roto.cut.process" in child.cmdline())
        previewer.kill()
        assert not wait_ended([previewer])
        with contextlib.suppress(WorkerCrashed):  # the server may not have heard of the end yet
            client.call("roto.preview", **asked(shot, prompt))
        after = unpack(PreviewReply, client.call("roto.preview", **asked(shot, prompt)))
    assert after.mask == before.mask, "the same hints give the same mask"


def test_a_reply_that_lies_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="320 x 180"):
        packed_rows(PreviewReply(1, 320, 180, b"x\x9c\x03\x00\x00\x00\x00\x01", 0.0))
    with pytest.raises(MalformedMessage, match="unpacked"):
        packed_rows(PreviewReply(1, 320, 180, b"????", 0.0))
