"""One file from a web server: whole under its own name or not there, gone on with where it broke off, and checked.

What arrived lies beside it as NAME.partial, with the version that it is of (the server's ETag) in NAME.partial.version:
a next try asks for the rest of that version only (RFC 9110: Range, If-Range) and starts again when the server has
another one. Where the server names the content's SHA-256, as the Hugging Face hub does (X-Linked-ETag), it must fit.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.errors import BacklotError, DiskFull, EngineUnavailable

Told = Callable[[int, int | None], None]
"""Bytes that are there, and of how many, None where the server does not say."""

STALL_S = 30.0
_BLOCK = 1 << 20
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?$')
_NO_SPACE = 28


class _Damaged(OSError):
    """What arrived is not what the server has: it is of no use for a next try."""


def download(
    address: str,
    place: Path,
    told: Told = lambda _done, _total: None,
    *,
    stall_s: float = STALL_S,
    sha256: str | None = None,
) -> None:
    """told: called after every block; it may raise to stop, and what arrived stays. stall_s: without a byte the
    connection counts as broken. sha256: what the content must have, whatever the server says; a file that is there and
    has it is not fetched. Raises `EngineUnavailable` when the file does not arrive whole, `DiskFull`."""
    if sha256 is not None and place.is_file() and _hash(place) == sha256:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f"{place.name}.partial")
    try:
        _fetch(address, beside, told, stall_s, sha256)
    except BacklotError:
        raise
    except (OSError, http.client.HTTPException) as error:  # URLError and time-outs are OSErrors
        if isinstance(error, _Damaged):
            _forget(beside)
        if isinstance(error, OSError) and error.errno == _NO_SPACE:
            raise DiskFull(f"The disk of {place.parent} is full.", "Make room, and try again: it goes on.") from error
        raise EngineUnavailable(
            f"{address} could not be fetched: {error}.",
            f"Try again: it goes on where it broke off. Or copy the file from another computer to {place}.",
        ) from error
    beside.replace(place)
    _version_file(beside).unlink(missing_ok=True)


def _fetch(address: str, beside: Path, told: Told, stall_s: float, sha256: str | None) -> None:
    there, version = _kept(beside)
    hashes = _Hashes()
    opener = urllib.request.build_opener(hashes)
    request = urllib.request.Request(address)
    if there:
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", version)
    try:
        answer = opener.open(request, timeout=stall_s)
    except urllib.error.HTTPError as refused:
        if refused.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _Damaged(f"{there} bytes were kept, which is not what the server has") from refused
        raise
    with answer:
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        there = there if goes_on else 0
        expected = _length(answer, there)
        _version_file(beside).write_text(answer.headers.get("ETag") or "", encoding="utf-8")
        with beside.open("ab" if goes_on else "wb") as file:
            while block := answer.read1(_BLOCK):  # what there is: a stall loses nothing
                file.write(block)
                there += len(block)
                told(there, expected)
        if expected is not None and there != expected:
            raise OSError(f"{there} of {expected} bytes arrived")
        _check(beside, sha256 or hashes.named or _named_hash(answer.headers))


def _kept(beside: Path) -> tuple[int, str]:
    """How many bytes an earlier try left, and of which version; 0 when that is not known."""
    try:
        version = _version_file(beside).read_text(encoding="utf-8")
        size = beside.stat().st_size
    except OSError:
        return 0, ""
    # A weak ETag promises the same meaning, not the same bytes.
    return (size, version) if version and not version.startswith("W/") else (0, "")


def _length(answer: Any, there: int) -> int | None:
    said = answer.headers.get("Content-Length")
    return None if said is None else there + int(said)


def _check(beside: Path, expected: str | None) -> None:
    if expected is None:
        return
    found = _hash(beside)
    if found != expected:
        raise _Damaged(f"its SHA-256 is {found[:12]}..., and should be {expected[:12]}...")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named_hash(headers: Any) -> str | None:
    for name in ("X-Linked-ETag", "ETag"):
        found = _SHA256.match(headers.get(name) or "")
        if found:
            return found[1]
    return None


class _Hashes(urllib.request.HTTPRedirectHandler):
    """Remembers the content's hash that a hub names before it sends one on to where the file lies."""

    named: str | None = None

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.named = _named_hash(headers) or self.named
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _forget(beside: Path) -> None:
    beside.unlink(missing_ok=True)
    _version_file(beside).unlink(missing_ok=True)


def _version_file(beside: Path) -> Path:
    return beside.with_name(f"{beside.name}.version")
