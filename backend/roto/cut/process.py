"""The previewer: `python -m backend.roto.cut.process --parent-pid N`, started by the server.

It answers `preview` (`PreviewRequest`) with a `PreviewReply`. A thread of its own listens, so that a session's newer
request ends the older one at its next checkpoint.
"""

from __future__ import annotations

import argparse
import faulthandler
import queue
import threading
from typing import TYPE_CHECKING

from backend.worker import lifeline
from backend.worker.channel import Channel
from shared.codec import Request
from shared.errors import ArtifactMissing, BacklotError, InternalError, Superseded
from shared.roto_messages import PreviewRequest
from shared.wire import pack, unpack

if TYPE_CHECKING:
    from .preview import Previewer


class Newest:
    """Which request of each session counts. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}

    def announce(self, session: str, number: int) -> None:
        with self._lock:
            self._numbers[session] = number

    def check(self, session: str, number: int) -> None:
        """Raises `Superseded` when the session has asked for something newer."""
        with self._lock:
            newest = self._numbers.get(session, number)
        if newest != number:
            raise Superseded("A newer preview took this one's place.")

    def settled(self, session: str, number: int) -> None:
        """Forgets a session whose newest request has been answered."""
        with self._lock:
            if self._numbers.get(session) == number:
                del self._numbers[session]


def answer(channel: Channel, previewer: Previewer, newest: Newest, request: Request) -> None:
    """Answers one request, with an error where it must."""
    session = _session_of(request)
    try:
        newest.check(session, request.id)
        wanted = unpack(PreviewRequest, request.params, "The parameters")
        reply = previewer.preview(wanted, lambda: newest.check(session, request.id))
    except BacklotError as error:
        channel.refuse(request.id, error)
    except FileNotFoundError as gone:
        channel.refuse(request.id, ArtifactMissing(f"{gone.filename} is missing.", "Run ingest on a clip first."))
    except Exception as error:  # the border of this process: a click must not end it
        faulthandler.dump_traceback()
        channel.refuse(request.id, InternalError(f"The mask could not be made: {type(error).__name__}: {error}"))
    else:
        channel.answer(request.id, pack(reply))
    finally:
        newest.settled(session, request.id)


def serve(channel: Channel) -> None:
    """Answers requests until the server closes the channel."""
    requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
    newest = Newest()

    def listen() -> None:
        try:
            for message in channel.messages():
                if isinstance(message, Request):
                    newest.announce(_session_of(message), message.id)
                    requests.put(message)
        finally:
            requests.put(None)

    threading.Thread(target=listen, name="server", daemon=True).start()
    from .preview import Previewer  # heavy libraries: requests are heard meanwhile

    previewer = Previewer()
    while (request := requests.get()) is not None:
        answer(channel, previewer, newest, request)


def _session_of(request: Request) -> str:
    return str(request.params.get("session", ""))


def main() -> None:
    parser = argparse.ArgumentParser(prog="backend.roto.cut.process")
    parser.add_argument("--parent-pid", type=int, required=True)
    arguments = parser.parse_args()
    faulthandler.enable()
    lifeline.follow(arguments.parent_pid)
    serve(Channel.take_standard())


if __name__ == "__main__":
    main()
