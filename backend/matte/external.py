"""Engine `external`: a video matting program of the user's, in an environment of its own.

Diffusion networks such as VideoMaMa want packages that would not go with Backlot's, and have licences that Backlot
cannot pass on. The program is called with a command line (docs/matte.md says what it is given and must write), a few
frames at a time; when it runs out of memory, with half as many.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.pipeline.atomic import disk_errors
from backend.worker.program import last_words, ran_out_of_memory, run_program
from shared.artifacts import frame_name
from shared.errors import BacklotError, EngineUnavailable, InternalError, OutOfMemory

from .clip import FOREGROUND, UNKNOWN, Alpha, MatteClip
from .files import read_alpha, write_alpha, write_grey

COMMAND, COMMERCIAL = "BACKLOT_MATTE_COMMAND", "BACKLOT_MATTE_COMMERCIAL"

_PIXEL_BYTES = 4096
"""Memory that a frame of a video diffusion network is taken to need per pixel. Programs differ: where it is more, the
first attempt fails and chunks get smaller."""

_MOST = 64
_REMEDY = "Give its command line (--matte-command, or the variable BACKLOT_MATTE_COMMAND; docs/matte.md shows one)."


@dataclass(frozen=True)
class Program:
    """parts: the command line, split, with fields to fill in."""

    parts: tuple[str, ...]

    def command(self, folder: Path, device: str, chunk: int) -> list[str]:
        fields = {
            "{input}": str(folder / "in"), "{output}": str(folder / "out"), "{device}": device, "{chunk}": str(chunk),
        }  # fmt: skip
        filled = []
        for part in self.parts:
            for field, value in fields.items():
                part = part.replace(field, value)
            filled.append(part)
        return filled


def find_program(command: str | None, *, non_commercial: bool) -> Program:
    """Raises `EngineUnavailable` when no command is given, when it names no program, and when its licence needs a yes
    that was not given: Backlot does not know the licence, so it counts as non-commercial until the user says more."""
    line = command or os.environ.get(COMMAND, "")
    parts = tuple(shlex.split(line, posix=os.name != "nt"))
    if not parts:
        raise EngineUnavailable("No video matting program is set up.", _REMEDY)
    if shutil.which(parts[0]) is None:
        raise EngineUnavailable(f"The video matting program {parts[0]} is not there.", _REMEDY)
    if not any("{input}" in part for part in parts) or not any("{output}" in part for part in parts):
        raise EngineUnavailable(f"The command {line!r} does not say where {{input}} and {{output}} go.", _REMEDY)
    if not non_commercial and os.environ.get(COMMERCIAL, "") != "1":
        raise EngineUnavailable(
            f"Whether {parts[0]} may be used for commercial work is not known.",
            "If this work is not commercial, allow it: --matte-non-commercial, or BACKLOT_ALLOW_NON_COMMERCIAL=1. If "
            f"the program's licence allows commercial work, set {COMMERCIAL}=1.",
        )
    return Program(parts)


def first_chunk(size: tuple[int, int], free: int) -> int:
    """Frames of (width, height) at once for so many free bytes of the device."""
    return max(1, min(_MOST, int(0.8 * free) // (_PIXEL_BYTES * size[0] * size[1])))


@dataclass(frozen=True)
class ExternalRun:
    """What the program is run with. chunk: frames at first. chosen: indices that get mattes, ascending. numbers: plate
    numbers by index. kept: a folder that survives a stop, for finished mattes."""

    program: Program
    device: str
    chunk: int
    chosen: Sequence[int]
    numbers: Sequence[int]
    kept: Path
    notice: Callable[[str], None]
    check_cancelled: Callable[[], None]


class External:
    """The mattes of one object."""

    def __init__(self, clip: MatteClip, run: ExternalRun) -> None:
        self._clip, self._run, self._chunk = clip, run, run.chunk

    def alpha(self, index: int) -> Alpha:
        """Raises `OutOfMemory` when not even one frame fits, `InternalError` when the program fails, `JobCancelled`."""
        path = self._kept(index)
        while not path.is_file():
            self._attempt([one for one in self._run.chosen if one >= index][: self._chunk])
        return read_alpha(path)

    def _kept(self, index: int) -> Path:
        return self._run.kept / frame_name(self._run.numbers[index])

    def _attempt(self, indices: Sequence[int]) -> None:
        """Finishes a chunk, or makes chunks smaller."""
        with disk_errors(self._run.kept):
            self._run.kept.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="chunk-", dir=self._run.kept.parent) as name:
                folder = Path(name)
                self._write_input(folder, indices)
                command = self._run.program.command(folder, self._run.device, len(indices))
                code, said = run_program(command, folder / "log.txt", self._run.check_cancelled, _REMEDY)
                if code == 0:
                    self._keep(folder, indices, said)
                elif ran_out_of_memory(code, said):
                    self._shrink(len(indices))
                else:
                    raise _failed(command, f"ended with exit code {code}", said)

    def _write_input(self, folder: Path, indices: Sequence[int]) -> None:
        for name in ("in/frames", "in/masks", "in/trimaps", "out"):
            (folder / name).mkdir(parents=True)
        for index in indices:
            file, trimap = frame_name(self._run.numbers[index]), self._clip.trimap(index)
            picture = cv2.cvtColor(self._clip.picture(index), cv2.COLOR_RGB2BGR)
            done, content = cv2.imencode(".png", picture)
            if not done:
                raise InternalError(f"Frame {self._run.numbers[index]} could not be encoded as PNG.")
            (folder / "in/frames" / file).write_bytes(content.tobytes())
            write_grey(folder / "in/trimaps" / file, trimap)
            write_grey(folder / "in/masks" / file, np.where(trimap == FOREGROUND, 255, 0).astype(np.uint8))

    def _keep(self, folder: Path, indices: Sequence[int], said: str) -> None:
        for index in indices:
            made = folder / "out" / frame_name(self._run.numbers[index])
            if not made.is_file():
                raise _failed(self._run.program.parts, f"wrote no {made.name}", said)
            try:
                alpha = read_alpha(made)
            except BacklotError as bad:
                raise _failed(self._run.program.parts, f"wrote a damaged {made.name}", said) from bad
            trimap = self._clip.trimap(index)
            if alpha.shape != trimap.shape:
                size = f"{alpha.shape[1]} x {alpha.shape[0]}"
                raise _failed(self._run.program.parts, f"wrote {made.name} of {size} pixels", said)
            known = (trimap == FOREGROUND).astype(np.float32)
            write_alpha(self._kept(index), np.where(trimap == UNKNOWN, alpha, known))

    def _shrink(self, tried: int) -> None:
        if tried == 1:
            raise OutOfMemory("The video matting program has too little memory for one frame.")
        self._chunk = tried // 2
        self._run.notice(
            f"The video matting program has too little memory for {tried} frames at once: {self._chunk} from now on."
        )


def _failed(command: Sequence[str], what: str, said: str) -> InternalError:
    return InternalError(
        f"The video matting program {command[0]} {what}.",
        "Try it by hand; what it said is in the job's log.",
        log=last_words(said),
    )
