"""Takes out of a report who somebody is and what opens doors: names in paths, computers, passwords. No bpy here.

Paths come in every dress: with either slash, doubled as Python and JSON write them, with escaped letters, as addresses.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY", re.IGNORECASE)
_LEAST_SECRET = 6
_LEAST_HOST = 4
_SLASH = r"(?:/|\\{1,4}|%2F|%5C)"
_NO_SLASH = r"(?:[^/\\%\r\n\"'<>|:*?]|%(?!2F|5C)[0-9A-Fa-f]{2}|\\{1,2}u[0-9a-fA-F]{4})"
_SOMEBODY = re.compile(rf"((?:^|{_SLASH})(?:home|Users|run{_SLASH}media|media){_SLASH})({_NO_SLASH}+)", re.IGNORECASE)
"""A user's folder, also one of another computer; a word that ends no path is kept by `_end`."""
_SERVER = re.compile(r"(?<![\\\w:.)~%-])(\\{2,4}|(?<![/])//)([\w.$-]+)(\\{1,2}|/)(?=[\w$])")
_URL_LOGIN = re.compile(r"(\w+://)[^/\s@\"']+@")
_NAMED = re.compile(
    r"((?:[\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|access[_-]?key|credential)[\w-]*)[\"']?\s*[=:]\s*[\"']?)"
    r"(?!\s)[^\s\"'&,;]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"((?:Bearer|Basic)\s+)[\w.~+/=-]{6,}")
_MAIL = re.compile(r"(?<![\w./:+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def redacted(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Without the user's folder and name (paths below the folder begin with ~), servers, passwords and tokens."""
    for secret in sorted(_secrets(environment), key=len, reverse=True):
        text = text.replace(secret, "SECRET")
    text = _URL_LOGIN.sub(r"\1LOGIN@", text)
    text = _BEARER.sub(r"\1SECRET", _NAMED.sub(r"\1SECRET", text))
    text = _MAIL.sub("EMAIL", text)
    text = _without_home(text)
    text = _SOMEBODY.sub(lambda found: found[1] + _user_in(found[2]), text)
    text = _SERVER.sub(r"\1SERVER\3", text)
    return _without_names(text)


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if _SECRET_NAME.search(name) and len(value) >= _LEAST_SECRET and not Path(value).exists():
            yield value


def _without_home(text: str) -> str:
    for home in sorted(_dresses(str(Path.home())), key=len, reverse=True):
        flags = re.IGNORECASE if re.match(r"[A-Za-z]:", home) else 0
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text, flags=flags)
    return text


def _dresses(folder: str) -> set[str]:
    """The ways in which a folder may be written."""
    if len(Path(folder).parts) < 2:
        return set()
    plain = {folder, folder.replace("\\", "/")}
    doubled = {one.replace("\\", "\\\\") for one in plain}
    escaped = {json.dumps(one)[1:-1] for one in plain}
    return plain | doubled | escaped | {quote(one) for one in plain} | {ascii(one)[1:-1] for one in plain}


def _user_in(words: str) -> str:
    """What stands in a user's place. A sentence may go on behind the path: then the name ends at its first space."""
    known = _user()
    if known and re.match(rf"{re.escape(known)}(?![\w.-])", words, re.IGNORECASE):
        return f"USER{words[len(known) :]}"
    return "USER"


def _without_names(text: str) -> str:
    name, host = _user(), platform.node()
    for one in {name, quote(name), json.dumps(name)[1:-1]} if name else ():
        text = re.sub(rf"(?<=[/\\]){re.escape(one)}(?=[/\\\"'\s,;:)]|$)", "USER", text, flags=re.MULTILINE)
    if len(host) >= _LEAST_HOST and host != "localhost":
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "COMPUTER", text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
