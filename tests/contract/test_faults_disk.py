"""Disks that are full or may not be written to. Real ones: small memory file systems, mounted in a name space
of their own, in which the server runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import BacklotError, DiskFull, from_wire
from shared.messages import DONE, FAILED, JobRequest, JobStatus
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, write_prompts
from shared.shot import ShotFolder
from tests.contract.backend_process import SCRIPTED, BackendProcess
from tests.contract.clips import noise, travelling, write_clip
from tests.contract.conftest import open_gate, scripted_job

LIMIT_S = 120.0


def _may_mount() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return any(subprocess.run(words, capture_output=True).returncode == 0 for words in (probe, [probe[0], *probe[3:]]))


pytestmark = pytest.mark.skipif(not _may_mount(), reason="this computer does not let tests mount a file system")

_SERVER = """
import os, subprocess, sys
mounts, rest = sys.argv[1].split("|"), sys.argv[2:]
for mount in mounts:
    subprocess.run(["mount", "-t", "tmpfs", *mount.split("&")], check=True)
os.execv(sys.executable, [sys.executable, "-m", "backend", "serve", *rest])
"""
"""Mounts what it is told and becomes the server."""


class BackendWithMounts(BackendProcess):
    """A server that alone sees memory file systems mounted at some folders: {folder: mount options}."""

    def __init__(self, home: Path, mounts: dict[Path, str]) -> None:
        super().__init__(home, ("-c", _SERVER, "|".join(f"-o&{how}&none&{where}" for where, how in mounts.items())))
        private = ["unshare", "--mount"]
        if subprocess.run([*private, "true"], capture_output=True).returncode != 0:
            private += ["--user", "--map-root-user"]
        self._command = [*private, *self._command]

    def inside(self, folder: Path) -> Path:
        """The folder as the server sees it."""
        return Path(f"/proc/{self.pid}/root{folder}")


def ingest(shot: Path, footage: Path) -> JobRequest:
    return JobRequest(str(shot), str(footage), ("ingest",))


def error_of(status: JobStatus) -> BacklotError:
    assert status.state == FAILED and status.error is not None, status
    return from_wire(status.error)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_read_only_shot_folder(home: Path, tmp_path: Path) -> None:
    shots = tmp_path / "read only"
    shots.mkdir()
    clip = write_clip(tmp_path / "clip.mp4", travelling(3))
    with BackendWithMounts(home, {shots: "ro"}) as backend, backend.client() as client:
        error = error_of(client.run(ingest(shots / "shot", clip), LIMIT_S))
        assert error.code == "shot-read-only" and error.remedy
        assert files_in(backend.inside(shots)) == []
        assert client.run(ingest(tmp_path / "writable", clip), LIMIT_S).state == DONE


def test_a_full_disk_and_then_space(home: Path, tmp_path: Path) -> None:
    shots = tmp_path / "small"
    shots.mkdir()
    clip = write_clip(tmp_path / "clip.mp4", noise(30))
    with BackendWithMounts(home, {shots: "size=2m"}) as backend, backend.client() as client:
        error = error_of(client.run(ingest(shots / "shot", clip), LIMIT_S))
        assert (
            error.code == "disk-full" and str(shots) in error.message and "continues where it stopped" in error.remedy
        )
        assert "more is needed" in error.message and error.details["needed_bytes"] > 1_000_000
        seen = backend.inside(shots)
        assert not [path for path in files_in(seen) if "partial" in path.name]
        frames = sorted(path.name for path in (seen / "shot" / "source" / "frames").glob("*.png"))
        assert len(frames) < 30
        enter = ["nsenter", f"--mount=/proc/{backend.pid}/ns/mnt", "mount", "-o", "remount,size=64m", str(shots)]
        if subprocess.run(enter, capture_output=True).returncode == 0:
            assert client.run(ingest(shots / "shot", clip), LIMIT_S).state == DONE
            assert len(list((seen / "shot" / "source" / "frames").glob("*.png"))) == 30


def test_a_disk_that_fills_up_while_objects_are_followed(home: Path, tmp_path: Path) -> None:
    shots = tmp_path / "small"
    shots.mkdir()
    clip = write_clip(tmp_path / "clip.mp4", travelling(8, step=0.03))
    roto = JobRequest(str(shots / "shot"), str(clip), ("roto",), {"roto": {"engine": "flow"}})
    with BackendWithMounts(home, {shots: "size=16m"}) as backend, backend.client() as client:
        assert client.run(ingest(shots / "shot", clip), LIMIT_S).state == DONE
        seen = backend.inside(shots) / "shot"
        box = FramePrompt(boxes=((200.0, 30.0, 290.0, 120.0),))
        write_prompts(ShotFolder(seen), RotoPrompts(labels={"card": LabelPrompts(frames={"1": box})}))
        filler = seen.parent / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(4096))
        os.truncate(filler, filler.stat().st_size - 8 * 4096)
        error = error_of(client.run(roto, LIMIT_S))
        assert error.code == "disk-full" and error.remedy
        assert not [path for path in files_in(seen) if "partial" in path.name]
        assert not (seen / "roto/card").exists() and not (seen / "roto/report.json").exists()
        filler.unlink()
        assert client.run(roto, LIMIT_S).state == DONE
        assert len(list((seen / "roto/card").glob("*.png"))) == 8


@pytest.fixture
def small_home(home: Path) -> Iterator[Path]:
    """A home folder on a disk of its own, of 1 MB."""
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", home], capture_output=True).returncode != 0:
        pytest.skip("mounting where the test sees it too needs an administrator")
    yield home
    subprocess.run(["umount", "--lazy", home], check=True)


def test_a_full_disk_under_the_servers_own_folder(small_home: Path, tmp_path: Path) -> None:
    """A job that cannot be remembered is refused; one that runs goes on to its end; the server lives."""
    filler = small_home / "filler"
    with BackendProcess(small_home, SCRIPTED) as backend, backend.client() as client:
        client.watch()
        shot = tmp_path / "shot"
        running = client.submit(scripted_job("gate", str(shot)))
        client.wait(running.id, "progress")
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(512))
        with pytest.raises(DiskFull, match=str(small_home)):
            for _ in range(50):  # what SQLite has room for within its file still goes
                client.submit(scripted_job("quick", "/shots/other"))
        open_gate(shot)
        assert client.wait(running.id, DONE).status.state == DONE
        filler.unlink()
        assert client.run(scripted_job("quick", "/shots/later")).state == DONE
