"""The weights manager against the backend's own program and a hub on this computer."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.installed import CHECKOUT
from tests.blender.real_backend import VARIABLE
from tests.blender.waiting import until

FREE, GATED = "depth-anything-v2-small", "depth-anything-v2-large"


class _Hub(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        return None


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "hub"
    for repository in ("Depth-Anything-V2-Small-hf", "Depth-Anything-V2-Large-hf"):
        place = folder / "depth-anything" / repository / "resolve" / "main"
        place.mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
            (place / name).write_bytes(name.encode() * 1000)
    handler = functools.partial(_Hub, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        yield folder
        server.shutdown()
        thread.join(5.0)


@pytest.fixture
def manager(empty: None, tmp_path: Path) -> Iterator[Any]:
    from bl_ext.user_default.backlot.session import Session
    from bl_ext.user_default.backlot.weights.manager import WeightsManager

    session = Session(tmp_path / "home")
    made = WeightsManager(session)
    yield made
    made.close()
    session.close()


def program(tmp_path: Path) -> Any:
    from bl_ext.user_default.backlot.weights.manager import Program

    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(f"{VARIABLE} names no Python for the backend")
    return Program(Path(python), CHECKOUT, str(tmp_path / "weights of mine"))


def row(manager: Any, name: str) -> Any:
    return next(one for one in manager.models if one.name == name)


def test_models_are_listed_fetched_and_deleted(manager: Any, hub: Path, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.shared.errors import InvalidRequest

    runs = program(tmp_path)
    manager.wish(runs)
    until(manager, lambda: manager.models is not None and not manager.busy)
    assert manager.folder == runs.weights and len(manager.models) > 10
    assert not row(manager, FREE).ready and not row(manager, GATED).commercial
    manager.fetch(FREE, runs, accept_licence=False)
    assert manager.fetching == FREE
    with pytest.raises(InvalidRequest, match="on its way"):
        manager.fetch(GATED, runs, accept_licence=True)
    until(manager, lambda: not manager.busy)
    assert manager.error is None and row(manager, FREE).ready and row(manager, FREE).bytes > 1000
    manager.fetch(GATED, runs, accept_licence=False)
    until(manager, lambda: not manager.busy)
    assert manager.error.code == "engine-unavailable" and not row(manager, GATED).ready
    manager.delete(FREE, runs)
    until(manager, lambda: not manager.busy)
    assert manager.error is None and not row(manager, FREE).ready


def test_without_a_backend_it_says_so(manager: Any) -> None:
    from bl_ext.user_default.backlot.weights.manager import Program

    manager.wish(Program())
    until(manager, lambda: manager.error is not None)
    assert "Set Up Backend" in manager.error.remedy and not manager.busy


def test_the_preferences_speak_for_every_stage_with_networks(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import preferences
    from bl_ext.user_default.backlot.requests import depth_request

    settings, chosen = bpy.context.scene.backlot, preferences.current()
    settings.folder = str(tmp_path)
    assert depth_request(bpy.context.scene).params["depth"] == {}
    chosen.weights, chosen.commercial_safe = str(tmp_path / "mine"), False
    try:
        params = depth_request(bpy.context.scene).params["depth"]
        assert params == {"weights": str(tmp_path / "mine"), "allow_non_commercial": True}
        settings.depth.weights = "/of/this/scene"
        assert depth_request(bpy.context.scene).params["depth"]["weights"] == "/of/this/scene"
    finally:
        chosen.weights, chosen.commercial_safe = "", True
