"""JSON documents that clients write and stages read: strict, and on disk whole or not at all.

A field that is misspelt is refused, not ignored: a correction that silently does nothing is worse than an error.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import MalformedMessage, ShotCorrupt
from .shot import document_text


def read_plain(path: Path, remedy: str) -> Any:
    """The plain values in the file; None when there is no file. Raises `ShotCorrupt` with the remedy."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", remedy) from bad
    if plain is None:
        raise ShotCorrupt(f"{path} holds nothing but null.", remedy)
    return plain


def write_document(path: Path, document: Any) -> None:
    """Puts a dataclass in place at once. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(document_text(document))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def refuse_unknown(kind: Any, plain: Any, where: str) -> None:
    """Raises `MalformedMessage` for a key that the dataclass does not have, at any depth."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(plain, Mapping):
            return  # unpack says what it should be
        hints = typing.get_type_hints(kind)
        for name, value in plain.items():
            if name not in hints:
                raise MalformedMessage(f"{where} has no field {name!r}; it has {', '.join(sorted(hints))}.")
            refuse_unknown(hints[name], value, f"{where}.{name}")
        return
    for part, item, at in _parts(kind, plain):
        refuse_unknown(part, item, f"{where}{at}")


def _parts(kind: Any, plain: Any) -> Iterator[tuple[Any, Any, str]]:
    """The items of a list or map with the type that each should have."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is dict and isinstance(plain, Mapping):
        yield from ((arguments[1], item, f".{name}") for name, item in plain.items())
    elif typing.get_origin(kind) is tuple and isinstance(plain, list) and len(arguments) == 2 and arguments[1] is ...:
        yield from ((arguments[0], item, f"[{i}]") for i, item in enumerate(plain))
