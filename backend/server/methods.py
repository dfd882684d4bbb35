"""The methods of the wire; `shared/messages.py` is their table."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest, UnknownMethod
from shared.footage_messages import ProbeRequest
from shared.import_messages import CameraImport
from shared.messages import JobRequest, JobStatus, MachineStatus
from shared.roto_messages import PreviewRequest
from shared.stages import in_order, stage_params
from shared.wire import pack, unpack
from shared.world_messages import WorldRequest

from .checkup import Checkup
from .dispatcher import Dispatcher
from .frames import FrameService
from .job_book import JobBook
from .machine import MachineService
from .previews import PreviewService
from .world_service import WorldService

WATCH_ALL_LIMIT = 100
_DEVICE = re.compile(r"auto|cpu|cuda:\d+|mps")


class Subscriptions:
    """Which jobs' events a client gets."""

    def __init__(self) -> None:
        self._all = False
        self._jobs: set[str] = set()

    def add(self, job: str | None) -> None:
        if job is None:
            self._all = True
        else:
            self._jobs.add(job)

    def remove(self, job: str | None) -> None:
        """None ends all."""
        if job is None:
            self._all = False
            self._jobs.clear()
        else:
            self._jobs.discard(job)

    def covers(self, job: str) -> bool:
        return self._all or job in self._jobs


@dataclass(frozen=True)
class Caller:
    """Who calls. name: as it gave it in its hello."""

    name: str
    subscriptions: Subscriptions


@dataclass(frozen=True)
class _Nothing:
    pass


@dataclass(frozen=True)
class _OfJob:
    job: str


@dataclass(frozen=True)
class _Jobs:
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class _Move:
    job: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class _List:
    limit: int = 50


@dataclass(frozen=True)
class _Watch:
    job: str | None = None


@dataclass(frozen=True)
class _Log:
    job: str
    offset: int = 0


@dataclass(frozen=True)
class _Frame:
    shot: str
    frame: int


@dataclass(frozen=True)
class _OfShot:
    shot: str


