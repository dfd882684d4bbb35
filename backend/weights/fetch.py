"""Fetches a model's files from the Hugging Face hub, when the user asks for it and at no other time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from shared.errors import EngineUnavailable

from .archive import download_from_archive
from .download import download
from .folder import state_of
from .models import Model

_HUB = "https://huggingface.co"

Told = Callable[[str, int, int | None], None]
"""The file's name, its bytes that are there, and of how many (None: not known)."""


def fetch(
    model: Model, weights: Path, *, accept_licence: bool, say: Callable[[str], None],
    told: Told = lambda _name, _done, _total: None,
) -> Path:  # fmt: skip
    """The model's folder with every file in it; files that are there already stay as they are.

    `HF_ENDPOINT` names a mirror of the hub. Raises `EngineUnavailable` when the licence was not accepted or a file
    does not arrive whole; what arrived before stays, and a next call goes on there. Raises `DiskFull`.
    """
    if not model.commercial and not accept_licence:
        raise EngineUnavailable(
            f"{model.title}: {model.weights_licence}. {model.note}",
            "Read its terms, then add --accept-licence; work made with it must not be commercial.",
        )
    folder = weights / model.name
    for name in model.files:
        place = folder / name
        if place.is_file() and place.stat().st_size > 0:
            say(f"{place} is there")
            continue
        address = model.archive or f"{os.environ.get('HF_ENDPOINT') or _HUB}/{model.repository}/resolve/main/{name}"
        say(f"{address} -> {place}")
        arrive = download_from_archive if model.archive else download
        arrive(address, place, _of_file(told, name))
    return folder


def _of_file(told: Told, name: str) -> Callable[[int, int | None], None]:
    return lambda done, total: told(name, done, total)


def delete(model: Model, weights: Path) -> int:
    """Removes the model's files and what was left of downloads; returns the bytes that came free. Files that the model
    does not list stay, and so does its folder then."""
    folder = state_of(model, weights).folder
    freed = 0
    for name in model.files:
        for path in (
            folder / name,
            folder / f"{name}.partial",
            folder / f"{name}.partial.version",
            folder / f"{name}.zip",
        ):
            if path.is_file():
                freed += path.stat().st_size
                path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        shutil.rmtree(folder)
    return freed
