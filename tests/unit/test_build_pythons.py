"""A Python for the backend: found where others put them, chosen, or fetched from a server that breaks off."""

from __future__ import annotations

import errno
import hashlib
import http.server
import io
import shlex
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from build_steps import environments, fetched_python, layout, python_places, pythons, set_up
from build_steps.layout import BuildError

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


class _Server(http.server.ThreadingHTTPServer):
    """content: of the one file that it has. cuts: so many answers break off in their middle. asked: from where."""

    daemon_threads = True
    content = b""
    cuts = 0
    asked: list[int]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        return None

    def do_GET(self) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.server.asked.append(start)
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"first"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        is_cut = self.server.cuts > 0
        self.server.cuts -= 1
        self.wfile.write(body[: len(body) // 2] if is_cut else body)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    """Has the archive of a Python, which is a program that calls this one; the computer is one that it is for."""
    made = _Server(("127.0.0.1", 0), _Handler)
    made.asked = []
    made.content = _archive()
    monkeypatch.setattr(fetched_python, "_HASHES", dict.fromkeys(fetched_python._HASHES, _sha256(made.content)))
    monkeypatch.setenv(fetched_python.MIRROR_VARIABLE, f"http://127.0.0.1:{made.server_address[1]}/")
    monkeypatch.setattr(layout, "home", lambda: tmp_path / "Heim für Backlot 影")
    monkeypatch.setattr(fetched_python, "platform", SimpleNamespace(machine=lambda: "x86_64"))
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def _archive() -> bytes:
    text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n# {"x" * 4000}\n'.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("python/bin/python3.11")
        entry.size, entry.mode = len(text), 0o755
        tar.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the archive's program is a shell script")


@needs_shell
def test_a_download_that_breaks_off_is_gone_on_with_and_the_python_is_found(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cuts = 1
    said: list[str] = []
    with pytest.raises(BuildError, match="goes on where it broke off"):
        fetched_python.fetch(said.append)
    assert not fetched_python.interpreter().exists()
    found = fetched_python.fetch(said.append)
    assert server.asked == [0, len(server.content) // 2] and f"Unpacking Python {fetched_python.VERSION}" in said
    assert [path.name for path in fetched_python.folder().parent.iterdir()] == [f"cpython-{fetched_python.VERSION}"]
    assert fetched_python.fetch(said.append) == found and len(server.asked) == 2
    monkeypatch.setattr(pythons, "is_blenders", lambda path: False)
    monkeypatch.setattr(pythons.shutil, "which", lambda name: None)
    monkeypatch.setattr(python_places, "usual", lambda version: iter(()))
    monkeypatch.setattr(pythons, "sys", SimpleNamespace(executable="/nowhere/python"))
    assert pythons.find((HERE,), "The backend") == Path(sys.executable)


@needs_shell
def test_one_that_lost_its_program_is_fetched_anew(server: _Server) -> None:
    (fetched_python.folder() / "lib").mkdir(parents=True)
    assert fetched_python.fetch(lambda text: None).is_file()
    assert not (fetched_python.folder() / "lib").exists()


@needs_shell
def test_one_that_does_not_run_here_says_so_and_a_full_disk_something_else(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    server.content = _archive()
    monkeypatch.setattr(fetched_python, "_HASHES", dict.fromkeys(fetched_python._HASHES, _sha256(server.content)))
    with pytest.raises(BuildError, match="does not run on this computer"):
        fetched_python.fetch(lambda text: None)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", full)
    with pytest.raises(BuildError, match=r"could not be unpacked into .*No space left.*Make room"):
        fetched_python.fetch(lambda text: None)
    assert not fetched_python.folder().exists()


@needs_shell
def test_an_archive_that_was_brought_by_hand_is_taken(server: _Server) -> None:
    packed = fetched_python.folder().parent / fetched_python.archive().name
    packed.parent.mkdir(parents=True)
    packed.write_bytes(server.content)
    assert fetched_python.fetch(lambda text: None).is_file() and server.asked == []


def test_another_content_than_the_one_that_was_published_is_thrown_away(server: _Server) -> None:
    server.content = server.content[:-1] + b"x"
    with pytest.raises(BuildError, match="SHA-256"):
        fetched_python.fetch(lambda text: None)
    assert list(fetched_python.folder().parent.iterdir()) == []


def test_a_computer_that_there_is_none_for_says_so(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_python, "platform", SimpleNamespace(machine=lambda: "riscv64"))
    with pytest.raises(BuildError, match="riscv64"):
        fetched_python.fetch(lambda text: None)


def test_every_archive_is_named_with_a_whole_hash() -> None:
    assert all(len(value) == 64 and int(value, 16) for value in fetched_python._HASHES.values())
    assert len(set(fetched_python._HASHES.values())) == len(fetched_python._HASHES) == 5


def test_the_set_up_fetches_one_only_when_it_may_and_none_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def none(*_: object, **__: object) -> Path:
        raise pythons.NoPython("none was found")

    def made(watch: Any) -> Path:
        fetched.append("python")
        raise BuildError("no route to host")

    monkeypatch.setattr(fetched_python, "fetch", made)
    monkeypatch.setattr(set_up, "_require_room", lambda plans: None)
    monkeypatch.setattr(environments, "is_ready", lambda plan: False)
    monkeypatch.setattr(pythons, "find", none)
    said: list[dict[str, object]] = []
    monkeypatch.setattr(set_up, "_tell", lambda event, **facts: said.append({"event": event, **facts}))
    monkeypatch.setattr(environments, "replace_safely", none)
    assert set_up.run((), lean=True, offline=None) == 1 and fetched == []
    assert set_up.run((), lean=True, offline=None, fetch_python=True) == 1 and fetched == ["python"]
    assert [(one["code"], one["message"]) for one in said] == [
        ("no-python", "none was found"),
        ("no-python", "no route to host"),
    ]


@pytest.mark.parametrize(
    ("place", "variable", "value"),
    [
        (".pyenv/versions/3.11.{n}/bin/python", "PYENV_ROOT", ".pyenv"),
        (".local/share/uv/python/cpython-3.11.{n}-linux-x86_64-gnu/bin/python3.11", "", ""),
        (".asdf/installs/python/3.11.{n}/bin/python", "", ""),
        ("miniforge3/envs/solve{n}/bin/python3.11", "", ""),
        ("my conda/envs/solve{n}/bin/python3.11", "CONDA_EXE", "my conda/bin/conda"),
    ],
)
@needs_shell
def test_they_are_found_where_their_programs_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, variable: str, value: str
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "CONDA_EXE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / value))
    for number in (9, 10):
        path = tmp_path / place.format(n=number)
        path.parent.mkdir(parents=True)
        path.touch()
    found = [path for path in python_places.usual("3.11") if tmp_path in path.parents and path.is_file()]
    assert found[0] == tmp_path / place.format(n=10) or "envs" in place
    assert {path.name for path in found} == {Path(place).name} and len(found) == 2


def test_the_registry_is_asked_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Key(SimpleNamespace):
        def __enter__(self) -> Key:
            return self

        def __exit__(self, *_: object) -> None:
            return None

    def opened(root: str, place: str) -> Key:
        if root == "machine":
            raise FileNotFoundError(place)
        return Key(place=place)

    stub = SimpleNamespace(
        HKEY_CURRENT_USER="user",
        HKEY_LOCAL_MACHINE="machine",
        OpenKey=opened,
        QueryValueEx=lambda key, name: (str(tmp_path / key.place.split("\\")[-2]), 1),
    )
    monkeypatch.setitem(sys.modules, "winreg", stub)
    assert list(python_places._registered("3.12")) == [tmp_path / "3.12" / "python.exe"]


def test_a_chosen_program_is_refused_with_why(tmp_path: Path) -> None:
    pythons.require(Path(sys.executable), (HERE,), "The backend")
    with pytest.raises(pythons.NoPython, match=f"is {HERE}"):
        pythons.require(Path(sys.executable), ("2.7",), "The backend")
    with pytest.raises(pythons.NoPython, match="is no Python"):
        pythons.require(tmp_path / "nothing", (HERE,), "The backend")


def test_an_upgrade_that_was_broken_off_between_its_renames_has_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".venv"
    folder.with_name(".venv.old").mkdir()
    plan = environments.Plan(folder, (HERE,), (), "The backend")
    monkeypatch.setattr(environments, "is_ready", lambda plan: True)
    assert environments.replace_safely(plan) == layout.environment_python(folder)
    assert [path.name for path in tmp_path.iterdir()] == [".venv"]
