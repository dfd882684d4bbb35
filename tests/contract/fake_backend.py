"""A backend inside the test's own process: the same wire, jobs that follow a script, no stages.

For tests of clients and of the Blender extension (it needs `shared` only, so it also runs in Blender's
Python). `test_wire.py` and `test_jobs.py` hold it to the same contract as the real server.

    with FakeBackend(home) as backend:
        ...                                     # jobs do what their footage says, see `by_footage`
    with FakeBackend(home, script=my_script)    # my_script(job: FakeJob) runs on a thread a job
"""

from __future__ import annotations

import inspect
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from shared import PROTOCOL, VERSION, connection
from shared.artifacts import StageResult
from shared.codec import Decoder, Message, Notification, Request, Response, encode
from shared.errors import (
    ArtifactMissing,
    BacklotError,
    FootageNotFound,
    InternalError,
    InvalidRequest,
    JobCancelled,
    MalformedMessage,
    MessageTooLarge,
    NoParallax,
    ProtocolMismatch,
    UnknownJob,
    UnknownMethod,
    WrongToken,
)
from shared.footage_messages import ProbeReply
from shared.import_messages import CameraImport
from shared.messages import (
    CANCELLED,
    DONE,
    EVENT,
    FAILED,
    GONE,
    MOVED,
    QUEUED,
    RUNNING,
    EngineStatus,
    Hello,
    JobEvent,
    JobRequest,
    JobStatus,
    LogChunk,
    MachineStatus,
    MemoryUse,
    Progress,
    Welcome,
    WorkerMemory,
)
from shared.roto_messages import PreviewRequest
from shared.shot import SourceFacts
from shared.stages import in_order, stage_params
from shared.wire import pack, unpack
from shared.world_messages import WorldRequest

_FRAME_SIZE = (4, 6)


class FakeJob:
    """What a script does its job with. Raising a `BacklotError` ends the job as that error would."""

    def __init__(self, backend: FakeBackend, status: JobStatus) -> None:
        self._backend = backend
        self.status = status
        self.cancelled = threading.Event()
        self.log = ""

    @property
    def request(self) -> JobRequest:
        return self.status.request

    def progress(self, progress: Progress) -> None:
        self.check_cancelled()
        self._backend.change(self, "progress", progress=progress)

    def notice(self, sentence: str) -> None:
        self._backend.change(self, "notice", notices=(*self.status.notices, sentence))

    def stage_done(self, result: StageResult) -> None:
        self._backend.change(self, "stage", results=(*self.status.results, result))

    def check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise JobCancelled("The job was cancelled.")

    def write_log(self, message: str, level: str = "info", stage: str = "") -> None:
        line = {"time": time.time(), "level": level, "stage": stage, "message": message}
        self.log += json.dumps(line) + "\n"


Script = Callable[[FakeJob], None]


def by_footage(job: FakeJob) -> None:
    """`/script/quick`, `/script/fail`, `/script/steps/N` (10 ms each; without N until cancelled)."""
    _, _, verb, *arguments = job.request.footage.split("/")
    if verb == "fail":
        raise NoParallax("The camera does not travel: tripod or pan.", frames=3)
    if verb == "quick":
        job.notice("quick")
        job.stage_done(StageResult("solve", "scripted", 1, {"frames_solved": 3}))
        return
    steps = int(arguments[0]) if arguments else 10**6
    for step in range(steps):
        job.progress(Progress("solve", step, steps, fraction=step / steps))
        job.cancelled.wait(0.01)


