"""Answers requests on the standard input until it closes: `python -m backend.roto.people.worker`, in `.venv-mocap`."""

from __future__ import annotations

import faulthandler
import logging
from typing import Any

import numpy as np

from backend.worker.channel import Channel
from shared.codec import Notification, Request
from shared.errors import BacklotError, InternalError, MalformedMessage

from ..evidence import Picture, Region
from .graphs import Networks
from .looks import look_at
from .search import find_people

LOG = logging.getLogger("backlot.people")


def answer(networks: Networks, request: Request) -> dict[str, Any]:
    """The result of a request. Raises `MalformedMessage`."""
    if request.method not in ("people.find", "people.look"):
        raise MalformedMessage(f"The people worker has no method {request.method!r}.")
    params = request.params
    picture = _picture(params)
    if request.method == "people.look":
        looks = look_at(networks, picture, params["part"], _regions(params["regions"]), params["mirrored"])
        return {"looks": [None if look is None else look.to_wire() for look in looks]}
    people = find_people(networks, picture, _regions(params["near"]), search=bool(params["search"]))
    return {"people": [person.to_wire() for person in people]}


def _picture(params: dict[str, Any]) -> Picture:
    height, width = int(params["height"]), int(params["width"])
    pixels = np.frombuffer(params["pixels"], np.uint8)
    if height < 1 or width < 1 or pixels.size != height * width * 3:
        raise MalformedMessage(f"{pixels.size} bytes are no picture of {width} x {height} px.")
    return pixels.reshape(height, width, 3)


def _regions(plain: list[list[float]]) -> list[Region]:
    return [(float(x), float(y), float(size), float(turn)) for x, y, size, turn in plain]


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
