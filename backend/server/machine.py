"""What the computer's memory, its GPUs and the workers hold, for those who look at it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from shared.messages import MachineStatus, MemoryUse, WorkerMemory

from ..devices import gpus
from ..free_memory import free_bytes, most_bytes

_KEEP_S = 0.9

Processes = Callable[[], list[tuple[str, int, str]]]


class MachineService:
    """processes: (device, process, job) of the workers. Measures on a thread; callers within a second share it."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._measuring: asyncio.Task[MachineStatus] | None = None
        self._begun = 0.0

    async def status(self) -> MachineStatus:
        now = time.monotonic()
        if self._measuring is None or (self._measuring.done() and now - self._begun > _KEEP_S):
            self._begun = now
            work = asyncio.to_thread(measured, self._processes())
            self._measuring = asyncio.get_running_loop().create_task(work)
        return await asyncio.shield(self._measuring)


def measured(processes: list[tuple[str, int, str]]) -> MachineStatus:
    """The state now; see `MachineStatus`."""
    total = int(most_bytes())
    memory = MemoryUse(total, max(0, total - int(free_bytes())))
    cards = tuple(MemoryUse(gpu.memory_bytes, gpu.memory_bytes - gpu.free_bytes, gpu.name, gpu.model) for gpu in gpus())
    workers = tuple(WorkerMemory(device, resident_bytes(pid), job) for device, pid, job in processes)
    return MachineStatus(memory, cards, workers)


def resident_bytes(pid: int) -> int:
    """Of a process and all below it; 0 when it is gone."""
    import psutil  # when somebody looks: the server's start waits for nothing

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    held = 0
    for member in family:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            held += int(member.memory_info().rss)
    return held
