"""Dataclasses as plain values, and back, strictly."""

import pytest

from shared.artifacts import Artifact, StageResult
from shared.errors import MalformedMessage
from shared.messages import JobRequest, JobStatus, Progress
from shared.wire import pack, unpack


def test_a_whole_job_comes_back_equal() -> None:
    status = JobStatus(
        id="a1",
        state="done",
        request=JobRequest("/shots/a", "/clips/a.mp4", params={"solve": {"quality": "low", "focal_mm": None}}),
        progress=Progress("solve", 3, 9, 1003, 2.5, 2.4, 0.5),
        ended=12.5,
        results=(StageResult("solve", "sfm", 1, {"points": 5}, (Artifact("cloud", "camera/points.npz", (1, 9), 4),)),),
        notices=("a", "b"),
    )
    assert unpack(JobStatus, pack(status)) == status


def test_integers_are_accepted_as_floats_but_not_the_reverse() -> None:
    assert unpack(Progress, {"rate": 2}).rate == 2.0
    with pytest.raises(MalformedMessage, match=r"Progress\.done should be int"):
        unpack(Progress, {"done": 2.0})
    with pytest.raises(MalformedMessage, match=r"Progress\.done should be int"):
        unpack(Progress, {"done": True})


def test_the_message_names_the_place() -> None:
    with pytest.raises(MalformedMessage, match=r"JobRequest\.stages\[1\] should be str"):
        unpack(JobRequest, {"shot": "/a", "stages": ["ingest", 4]})
    with pytest.raises(MalformedMessage, match="JobRequest lacks shot"):
        unpack(JobRequest, {})
    with pytest.raises(MalformedMessage, match="should be a map"):
        unpack(JobRequest, [1])
    with pytest.raises(MalformedMessage, match="should have 2 items"):
        unpack(Artifact, {"kind": "x", "path": "y", "frames": [1, 2, 3]})


def test_fields_of_a_newer_version_are_left_out() -> None:
    assert unpack(Progress, {"done": 4, "of_tomorrow": [1]}) == Progress(done=4)
