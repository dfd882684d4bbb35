"""Fetches a model's files from the Hugging Face hub, when the user asks for it and at no other time."""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

from shared.errors import EngineUnavailable

from .models import Model

_HUB = "https://huggingface.co"
_TIMEOUT_S = 60.0


def fetch(model: Model, weights: Path, *, accept_licence: bool, say: Callable[[str], None]) -> Path:
    """The model's folder with every file in it; files that are there already stay as they are.

    `HF_ENDPOINT` names a mirror of the hub. Raises `EngineUnavailable` when the licence was not accepted or a file
    does not arrive whole; what arrived before stays.
    """
    if not model.commercial and not accept_licence:
        raise EngineUnavailable(
            f"{model.title}: {model.weights_licence}. {model.note}",
            "Read its terms, then add --accept-licence; work made with it must not be commercial.",
        )
    folder = weights / model.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in model.files:
        place = folder / name
        if place.is_file() and place.stat().st_size > 0:
            say(f"{place} is there")
            continue
        address = f"{os.environ.get('HF_ENDPOINT') or _HUB}/{model.repository}/resolve/main/{name}"
        say(f"{address} -> {place}")
        _download(address, place)
    return folder


def _download(address: str, place: Path) -> None:
    """Atomically: a file under its own name is whole."""
    beside = place.with_name(place.name + ".partial")
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer, beside.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
            expected = answer.headers.get("Content-Length")
        size = beside.stat().st_size
        if expected is not None and size != int(expected):
            raise OSError(f"{size} of {expected} bytes arrived")
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        beside.unlink(missing_ok=True)
        raise EngineUnavailable(
            f"{address} could not be fetched: {error}.",
            f"Try again, or copy the file from another computer to {place}.",
        ) from error
    beside.replace(place)
