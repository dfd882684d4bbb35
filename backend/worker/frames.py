"""The reader of plate frames: `python -m backend.worker.frames --folder DIR --parent-pid N`, started by the
server.

It answers `frame {"shot", "frame"}` with `{"path"}`: an .npy file, uint8 [H,W,3] RGB, in DIR, which both
sides can map. DIR is a cache of limited size; its files are named by what they were made of.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import hashlib
import queue
import shutil
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from shared.codec import Request
from shared.errors import ArtifactMissing, BacklotError, InternalError
from shared.shot import ShotFolder

from . import lifeline
from .channel import Channel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..media.plate import PlateReader

_CACHE_BYTES = 512 * 1024 * 1024
_SHARE_OF_FREE = 0.25
_AHEAD = 3
_KEEP_AT_LEAST = 8
"""Files that stay whatever the limit: their paths have just been handed out."""


class FrameCache:
    """.npy files in `folder`, the least recently asked for removed first."""

    def __init__(self, folder: Path, limit_bytes: int = _CACHE_BYTES) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        # Memory-backed folders are small in containers: never take much of what is left.
        self._limit = min(limit_bytes, int(shutil.disk_usage(folder).free * _SHARE_OF_FREE))
        self._sizes: dict[str, int] = {}

    def find(self, name: str) -> Path | None:
        size = self._sizes.pop(name, None)
        path = self._folder / name
        if size is None or not path.is_file():
            return None
        self._sizes[name] = size
        return path

    def add(self, name: str, image: NDArray[np.uint8]) -> Path:
        """Writes an image; the file appears when it is whole. Raises `DiskFull`."""
        import numpy as np

        from ..pipeline.atomic import atomic_path

        self._make_room(image.nbytes)
        path = self._folder / name
        with atomic_path(path) as beside, beside.open("wb") as file:
            np.save(file, image, allow_pickle=False)
        self._sizes[name] = image.nbytes
        return path

    def _make_room(self, needed: int) -> None:
        while len(self._sizes) >= _KEEP_AT_LEAST and sum(self._sizes.values()) + needed > self._limit:
            oldest = next(iter(self._sizes))
            del self._sizes[oldest]
            # Where a mapped file cannot be removed it stays until the next start.
            with contextlib.suppress(OSError):
                (self._folder / oldest).unlink(missing_ok=True)


class FrameReader:
    """Plate frames of the shot asked for last. Between requests it makes the next ones ready, in the
    direction in which the viewer goes."""

    def __init__(self, cache: FrameCache) -> None:
        self._cache = cache
        self._plate: tuple[str, PlateReader] | None = None
        self._asked = ("", 0)
        self._expected: deque[int] = deque()

    def asked_for(self, shot_path: str, number: int) -> Path:
        """`frame`, for a viewer: what it will ask for next is expected from now on."""
        path = self.frame(shot_path, number)
        shot_before, before = self._asked
        step = -1 if shot_before == shot_path and number < before else 1
        self._asked = (shot_path, number)
        self._expected = deque(number + step * n for n in range(1, _AHEAD + 1))
        return path

    def prepare(self) -> bool:
        """Makes one expected frame ready; False when there is none left."""
        if not self._expected:
            return False
        try:
            self.frame(self._asked[0], self._expected.popleft())
        except (BacklotError, OSError):  # a viewer that asks for it will be told
            self._expected.clear()
        return True

    def frame(self, shot_path: str, number: int) -> Path:
        """The file of a frame. Raises `ArtifactMissing`, `ShotCorrupt`, `DiskFull`."""
        shot = ShotFolder(Path(shot_path))
        source = shot.frame_path(number)
        try:
            facts = source.stat()
        except FileNotFoundError as gone:
            raise ArtifactMissing(f"{shot_path} has no plate frame {number}.", "Run ingest on a clip first.") from gone
        identity = f"{source}\0{facts.st_size}\0{facts.st_mtime_ns}"
        name = hashlib.blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest() + ".npy"
        return self._cache.find(name) or self._cache.add(name, self._decode(shot, number))

    def _decode(self, shot: ShotFolder, number: int) -> NDArray[np.uint8]:
        plate = self._plate_of(shot)
        try:
            return plate.rgb(plate.numbers.index(number))
        except ValueError as unknown:
            raise ArtifactMissing(f"{shot.root} has no plate frame {number}.") from unknown

    def _plate_of(self, shot: ShotFolder) -> PlateReader:
        from ..media.plate import PlateReader

        identity = f"{shot.root}\0{shot.shot_json.stat().st_mtime_ns}\0{shot.frames_dir.stat().st_mtime_ns}"
        if self._plate is None or self._plate[0] != identity:
            if self._plate is not None:
                self._plate[1].close()
                self._plate = None
            self._plate = (identity, PlateReader(shot, use_masks=False, cache=4))
        return self._plate[1]


def answer(channel: Channel, reader: FrameReader, request: Request) -> None:
    """Answers one request, with an error where it must."""
    try:
        path = reader.asked_for(str(request.params["shot"]), int(request.params["frame"]))
    except BacklotError as error:
        channel.refuse(request.id, error)
    except FileNotFoundError as gone:
        channel.refuse(request.id, ArtifactMissing(f"{gone.filename} is missing.", "Run ingest on a clip first."))
    except Exception as error:  # the border of this process: a viewer's request must not end it
        faulthandler.dump_traceback()
        channel.refuse(request.id, InternalError(f"A plate frame could not be read: {error}"))
    else:
        channel.answer(request.id, {"path": str(path)})


def serve(channel: Channel, reader: FrameReader) -> None:
    """Answers requests until the server closes the channel."""
    requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()

    def listen() -> None:
        try:
            for message in channel.messages():
                if isinstance(message, Request):
                    requests.put(message)
        finally:
            requests.put(None)

    threading.Thread(target=listen, name="server", daemon=True).start()
    while (request := requests.get()) is not None:
        answer(channel, reader, request)
        while requests.empty() and reader.prepare():
            pass


def main() -> None:
    parser = argparse.ArgumentParser(prog="backend.worker.frames")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--parent-pid", type=int, required=True)
    arguments = parser.parse_args()
    faulthandler.enable()
    lifeline.follow(arguments.parent_pid)
    channel = Channel.take_standard()
    try:
        serve(channel, FrameReader(FrameCache(arguments.folder)))
    finally:
        shutil.rmtree(arguments.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