Handler = Callable[[Caller, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Method:
    """params: the dataclass its parameters are. slow: waits for another process, so that it must not hold
    the caller's next request back."""

    params: type
    handler: Handler
    slow: bool = False


class Methods:
    """stop: asks the server to end."""

    def __init__(
        self,
        book: JobBook,
        dispatcher: Dispatcher,
        frames: FrameService,
        previews: PreviewService,
        checkup: Checkup,
        world: WorldService,
        machine: MachineService,
        stop: Callable[[], None],
    ) -> None:
        self._book, self._dispatcher = book, dispatcher
        self._frames, self._previews, self._checkup, self._world = frames, previews, checkup, world
        self._machine, self._stop = machine, stop
        self._table = {
            "ping": Method(_Nothing, self._ping),
            "job.submit": Method(JobRequest, self._submit),
            "job.status": Method(_OfJob, self._status),
            "job.list": Method(_List, self._list),
            "job.cancel": Method(_OfJob, self._cancel),
            "job.retry": Method(_OfJob, self._retry),
            "job.move": Method(_Move, self._move),
            "job.forget": Method(_Jobs, self._forget),
            "job.watch": Method(_Watch, self._watch),
            "job.unwatch": Method(_Watch, self._unwatch),
            "job.log": Method(_Log, self._log),
            "plate.frame": Method(_Frame, self._frame, slow=True),
            "world.change": Method(WorldRequest, self._change_world, slow=True),
            "world.suggest": Method(_OfShot, self._suggest_world, slow=True),
            "clip.probe": Method(ProbeRequest, self._probe_clip, slow=True),
            "camera.import": Method(CameraImport, self._import_camera, slow=True),
            "roto.preview": Method(PreviewRequest, self._preview_roto, slow=True),
            "machine.status": Method(_Nothing, self._machine_status, slow=True),
            "engines": Method(_Nothing, self._engines, slow=True),
            "doctor": Method(_Nothing, self._doctor, slow=True),
            "shutdown": Method(_Nothing, self._shutdown),
        }

    def find(self, name: str) -> Method:
        """Raises `UnknownMethod`."""
        method = self._table.get(name)
        if method is None:
            raise UnknownMethod(f"The backend has no method {name[:80]!r}.")
        return method

    async def call(self, method: Method, caller: Caller, params: Mapping[str, Any]) -> Any:
        """The method's result as plain values. Raises `BacklotError`s."""
        return pack(await method.handler(caller, unpack(method.params, params, "The parameters")))

    async def _ping(self, caller: Caller, params: _Nothing) -> dict[str, Any]:
        return {}

    async def _submit(self, caller: Caller, request: JobRequest) -> JobStatus:
        check(request)
        job = await self._book.create(request, caller.name)
        self._dispatcher.add(job)
        return job.status

    async def _status(self, caller: Caller, params: _OfJob) -> JobStatus:
        return self._book.get(params.job).status

    async def _list(self, caller: Caller, params: _List) -> list[JobStatus]:
        return self._book.newest(params.limit)

    async def _cancel(self, caller: Caller, params: _OfJob) -> JobStatus:
        job = self._book.get(params.job)
        await self._dispatcher.cancel(job)
        return job.status

    async def _retry(self, caller: Caller, params: _OfJob) -> JobStatus:
        status = self._book.get(params.job).status
        if not status.is_over:
            raise InvalidRequest(f"Job {status.id} is not over yet.", "Wait for its end, or cancel it first.")
        return await self._submit(caller, status.request)

    async def _move(self, caller: Caller, params: _Move) -> JobStatus:
        if bool(params.before) == bool(params.after):
            raise InvalidRequest("A job is moved before another one or after it.", "Name one of the two.")
        job, beside = self._book.get(params.job), self._book.get(params.before or params.after)
        await self._dispatcher.move(job, beside, after=bool(params.after))
        return job.status

    async def _forget(self, caller: Caller, params: _Jobs) -> dict[str, Any]:
        return {"jobs": await self._book.forget(params.jobs)}

    async def _watch(self, caller: Caller, params: _Watch) -> list[JobStatus]:
        # Subscribed in the same step of the loop as the states are read: no event falls between.
        found = self._book.shown(WATCH_ALL_LIMIT) if params.job is None else [self._book.get(params.job).status]
        caller.subscriptions.add(params.job)
        return found

    async def _unwatch(self, caller: Caller, params: _Watch) -> dict[str, Any]:
        caller.subscriptions.remove(params.job)
        return {}

    async def _log(self, caller: Caller, params: _Log) -> Any:
        job = self._book.get(params.job)
        if params.offset < 0:
            raise InvalidRequest("A log's offset cannot be negative.")
        return await self._book.logs.read(job.id, params.offset)

    async def _frame(self, caller: Caller, params: _Frame) -> Any:
        return await self._frames.frame(params.shot, params.frame)

    async def _change_world(self, caller: Caller, params: WorldRequest) -> Any:
        return await self._world.ask("world.change", params)

    async def _suggest_world(self, caller: Caller, params: _OfShot) -> Any:
        return await self._world.ask("world.suggest", params)

    async def _import_camera(self, caller: Caller, params: CameraImport) -> Any:
        return await self._world.ask("camera.import", params)

    async def _probe_clip(self, caller: Caller, params: ProbeRequest) -> Any:
        return await self._world.ask("clip.probe", params)

    async def _preview_roto(self, caller: Caller, params: PreviewRequest) -> Any:
        return await self._previews.preview(params)

    async def _machine_status(self, caller: Caller, params: _Nothing) -> MachineStatus:
        return await self._machine.status()

    async def _engines(self, caller: Caller, params: _Nothing) -> Any:
        return (await self._checkup.report()).get("engines", [])

    async def _doctor(self, caller: Caller, params: _Nothing) -> Any:
        report = await self._checkup.report()
        return {"text": report.get("text", ""), "facts": report.get("facts", {})}

    async def _shutdown(self, caller: Caller, params: _Nothing) -> dict[str, Any]:
        self._stop()
        return {}


def check(request: JobRequest) -> None:
    """Refuses what can be seen to be wrong before any work. Raises `InvalidRequest` and its kinds."""
    if not Path(request.shot).is_absolute():
        raise InvalidRequest(f"The shot folder {request.shot!r} is not an absolute path.", "Give its whole path.")
    if request.footage and not Path(request.footage).is_absolute():
        raise InvalidRequest(f"The footage {request.footage!r} is not an absolute path.", "Give its whole path.")
    if "\0" in request.shot + request.footage:
        raise InvalidRequest("A path holds a zero byte.")
    if not request.stages:
        raise InvalidRequest("The job names no stage.", "Name at least one, such as solve.")
    if not _DEVICE.fullmatch(request.device):
        raise InvalidRequest(f"There is no device {request.device!r}.", "Devices are auto, cpu, cuda:0, cuda:1, ...")
    in_order(request.stages)
    for stage, values in request.params.items():
        stage_params(stage, values)
