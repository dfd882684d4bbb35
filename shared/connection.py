"""How a client finds the backend: a connection file that only this user can read.

The file lies in Backlot's home folder and is there exactly while a server listens. A server that was
killed leaves it behind; `read` notices that its process is gone.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import BackendNotRunning, MalformedMessage
from .process_facts import process_exists
from .wire import pack, unpack

HOME_VARIABLE = "BACKLOT_HOME"


def home_dir() -> Path:
    """Folder of Backlot's own state: connection file, job history, logs, environment record.
    `BACKLOT_HOME` overrides the platform's place."""
    override = os.environ.get(HOME_VARIABLE)
    if override:
        return Path(override)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "Backlot"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Backlot"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "backlot"


def connection_path(home: Path) -> Path:
    return home / "connection.json"


@dataclass(frozen=True)
class Connection:
    """Where a server listens. token: proves that the client can read this user's files."""

    host: str
    port: int
    token: str
    pid: int
    protocol: int
    version: str


def new_token() -> str:
    return os.urandom(32).hex()


def write(home: Path, connection: Connection) -> None:
    """Publishes the server: atomically, and readable by this user only from the first byte on."""
    make_private(home)
    path = connection_path(home)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(pack(connection), file)
    beside.replace(path)


def make_private(home: Path) -> None:
    """The home folder, for this user only (on Windows the profile's own rights do that)."""
    home.mkdir(parents=True, exist_ok=True)
    if sys.platform != "win32":
        home.chmod(0o700)


def read(home: Path) -> Connection:
    """The running server's connection. Raises `BackendNotRunning`, also for what a killed one left."""
    path = connection_path(home)
    try:
        connection = unpack(Connection, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as none:
        raise BackendNotRunning("The Backlot backend is not running.") from none
    except (json.JSONDecodeError, UnicodeDecodeError, MalformedMessage) as bad:
        raise BackendNotRunning(f"The connection file {path} cannot be read: {bad}") from bad
    if not process_exists(connection.pid):
        raise BackendNotRunning("The Backlot backend has stopped without saying goodbye.")
    return connection


def is_left_behind(home: Path) -> bool:
    """Whether there is a connection file whose server has died."""
    try:
        read(home)
    except BackendNotRunning:
        return connection_path(home).exists()
    return False


def remove(home: Path, pid: int) -> None:
    """Removes the file if it is still the one of process `pid`."""
    try:
        mine = unpack(Connection, json.loads(connection_path(home).read_text(encoding="utf-8"))).pid == pid
    except (OSError, json.JSONDecodeError, MalformedMessage):
        return
    if mine:
        connection_path(home).unlink(missing_ok=True)
