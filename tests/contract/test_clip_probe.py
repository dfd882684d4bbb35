"""`clip.probe` over the wire: what is known of a clip before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import FootageNotFound, MalformedMessage
from tests.contract.wire_client import WireClient


def test_a_clip_that_is_not_there_is_named(client: WireClient, tmp_path: Path) -> None:
    with pytest.raises(FootageNotFound, match=r"no clip at .*gone\.mov"):
        client.call("clip.probe", footage=str(tmp_path / "gone.mov"))
    with pytest.raises(MalformedMessage):
        client.call("clip.probe")
