"""Starts the worker that runs MediaPipe, and asks it about pictures."""

from __future__ import annotations

import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO, Any

import cv2
import numpy as np

from backend.worker.lifeline import tethered
from shared.codec import Decoder, Message, Notification, Request, Response, encode
from shared.errors import MalformedMessage, MessageTooLarge, WorkerCrashed, from_wire

from .environment import SOURCE, mocap_python
from .evidence import LONGEST_SIDE, Look, PersonEvidence, Picture, Region

_POLL_S = 0.1
_READ_BYTES = 64 * 1024
_GRACE_S = 5.0
_LAST_LINES = 8


class PeopleWorker:
    """A context manager. One thread asks; it must be the one that made the worker. check_cancelled: called while the
    worker is busy, and stops by raising."""

    def __init__(self, check_cancelled: Callable[[], None] = lambda: None) -> None:
        """Starts the process. Raises `EngineUnavailable`, `WorkerCrashed`."""
        self._check = check_cancelled
        self._number = 0
        self._version = ""
        self._came: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        command = tethered(_command())
        try:
            self._process = subprocess.Popen(
                command, cwd=SOURCE, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
            )
        except OSError as error:
            self._log.close()
            raise WorkerCrashed(f"{command[0]} could not be started: {error.strerror or error}.") from error
        threading.Thread(target=self._listen, name="people", daemon=True).start()
        try:
            self._wait_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PeopleWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        if self._process.poll() is None and not self._process.stdin.closed:
            self._process.kill()  # it holds nothing that could be lost
        self._process.wait(_GRACE_S)
        self._process.stdin.close()
        self._log.close()

    def find(self, picture: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]:
        """The people in a picture that `travelling` made; see evidence.py. Raises `WorkerCrashed`."""
        params = {"near": [list(region) for region in near], "search": search}
        answer = self._ask("people.find", picture, params)
        return [PersonEvidence.from_wire(person) for person in answer["people"]]

    def look(
        self, picture: Picture, part: str, regions: Sequence[Region], mirrored: Sequence[bool]
    ) -> list[Look | None]:
        """What the landmark network of a part (`evidence.PARTS`) says of regions of a picture, None where it sees no
        such part. Raises `WorkerCrashed`."""
        params = {"part": part, "regions": [list(region) for region in regions], "mirrored": list(mirrored)}
        answer = self._ask("people.look", picture, params)
        return [None if plain is None else Look.from_wire(plain) for plain in answer["looks"]]

    @property
    def version(self) -> str:
        """MediaPipe's."""
        return self._version

    def _ask(self, method: str, picture: Picture, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        height, width = picture.shape[:2]
        pixels = np.ascontiguousarray(picture).tobytes()
        self._send(Request(self._number, method, {"width": width, "height": height, "pixels": pixels, **params}))
        answer = self._receive()
        if not isinstance(answer, Response) or answer.id != self._number:
            raise WorkerCrashed(f"The people worker answered something else than was asked: {type(answer).__name__}.")
        if answer.error is not None:
            raise from_wire(answer.error)
        result: dict[str, Any] = answer.result
        return result

    def _wait_ready(self) -> None:
        ready = self._receive()
        if not isinstance(ready, Notification) or ready.method != "people.ready":
            raise WorkerCrashed("The people worker did not say that it is ready.")
        self._version = str(ready.params["mediapipe"])

    def _send(self, message: Message) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode(message))
            self._process.stdin.flush()
        except OSError as gone:
            raise self._crashed() from gone

    def _receive(self) -> Message:
        while True:
            try:
                message = self._came.get(timeout=_POLL_S)
            except queue.Empty:
                self._check()
                continue
            if message is None:
                raise self._crashed()
            return message

    def _listen(self) -> None:
        """On a thread of its own, so that a cancel is heard while the worker works. None ends the stream."""
        assert self._process.stdout is not None
        decoder = Decoder()
        try:
            with self._process.stdout as pipe:
                while data := os.read(pipe.fileno(), _READ_BYTES):
                    for message in decoder.feed(data):
                        self._came.put(message)
        except (MalformedMessage, MessageTooLarge, OSError):
            self._process.kill()
        finally:
            self._came.put(None)

    def _crashed(self) -> WorkerCrashed:
        code = self._process.wait(_GRACE_S)
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
        last = f" Its last words: {said[-1]}" if said else ""
        return WorkerCrashed(f"The people worker (MediaPipe) ended with code {code}.{last}", log="\n".join(said))


def _command() -> list[str]:
    return [str(mocap_python()), "-m", "backend.roto.people.worker"]


def travelling(picture: Picture) -> tuple[Picture, float]:
    """The picture as it is sent, and how much smaller it is (1 or less)."""
    height, width = picture.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    if scale == 1.0:
        return picture, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _environment() -> dict[str, str]:
    """Without the Python settings of this environment. The networks are small: more threads only get in each
    other's way."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "PYTHONPATH": str(SOURCE), "GLOG_minloglevel": "2", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
