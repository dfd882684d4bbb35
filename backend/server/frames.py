"""Plate frames for viewers: asked of a light process that stays warm, answered with a file to map."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest

from .helper import Helper
from .settings import Settings

_ANSWER_LIMIT_S = 30.0


class FrameService:
    """Asks the process of `backend/worker/frames.py`."""

    def __init__(self, settings: Settings) -> None:
        command = (*settings.frames_command, "--folder", str(preview_folder(settings.home)))
        self._helper = Helper(settings, "frames", "reads plate frames", command)

    async def frame(self, shot: str, frame: int) -> Any:
        """{"path": an .npy file, uint8 [H,W,3] RGB}. Raises what the reading raised, `WorkerCrashed`,
        `RequestTimeout`."""
        if not Path(shot).is_absolute():
            raise InvalidRequest(f"The shot folder {shot!r} is not an absolute path.", "Give its whole path.")
        late = f"Frame {frame} of {shot} could not be read in {_ANSWER_LIMIT_S:g} s."
        return await self._helper.ask("frame", {"shot": shot, "frame": frame}, _ANSWER_LIMIT_S, late)

    async def stop(self) -> None:
        await self._helper.stop()


def preview_folder(home: Path) -> Path:
    """A folder for frames on their way to viewers: in memory where the system has such a place for this
    user, otherwise in the home folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        # One folder a home: servers of several homes must not clean up after each other.
        return Path(runtime) / "backlot" / f"{zlib.crc32(str(home).encode()):08x}"
    return home / "preview"