class FakeBackend:
    """Listens and publishes its connection file in `home`; one job at a time. Use as a context."""

    def __init__(self, home: Path, script: Script = by_footage) -> None:
        self.home = home
        self.jobs: dict[str, FakeJob] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._script = script
        self._lock = threading.RLock()
        self._clients: set[_FakeSession] = set()
        self._waiting: list[FakeJob] = []
        self._wakeup = threading.Condition(self._lock)
        self._stopping = False
        self._sequence = self._numbers = 0
        self.used_memory, self.gpus = 12 * 2**30, ()
        self.token = connection.new_token()

    def __enter__(self) -> FakeBackend:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._stopping = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._accept, self._work)]
        for thread in self._threads:
            thread.start()
        found = connection.Connection("127.0.0.1", port, self.token, os.getpid(), PROTOCOL, VERSION)
        connection.write(self.home, found)

    def stop(self) -> None:
        """Ends as a server does: the connection file goes, clients are disconnected, jobs stop."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            connection.remove(self.home, os.getpid())
            self._wakeup.notify_all()
            for job in self.jobs.values():
                job.cancelled.set()
        # Closing alone does not wake a thread that waits in accept.
        with socket.socket() as nobody:
            nobody.connect_ex(self._listener.getsockname())
        self._listener.close()
        self.drop_clients()
        for thread in self._threads:
            thread.join(10)

    def drop_clients(self) -> None:
        """Breaks every connection off; jobs go on."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.break_off()

    def still(self) -> AbstractContextManager[bool]:
        """Inside, no other thread changes a job or sends an event."""
        return self._lock

    # -- jobs -----------------------------------------------------------------------------------------

    def submit(self, request: JobRequest, client: str) -> FakeJob:
        _check(request)
        with self._lock:
            id = f"fake-{self._numbers + 1}"
            self._numbers += 1
            status = JobStatus(id, QUEUED, request, client=client, created=time.time(), order=self._numbers)
            job = FakeJob(self, replace(status, device="cpu" if request.device == "auto" else request.device))
            job.write_log("queued")
            self.jobs[id] = job
            self.change(job, QUEUED)
            self._waiting.append(job)
            self._wakeup.notify_all()
        return job

    def cancel(self, job: FakeJob) -> None:
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                self.change(job, CANCELLED, state=CANCELLED, ended=time.time())
            elif not job.status.is_over:
                job.cancelled.set()

    def move(self, job: FakeJob, beside: FakeJob, *, after: bool) -> None:
        with self._lock:
            for one in (job, beside):
                if one not in self._waiting:
                    raise InvalidRequest(f"Job {one.status.id} does not wait any more.")
            line = sorted((one for one in self._waiting if one is not job), key=lambda one: one.status.turn)
            line.insert(line.index(beside) + after, job)
            request = replace(job.request, priority=beside.request.priority)
            kin = [one for one in line if one is job or one.request.priority == request.priority]
            for number, one in enumerate(kin):
                if one is job:
                    self.change(one, MOVED, request=request, order=number + 1.0)
                elif one.status.order != number + 1.0:
                    self.change(one, MOVED, order=number + 1.0)
            self._numbers = max(self._numbers, len(kin))

    def forget(self, ids: list[str]) -> list[str]:
        with self._lock:
            over = [id for id in ids if id in self.jobs and self.jobs[id].status.is_over]
            for id in over:
                del self.jobs[id]
            for client in list(self._clients):
                watched = [id for id in over if client.watches(id)]
                if watched:
                    client.send(encode(Notification(GONE, {"jobs": watched})))
        return over

    def change(self, job: FakeJob, kind: str, **changes: Any) -> None:
        """Changes a job's status and tells those who watch."""
        with self._lock:
            job.status = replace(job.status, **changes)
            self._sequence += 1
            data = encode(Notification(EVENT, pack(JobEvent(self._sequence, kind, job.status))))
            for client in list(self._clients):
                if client.watches(job.status.id):
                    client.send(data)

    def find(self, id: str) -> FakeJob:
        with self._lock:
            if id not in self.jobs:
                raise UnknownJob(f"There is no job {id!r}.")
            return self.jobs[id]

    def _work(self) -> None:
        while (job := self._take()) is not None:
            self.change(job, "started", state=RUNNING, started=time.time(), attempts=job.status.attempts + 1)
            try:
                self._script(job)
            except JobCancelled:
                self._end(job, CANCELLED)
            except BacklotError as error:
                self._end(job, FAILED, error=error.to_wire())
            else:
                self._end(job, DONE, progress=replace(job.status.progress, fraction=1.0))

    def _take(self) -> FakeJob | None:
        with self._lock:
            while not self._waiting and not self._stopping:
                self._wakeup.wait()
            if self._stopping:
                return None
            job = min(self._waiting, key=lambda job: job.status.turn)
            self._waiting.remove(job)
            return job

    def _end(self, job: FakeJob, state: str, **changes: Any) -> None:
        if not self._stopping:
            job.write_log(state)
            self.change(job, state, state=state, ended=time.time(), **changes)

    # -- clients --------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping:
                peer.close()
                return
            session = _FakeSession(self, peer)
            with self._lock:
                self._clients.add(session)
            threading.Thread(target=session.run, daemon=True).start()

    def leave(self, session: _FakeSession) -> None:
        with self._lock:
            self._clients.discard(session)

    def answer(self, session: _FakeSession, method: str, params: dict[str, Any]) -> Any:
        """The result of a method. Raises what the real server would."""
        self.calls.append((method, params))
        with self._lock:
            handler = getattr(self, "_" + method.replace(".", "_"), None) if method in _METHODS else None
            if handler is None:
                raise UnknownMethod(f"The backend has no method {method!r}.")
            _check_names(method, params)
            known = inspect.signature(handler).parameters
            taken = params if "params" in known else {name: params[name] for name in params if name in known}
            return pack(handler(session, **taken))

    def _ping(self, session: _FakeSession) -> Any:
        return {}

    def _job_submit(self, session: _FakeSession, **params: Any) -> Any:
        return self.submit(unpack(JobRequest, params), session.name).status

    def _job_status(self, session: _FakeSession, job: str) -> Any:
        return self.find(job).status

    def _job_list(self, session: _FakeSession, limit: int = 50) -> Any:
        return [job.status for job in reversed(self.jobs.values())][:limit]

    def _job_cancel(self, session: _FakeSession, job: str) -> Any:
        self.cancel(self.find(job))
        return self.find(job).status

    def _job_retry(self, session: _FakeSession, job: str) -> Any:
        status = self.find(job).status
        if not status.is_over:
            raise InvalidRequest(f"Job {job} is not over yet.")
        return self.submit(status.request, session.name).status

    def _job_move(self, session: _FakeSession, job: str, before: str = "", after: str = "") -> Any:
        if bool(before) == bool(after):
            raise InvalidRequest("A job is moved before another one or after it.")
        self.move(self.find(job), self.find(before or after), after=bool(after))
        return self.find(job).status

    def _job_forget(self, session: _FakeSession, jobs: list[str]) -> Any:
        return {"jobs": self.forget(jobs)}

    def _machine_status(self, session: _FakeSession) -> Any:
        with self._lock:
            running = next((job.status for job in self.jobs.values() if job.status.state == RUNNING), None)
            job = running.id if running is not None else ""
        workers = (WorkerMemory("cpu", 2 * 2**30, job),)
        return MachineStatus(MemoryUse(32 * 2**30, self.used_memory), self.gpus, workers)

    def _job_watch(self, session: _FakeSession, job: str | None = None) -> Any:
        found = self._job_list(session, 10**6) if job is None else [self.find(job).status]
        session.watched.add(job)
        return found

    def _job_unwatch(self, session: _FakeSession, job: str | None = None) -> Any:
        if job is None:
            session.watched.clear()
        session.watched.discard(job)
        return {}

    def _job_log(self, session: _FakeSession, job: str, offset: int = 0) -> Any:
        data = self.find(job).log.encode()
        return LogChunk(data[offset:].decode(), len(data))

    def _plate_frame(self, session: _FakeSession, shot: str, frame: int) -> Any:
        if frame < 1:
            raise ArtifactMissing(f"{shot} has no plate frame {frame}.")
        path = self.home / f"frame_{frame}.npy"
        path.write_bytes(npy(*_FRAME_SIZE))
        return {"path": str(path)}

    def _world_change(self, session: _FakeSession, **params: Any) -> Any:
        from . import fake_world  # numpy only when it is needed

        return fake_world.change(unpack(WorldRequest, params, "The parameters"))

    def _world_suggest(self, session: _FakeSession, shot: str) -> Any:
        from . import fake_world

        return fake_world.suggest(shot)

    def _clip_probe(self, session: _FakeSession, footage: str) -> Any:
        if not Path(footage).exists():
            raise FootageNotFound(f"There is no clip at {footage}.")
        facts = SourceFacts("video", 320, 180, "24", 1, 48, 48, rotation=90, codec="h264")
        return ProbeReply(facts, ("The fake backend says what it likes.",))

    def _camera_import(self, session: _FakeSession, **params: Any) -> Any:
        from . import fake_import

        return fake_import.import_camera(unpack(CameraImport, params, "The parameters"))

    def _roto_preview(self, caller: _FakeSession, /, **params: Any) -> Any:
        from . import fake_roto

        return fake_roto.preview(unpack(PreviewRequest, params, "The parameters"))

    def _engines(self, session: _FakeSession) -> Any:
        return [EngineStatus("solve", "sfm", True, "weight-free", "BSD-3-Clause", "", True)]

    def _doctor(self, session: _FakeSession) -> Any:
        return {"text": "A fake backend: all is well.\n", "facts": {"problems": []}}

    def _shutdown(self, session: _FakeSession) -> Any:
        session.stops_backend = True  # once it has sent the answer
        return {}


