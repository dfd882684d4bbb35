"""The methods and events of the wire, typed.

| method | params | result |
|---|---|---|
| hello | Hello | Welcome; must be the first call, anything else before it is refused |
| ping | {} | {} |
| job.submit | JobRequest | JobStatus |
| job.status | {"job": id} | JobStatus |
| job.list | {"limit": n} | [JobStatus], newest first |
| job.cancel | {"job": id} | JobStatus as it is now; the end comes as an event |
| job.retry | {"job": id} | JobStatus of the new job |
| job.move | {"job": id, "before": id} or {"job": id, "after": id} | JobStatus; a waiting job, put beside another |
| job.forget | {"jobs": [ids]} | {"jobs": [ids]}: those that were over are taken out of the history, with their logs |
| job.watch | {"job": id or None for all} | [JobStatus] now, of all those that are not over and the newest 100 |
| job.unwatch | {"job": id or None} | {} |
| job.log | {"job": id, "offset": bytes} | LogChunk |
| plate.frame | {"shot": path, "frame": n} | {"path": an .npy file, uint8 [H,W,3] RGB} |
| world.change | WorldRequest | WorldReply; see `world_messages.py`: origin, up, heading and scale of a shot |
| world.suggest | {"shot": path} | WorldSuggestion; where the ground seems to be |
| clip.probe | ProbeRequest | ProbeReply; see `footage_messages.py`: what is known of a clip without a shot |
| camera.import | CameraImport | StageResult; see `import_messages.py`: another program's camera into a shot |
| roto.preview | PreviewRequest | PreviewReply; see `roto_messages.py`: an object's mask from a frame's hints |
| machine.status | {} | MachineStatus: what the computer's memory and its workers hold now |
| engines | {} | [EngineStatus] |
| doctor | {} | {"text": report, "facts": map} |
| shutdown | {} | {}; running jobs go back to the queue and continue at the next start |

Notifications to those who watch: `job.event`, a JobEvent, and `job.gone`, a JobsGone. Every job ends in exactly one
event whose kind is `done`, `failed` or `cancelled`, and none follows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .artifacts import StageResult

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
TERMINAL = (DONE, FAILED, CANCELLED)

MOVED = "moved"
"""A kind of event, beside the states."""

EVENT = "job.event"
GONE = "job.gone"


@dataclass(frozen=True)
class Hello:
    """protocol: `shared.PROTOCOL` of the client. client: its name and version, for logs and the job list."""

    protocol: int
    client: str
    token: str


@dataclass(frozen=True)
class Welcome:
    protocol: int
    version: str
    pid: int


@dataclass(frozen=True)
class JobRequest:
    """Bring `stages` of a shot up to date, and what they need.

    shot: absolute path of the shot folder. footage: absolute path, folder or `name.####.ext` pattern;
    empty for a shot that has its plate already. params: stage -> parameter -> value, as declared in
    `stages.py`. priority: higher runs first. device: "auto", "cpu", "cuda:0", ... force: run the named
    stages even when they are up to date.
    """

    shot: str
    footage: str = ""
    stages: tuple[str, ...] = ("ingest", "solve")
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    priority: int = 0
    device: str = "auto"
    force: bool = False


@dataclass(frozen=True)
class Progress:
    """Where a running job is. done and total count the stage's own units; rate is units a second and eta_s
    seconds to the end of the stage, both None until known. fraction, 0..1, is of the whole job and never
    goes back. frame: plate number in work, None where a stage has none.

    note: the step of the stage that is under way, for people. frames_done and frames_total: of this step's
    own pass over the clip, both 0 where it does not go frame by frame; frames_rate: frames a second of it.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    frame: int | None = None
    rate: float | None = None
    eta_s: float | None = None
    fraction: float = 0.0
    note: str = ""
    frames_done: int = 0
    frames_total: int = 0
    frames_rate: float | None = None


@dataclass(frozen=True)
class JobStatus:
    """A job as it is now. Times are seconds since the epoch, None for what has not happened. error: the
    wire form of an error (`errors.from_wire`), None unless failed. attempts: how often it was started
    (a job that lost its server or is continued counts again). order: see `in_line`. device: what it runs on,
    "auto" resolved; "" from servers that do not say."""

    id: str
    state: str
    request: JobRequest
    client: str = ""
    progress: Progress = field(default_factory=Progress)
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    error: dict[str, Any] | None = None
    results: tuple[StageResult, ...] = ()
    notices: tuple[str, ...] = ()
    order: float = 0.0
    device: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in TERMINAL

    @property
    def turn(self) -> tuple[float, float, float]:
        """Sorts waiting jobs by when their turn comes: higher priority first, then `order`."""
        return -self.request.priority, self.order, self.created


def in_line(jobs: Iterable[JobStatus]) -> list[JobStatus]:
    """Those that wait, the next one first. One may start before those ahead of it when its device and its shot are
    free and theirs are not."""
    return sorted((job for job in jobs if job.state == QUEUED), key=lambda job: job.turn)


@dataclass(frozen=True)
class JobEvent:
    """kind: "queued", "moved" (to another place in the line), "started", "progress", "notice", "stage" (one has
    finished), "done", "failed" or "cancelled"; status: the job after it. sequence grows by one with every event of
    a server."""

    sequence: int
    kind: str
    status: JobStatus


@dataclass(frozen=True)
class JobsGone:
    """Ids of jobs that the history has forgotten."""

    jobs: tuple[str, ...]


@dataclass(frozen=True)
class LogChunk:
    """Text of a job's log from `offset` on; ask again from `next_offset`."""

    text: str
    next_offset: int


@dataclass(frozen=True)
class MemoryUse:
    """Of the computer or of a GPU, bytes. name: "" for the computer's own memory, "cuda:0", ... model: of a GPU."""

    total_bytes: int
    used_bytes: int
    name: str = ""
    model: str = ""


@dataclass(frozen=True)
class WorkerMemory:
    """What a worker and the programs that it started hold of the computer's memory, bytes. job: the one it runs, "" for
    none."""

    device: str
    used_bytes: int
    job: str = ""


@dataclass(frozen=True)
class MachineStatus:
    """memory: of the computer, or of the container that the backend runs in."""

    memory: MemoryUse
    gpus: tuple[MemoryUse, ...] = ()
    workers: tuple[WorkerMemory, ...] = ()


@dataclass(frozen=True)
class EngineStatus:
    """An engine of a stage. reason and remedy are empty when it is ready."""

    stage: str
    engine: str
    ready: bool
    kind: str
    code_licence: str
    weights_licence: str
    commercial: bool
    reason: str = ""
    remedy: str = ""
