"""Downloads from a server that stalls, cuts off, lies about lengths, changes its mind, and goes on where it was."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.weights import __main__ as program
from backend.weights.download import download
from backend.weights.fetch import delete
from backend.weights.folder import state_of
from backend.weights.models import MODELS
from shared.errors import EngineUnavailable

CONTENT = bytes(range(256)) * 8000  # two blocks
HALF = len(CONTENT) // 2


class _Server(http.server.ThreadingHTTPServer):
    """behaviour: "plain", "cut" (half, then closed), "stall" (half, then silence), "longer" and "shorter" than it says,
    "changed" (another version), "wrong" (another content than the hash it names), "sent-on" (to /file by a redirect
    that names the hash)."""

    daemon_threads = True
    behaviour = "plain"
    asked: list[str | None]
    let_go: threading.Event


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        return None

    def do_GET(self) -> None:
        server, how = self.server, self.server.behaviour
        digest = hashlib.sha256(CONTENT).hexdigest()
        if how == "sent-on" and self.path != "/file":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.send_header("X-Linked-ETag", f'"{digest}"')
            self.end_headers()
            return
        asked = self.headers.get("Range")
        server.asked.append(asked)
        version = '"second"' if how == "changed" else f'"{digest}"' if how in ("wrong", "longer") else '"first"'
        start = 0
        if asked and self.headers.get("If-Range") == version:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        body = (b"x" * len(CONTENT) if how in ("wrong", "sent-on") else CONTENT)[start:]
        said = len(body) + {"longer": -1000, "shorter": 1000}.get(how, 0)
        self.send_header("Content-Length", str(said))
        self.send_header("ETag", version)
        self.end_headers()
        self.wfile.write(body[: HALF if how in ("cut", "stall") else len(body)])
        self.wfile.flush()
        if how == "stall":
            server.let_go.wait(30.0)
        self.close_connection = True


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as made:
        made.asked, made.let_go = [], threading.Event()
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.let_go.set()
        made.shutdown()
        thread.join(5.0)


def address(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/weights"


@pytest.mark.parametrize("how", ["cut", "stall"])
def test_a_broken_download_goes_on_where_it_was(how: str, server: _Server, tmp_path: Path) -> None:
    place = tmp_path / "model.safetensors"
    server.behaviour = how
    with pytest.raises(EngineUnavailable, match="could not be fetched") as caught:
        download(address(server), place, stall_s=2.0)
    assert "goes on" in caught.value.remedy and not place.exists()
    server.behaviour = "plain"
    steps: list[tuple[int, int | None]] = []
    download(address(server), place, lambda done, total: steps.append((done, total)))
    assert server.asked == [None, f"bytes={HALF}-"] and place.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT)) and steps[0][0] > HALF
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_another_version_is_fetched_from_its_beginning(server: _Server, tmp_path: Path) -> None:
    server.behaviour = "cut"
    with pytest.raises(EngineUnavailable):
        download(address(server), tmp_path / "file")
    server.behaviour = "changed"
    download(address(server), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["wrong", "sent-on", "longer"])
def test_what_does_not_fit_its_hash_is_thrown_away(how: str, server: _Server, tmp_path: Path) -> None:
    server.behaviour = how
    with pytest.raises(EngineUnavailable, match="SHA-256"):
        download(address(server), tmp_path / "file")
    assert not any(tmp_path.iterdir())


def test_a_server_that_promises_more_than_it_sends(server: _Server, tmp_path: Path) -> None:
    server.behaviour = "shorter"
    with pytest.raises(EngineUnavailable, match="bytes arrived"):
        download(address(server), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_stop_keeps_what_arrived(server: _Server, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, _total: int | None) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        download(address(server), tmp_path / "file", stop)
    download(address(server), tmp_path / "file")
    assert server.asked[1] is not None and (tmp_path / "file").read_bytes() == CONTENT


def test_the_program_tells_other_programs(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address(server))
    known = MODELS[0]
    assert program.main(["--get", known.name, "--weights", str(tmp_path), "--json"]) == 0
    *progress, last = _lines(capsys)
    assert {one["file"] for one in progress} == set(known.files) and progress[-1]["done"] == len(CONTENT)
    (listed,) = [one for one in last["models"] if one["name"] == known.name]
    assert last["event"] == "done" and listed["ready"] and listed["bytes"] == len(CONTENT) * len(known.files)
    (tmp_path / known.name / "notes.txt").write_text("mine", encoding="utf-8")
    assert program.main(["--delete", known.name, "--weights", str(tmp_path), "--json"]) == 0
    assert not state_of(known, tmp_path).ready
    assert [path.name for path in (tmp_path / known.name).iterdir()] == ["notes.txt"]
    assert program.main(["--get", "nothing", "--json"]) == 1
    assert _lines(capsys)[-1]["code"] == "invalid-request"


def test_deleting_frees_what_was_left_of_downloads(tmp_path: Path) -> None:
    known = MODELS[0]
    (tmp_path / known.name).mkdir()
    (tmp_path / known.name / f"{known.files[0]}.partial").write_bytes(b"half")
    assert delete(known, tmp_path) == 4 and not (tmp_path / known.name).exists()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