_METHODS: dict[str, tuple[str, ...]] = {
    "ping": (),
    "job.submit": ("shot",),
    "job.status": ("job",),
    "job.list": (),
    "job.cancel": ("job",),
    "job.retry": ("job",),
    "job.move": ("job",),
    "job.forget": ("jobs",),
    "machine.status": (),
    "job.watch": (),
    "job.unwatch": (),
    "job.log": ("job",),
    "plate.frame": ("shot", "frame"),
    "world.change": ("shot",),
    "world.suggest": ("shot",),
    "clip.probe": ("footage",),
    "camera.import": ("shot", "file"),
    "roto.preview": ("shot", "frame", "label", "prompts", "session"),
    "engines": (),
    "doctor": (),
    "shutdown": (),
}
"""Methods with the parameters that must be given."""


def _check_names(method: str, params: dict[str, Any]) -> None:
    missing = [name for name in _METHODS[method] if name not in params]
    if missing:
        raise MalformedMessage(f"The parameters lack {', '.join(missing)}.")


def _check(request: JobRequest) -> None:
    if not Path(request.shot).is_absolute():
        raise InvalidRequest(f"The shot folder {request.shot!r} is not an absolute path.")
    in_order(request.stages)
    for stage, values in request.params.items():
        stage_params(stage, values)


