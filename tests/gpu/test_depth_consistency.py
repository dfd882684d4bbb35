"""The consistency step on a real GPU: the same maps as on the processor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this computer"),
]

from backend.depth.consistency.settings import ConsistencySettings  # noqa: E402  (torch is asked for first)
from backend.depth.consistency.stream import consistent  # noqa: E402
from backend.depth.frame import FrameDepth  # noqa: E402
from backend.mvs.views import View  # noqa: E402
from tests.unit.depth_scene import Room, stereo_like  # noqa: E402

ROOM = Room(frames=5)


def _made(device: str, half: bool) -> list[FrameDepth]:
    def view(index: int) -> View:
        one = ROOM.view(index)
        return replace(one, gray=one.gray.to(device), usable=one.usable.to(device))

    settings = ConsistencySettings(reach=2, half_resolution=half)
    return list(
        consistent(ROOM.poses(), lambda i: stereo_like(ROOM.truth(i), i + 1), view, lambda _: None, settings)
    )  # fmt: skip


@pytest.mark.parametrize("half", [False, True])
def test_the_gpu_makes_what_the_processor_makes(half: bool) -> None:
    for ours, theirs in zip(_made("cuda:0", half), _made("cpu", half), strict=True):
        assert (np.abs(ours.depth - theirs.depth) < 1e-3 * theirs.depth).mean() > 0.99
        assert (np.abs(ours.confidence - theirs.confidence) < 0.01).mean() > 0.99
