"""A child process that speaks the wire on its standard input and output."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from shared.build_command import build_command
from shared.codec import Decoder, Message, encode
from shared.errors import WorkerCrashed

from .process_tree import ProcessTree, start_options
from .settings import SOURCE

_READ_BYTES = 64 * 1024


class Child:
    """Made with `start`. One coroutine at a time may `receive`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tree = ProcessTree(process.pid)
        self._decoder = Decoder()
        self._received: deque[Message] = deque()
        self._end = asyncio.get_running_loop().create_task(self._watch_end())

    @classmethod
    async def start(cls, command: tuple[str, ...], output: Path, variables: Mapping[str, str]) -> Child:
        """output: file that gets what the child prints. Raises `WorkerCrashed` when it cannot be started."""
        try:
            with output.open("ab") as file:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    cwd=SOURCE,
                    env={**os.environ, **variables},
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=file,
                    **start_options(),
                )
        except OSError as error:
            raise WorkerCrashed(
                f"{command[0]} could not be started: {error}.", f"Run `{build_command('doctor')}` in Backlot's folder."
            ) from error
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def send(self, message: Message) -> None:
        """Queues a message. What is sent to a child that has just died is lost."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(encode(message))

    async def receive(self) -> Message | None:
        """The next message; None when the child has closed its side. Raises `MalformedMessage`. May be
        cancelled without losing anything."""
        assert self._process.stdout is not None
        while not self._received:
            data = await self._process.stdout.read(_READ_BYTES)
            if not data:
                return None
            self._received.extend(self._decoder.feed(data))
        return self._received.popleft()

    def kill(self) -> None:
        """Ends the child and every process it started, at once."""
        if self.alive:
            self._tree.kill()

    async def ended(self) -> int:
        """Waits for the end and returns the exit code: negative is the number of a signal."""
        return await asyncio.shield(self._end)

    async def _watch_end(self) -> int:
        code = await self._process.wait()
        self._tree.kill()  # what the child had started must not outlive it, nor hold its pipes open
        self._tree.close()
        return code

    async def stop(self, grace_s: float) -> int:
        """Asks the child to end by closing its input, and kills it after `grace_s`."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self.ended(), grace_s)
        except TimeoutError:
            self.kill()
        return await self.ended()
