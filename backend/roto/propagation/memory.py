"""A tracker's state as bytes, so that a killed run goes on exactly where it was.

Numbers and arrays only, rebuilt into the few classes a tracker is made of: nothing in a file can make anything else.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .background import Background
from .colour import ColourSpace, LocalColours, Place
from .portrait import Portrait
from .tracker import Tracker
from .whereabouts import Whereabouts
from .windows import Working

_PARTS: dict[str, type] = {
    kind.__name__: kind for kind in (Tracker, Background, ColourSpace, LocalColours, Place, Portrait, Whereabouts)
}
_TREE = "tree"
_PLAIN = (bool, int, float, str, type(None))
_Arrays = dict[str, NDArray[Any]]


def frozen(tracker: Tracker, *, small: bool = False) -> bytes:
    """All but the picture, which is read again. About 10 MB at the working size; compressed if it is to be `small`."""
    arrays: _Arrays = {}
    tree = json.dumps(_plain(tracker, arrays))
    file = io.BytesIO()
    save = np.savez_compressed if small else np.savez
    save(file, allow_pickle=False, **arrays, **{_TREE: np.frombuffer(tree.encode(), np.uint8)})
    return file.getvalue()


def thawed(state: bytes, picture: Working) -> Tracker:
    """The tracker as it was after the frame of `picture`. Raises `ValueError` for bytes that are no such state, such as
    those of another version."""
    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        tracker = _rebuilt(json.loads(arrays[_TREE].tobytes()), arrays, picture)
    except (KeyError, OSError, zipfile.BadZipFile, TypeError, AttributeError) as bad:
        raise ValueError(f"not a tracker's state: {bad}") from bad
    if not isinstance(tracker, Tracker):
        raise ValueError("not a tracker's state")
    return tracker


def _plain(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        name = f"a{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array": name}
    if isinstance(value, Working):
        return {"picture": None}
    if type(value) in _PLAIN:
        return value
    if isinstance(value, tuple):
        return {"tuple": [_plain(item, arrays) for item in value]}
    if type(value).__name__ in _PARTS:
        return {
            "part": type(value).__name__,
            "fields": {name: _plain(one, arrays) for name, one in vars(value).items()},
        }
    raise TypeError(f"a tracker holds a {type(value).__name__}, which cannot be kept")


def _rebuilt(plain: Any, arrays: _Arrays, picture: Working) -> Any:
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        array = arrays[plain["array"]]
        return array[()] if array.ndim == 0 else array
    if "picture" in plain:
        return picture
    if "tuple" in plain:
        return tuple(_rebuilt(item, arrays, picture) for item in plain["tuple"])
    part: Any = object.__new__(_PARTS[plain["part"]])
    for name, value in plain["fields"].items():
        object.__setattr__(part, name, _rebuilt(value, arrays, picture))
    return part