def npy(height: int, width: int) -> bytes:
    """A black uint8 [height,width,3] picture as an .npy file (NumPy's format 1.0), without NumPy."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({height}, {width}, 3), }}"
    padded = header + " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + bytes(height * width * 3)


class _FakeSession:
    """One client, served by a thread of its own."""

    def __init__(self, backend: FakeBackend, peer: socket.socket) -> None:
        self._backend, self._peer = backend, peer
        self._sending = threading.Lock()
        self.name = ""
        self.watched: set[str | None] = set()
        self.stops_backend = False

    def watches(self, job: str) -> bool:
        return job in self.watched or None in self.watched

    def send(self, data: bytes) -> None:
        with self._sending:
            try:
                self._peer.sendall(data)
            except OSError:  # the client has gone; its own thread notices
                return

    def break_off(self) -> None:
        try:
            self._peer.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has gone already
            return

    def run(self) -> None:
        decoder, welcomed = Decoder(), False
        try:
            while data := self._peer.recv(64 * 1024):
                for message in decoder.feed(data):
                    if not welcomed:
                        self._greet(message)
                        welcomed = True
                    else:
                        self._serve(message)
        except (MalformedMessage, MessageTooLarge) as bad:
            self.send(encode(Response(0, bad.to_wire(), None)))
        except (OSError, _Refused):
            pass  # it has left, or was told why it must
        finally:
            self._backend.leave(self)
            self.break_off()
            self._peer.close()

    def _greet(self, message: Message) -> None:
        if not isinstance(message, Request):
            raise MalformedMessage("The first message should be the request hello.")
        try:
            if message.method != "hello":
                raise MalformedMessage("The first call should be hello.")
            self.name = self._check_hello(message.params).client
        except BacklotError as error:
            self.send(encode(Response(message.id, error.to_wire(), None)))
            raise _Refused from error
        self.send(encode(Response(message.id, None, pack(Welcome(PROTOCOL, VERSION, os.getpid())))))

    def _check_hello(self, params: dict[str, Any]) -> Hello:
        protocol = params.get("protocol")
        if isinstance(protocol, int) and protocol != PROTOCOL:
            side = "client" if protocol < PROTOCOL else "backend"
            raise ProtocolMismatch("The versions of the protocol differ.", f"Update the {side}.")
        hello = unpack(Hello, params)
        if hello.token != self._backend.token:
            raise WrongToken("The backend does not accept this client's token.")
        return hello

    def _serve(self, message: Message) -> None:
        if not isinstance(message, Request):
            raise MalformedMessage("Clients send requests only.")
        with self._backend.still():  # as from the real server: no event that is newer than an answer comes before it
            self.send(encode(self._response(message)))
        if self.stops_backend:
            threading.Thread(target=self._backend.stop).start()  # it breaks this one off

    def _response(self, message: Request) -> Response:
        try:
            return Response(message.id, None, self._backend.answer(self, message.method, message.params))
        except BacklotError as error:
            return Response(message.id, error.to_wire(), None)
        except Exception as error:
            return Response(message.id, InternalError(f"{error}").to_wire(), None)


class _Refused(Exception):
    """The client was told why and is sent away."""
