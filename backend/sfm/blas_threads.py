"""One BLAS thread while many small matrices are multiplied.

OpenBLAS wakes all its threads for every product and they spin between products: with matrices of this size
that costs three times the processor time and, on a busy computer, as much more wall time. It is also one
thing less that could make two runs differ.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIXES = ("scipy_openblas", "openblas")
_SUFFIXES = ("64_", "")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it, the OpenBLAS copies of numpy and scipy use one thread. Other BLAS libraries stay as they
    are."""
    changed: list[tuple[Callable[[int], None], int]] = []
    for library in _libraries():
        functions = _thread_functions(library)
        if functions is not None:
            read, write = functions
            changed.append((write, read()))
            write(1)
    try:
        yield
    finally:
        for write, before in changed:
            write(before)


def _libraries() -> list[ctypes.CDLL]:
    """The OpenBLAS libraries that numpy's and scipy's wheels carry; loading one again gives the copy in use."""
    found = []
    for package in ("numpy", "scipy"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent
        for place in (folder.parent / f"{package}.libs", folder / ".dylibs"):
            for path in sorted(place.glob("*openblas*")) if place.is_dir() else []:
                try:
                    found.append(ctypes.CDLL(str(path)))
                except OSError:
                    continue
    return found


def _thread_functions(library: ctypes.CDLL) -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """(how many threads, set how many), whatever the build calls them."""
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            read = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
            write = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
            if read is not None and write is not None:
                return read, write
    return None
