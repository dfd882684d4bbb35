"""Every error Backlot raises on purpose, as one tree.

    BacklotError
    ├── InvalidRequest            what was asked for does not make sense
    │   ├── InvalidParameter
    │   ├── UnknownStage
    │   └── UnknownJob
    ├── FootageError              the clip itself
    │   ├── FootageNotFound
    │   ├── FootageUnreadable
    │   ├── FootageEmpty
    │   └── FootageChanged
    ├── ShotError                 the shot folder
    │   ├── ShotReadOnly
    │   ├── DiskFull
    │   ├── ShotBusy
    │   ├── ShotCorrupt
    │   └── ArtifactMissing
    ├── SolveError                the picture does not allow a camera
    │   ├── ClipTooShort
    │   ├── TooFewFeatures
    │   ├── NoParallax
    │   ├── CutInClip
    │   └── SolveDiverged
    ├── EngineUnavailable         an engine that cannot run here, with its remedy
    ├── JobCancelled
    │   └── Superseded            a newer request took its place
    ├── WorkerError               the process that ran the job
    │   ├── WorkerCrashed
    │   └── OutOfMemory
    ├── InternalError             a bug: everything foreign that no border translated
    └── BackendError              between client and server
        ├── BackendNotRunning
        ├── BackendStartFailed
        ├── ConnectionLost
        ├── RequestTimeout
        ├── WrongToken
        ├── ProtocolMismatch
        ├── MalformedMessage
        ├── MessageTooLarge
        └── UnknownMethod

Each has a stable `code` (the class's name in kebab case), a `message` that says what happened to which
file or frame, and a `remedy` that says what the artist can do. The three travel over the wire as a map
and come back as the same class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from .build_command import build_command

Wire = dict[str, Any]


class BacklotError(Exception):
    """Base of the tree. `message` and `remedy` are whole sentences; `details` are plain values."""

    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, remedy: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = self.default_remedy if remedy is None else remedy
        self.details = details

    @property
    def code(self) -> str:
        return code_of(type(self))

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def to_wire(self) -> Wire:
        return {"code": self.code, "message": self.message, "remedy": self.remedy, "details": self.details}


def code_of(kind: type[BacklotError]) -> str:
    """The stable code of an error class: `NoParallax` -> `no-parallax`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


class InvalidRequest(BacklotError):
    """What was asked for does not make sense."""


class InvalidParameter(InvalidRequest):
    """A stage parameter is unknown, of the wrong type, or out of its range."""


class UnknownStage(InvalidRequest):
    """A stage name that is neither a stage nor an alias."""


class UnknownJob(InvalidRequest):
    default_remedy = "Look in the job list: finished jobs are removed from it after a while."


class FootageError(BacklotError):
    """The clip itself."""


class FootageNotFound(FootageError):
    default_remedy = "Check the path, or pick the clip again."


class FootageUnreadable(FootageError):
    default_remedy = (
        "Play the clip in another application; if it plays there, export it again as MP4 or a PNG sequence."
    )


class FootageEmpty(FootageError):
    default_remedy = "Pick another clip or a wider frame range."


class FootageChanged(FootageError):
    default_remedy = "Put the original clip back, or start a new shot for the new one."


class ShotError(BacklotError):
    """The shot folder."""


class ShotReadOnly(ShotError):
    default_remedy = "Choose a shot folder that you may write to."


class DiskFull(ShotError):
    default_remedy = "Free some space on that disk and run the job again: it continues where it stopped."


class ShotBusy(ShotError):
    default_remedy = "Wait for that job to end, or cancel it."


class ShotCorrupt(ShotError):
    default_remedy = "Restore the file from a backup, or delete it and run the stage again."


class ArtifactMissing(ShotError):
    default_remedy = "Run the stage that makes it."


class SolveError(BacklotError):
    """The picture does not allow a camera."""


class ClipTooShort(SolveError):
    default_remedy = "A camera solve needs at least 3 frames with movement: use a longer clip or a wider frame range."


class TooFewFeatures(SolveError):
    default_remedy = "Use a higher quality preset, a sharper or brighter plate, or masks that leave more of the set."


class NoParallax(SolveError):
    default_remedy = "Use a part of the clip in which the camera travels."


class CutInClip(SolveError):
    default_remedy = "Set the frame range to one side of the cut and solve each part as a shot of its own."


class SolveDiverged(SolveError):
    default_remedy = "Give the focal length, mask what moves, or use a higher quality preset."


class EngineUnavailable(BacklotError):
    """An engine that cannot run here; the remedy says what it lacks."""


class JobCancelled(BacklotError):
    default_remedy = "Run it again to continue where it stopped."


class Superseded(JobCancelled):
    """A newer request took its place: nothing is wrong, and nothing is to be done."""

    default_remedy = ""


class WorkerError(BacklotError):
    """The process that ran the job."""


class WorkerCrashed(WorkerError):
    default_remedy = "Run the job again; if it happens twice, send the job's log."


class OutOfMemory(WorkerError):
    default_remedy = "Close other programs or choose a lower quality preset, then run the job again."


class InternalError(BacklotError):
    default_remedy = "This is a fault in Backlot: please send the job's log."


class BackendError(BacklotError):
    """Between client and server."""


class BackendNotRunning(BackendError):
    default_remedy = "Start the backend (in Blender: Edit > Preferences > Add-ons > Backlot > Start Backend)."


class BackendStartFailed(BackendError):
    default_remedy = f"Run `{build_command('doctor')}` in Backlot's folder: it names what is missing."


class ConnectionLost(BackendError):
    default_remedy = "Jobs go on without a client: reconnect to see their state."


class RequestTimeout(BackendError):
    default_remedy = "The backend is up but did not answer in time: try again, or restart it."


class WrongToken(BackendError):
    default_remedy = "Read the connection file again: the backend was restarted, or belongs to another user."


class ProtocolMismatch(BackendError):
    """Client and backend speak different versions; the remedy says which side to update."""


class MalformedMessage(BackendError):
    default_remedy = "The client and the backend may be of different versions: update both."


class MessageTooLarge(BackendError):
    default_remedy = "Pass large data as a file in the shot folder and send its path."


class UnknownMethod(BackendError):
    default_remedy = "The client and the backend may be of different versions: update both."


def _tree(kind: type[BacklotError]) -> dict[str, type[BacklotError]]:
    found = {code_of(kind): kind}
    for child in kind.__subclasses__():
        found |= _tree(child)
    return found


def by_code() -> dict[str, type[BacklotError]]:
    """Every error class by its code."""
    return _tree(BacklotError)


def from_wire(wire: Mapping[str, Any]) -> BacklotError:
    """The error a peer sent. A code this version does not know becomes its plain base class."""
    kind = by_code().get(str(wire.get("code", "")), BacklotError)
    details = wire.get("details")
    error = kind(str(wire.get("message", "")), str(wire.get("remedy", "")))
    error.details = dict(details) if isinstance(details, Mapping) else {}
    return error
