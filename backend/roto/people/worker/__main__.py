"""Answers requests on the standard input until it closes: `python -m backend.roto.people.worker`, in `.venv-mocap`."""

from __future__ import annotations

import faulthandler
import logging
from typing import Any

import numpy as np

from backend.worker.channel import Channel
from shared.codec import Notification, Request
from shared.errors import BacklotError, InternalError, MalformedMessage

from .graphs import Networks
from .search import find_people

LOG = logging.getLogger("backlot.people")


def answer(networks: Networks, request: Request) -> dict[str, Any]:
    """The result of a request. Raises `MalformedMessage`."""
    if request.method != "people.find":
        raise MalformedMessage(f"The people worker has no method {request.method!r}.")
    params = request.params
    height, width = int(params["height"]), int(params["width"])
    pixels = np.frombuffer(params["pixels"], np.uint8)
    if height < 1 or width < 1 or pixels.size != height * width * 3:
        raise MalformedMessage(f"{pixels.size} bytes are no picture of {width} x {height} px.")
    near = [(float(x), float(y), float(size), float(turn)) for x, y, size, turn in params["near"]]
    people = find_people(networks, pixels.reshape(height, width, 3), near, search=bool(params["search"]))
    return {"people": [person.to_wire() for person in people]}


def serve(channel: Channel, networks: Networks) -> None:
    for message in channel.messages():
        if not isinstance(message, Request):
            continue
        try:
            result = answer(networks, message)
        except BacklotError as error:
            channel.refuse(message.id, error)
        except Exception as error:  # the border of this process: one picture must not end it
            LOG.exception("unexpected error")
            what = f"The people worker met an unexpected error: {type(error).__name__}: {error}"
            channel.refuse(message.id, InternalError(what))
        else:
            channel.answer(message.id, result)


def main() -> None:
    faulthandler.enable()
    channel = Channel.take_standard()
    networks = Networks()
    channel.send(Notification("people.ready", {"mediapipe": networks.version}))
    serve(channel, networks)


if __name__ == "__main__":
    main()
