"""Frozen dataclasses to and from plain values: what MessagePack and JSON can carry.

`pack` makes maps, lists, strings, numbers, booleans and None. `unpack` is strict: a missing
field or a value of another type is `MalformedMessage` naming the place, so that a wrong file or message is
refused at the border and never half understood. Keys it does not know are left out: a newer version's
files and messages may carry more.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from .errors import MalformedMessage

T = TypeVar("T")


def pack(value: Any) -> Any:
    """The plain form of a dataclass, or of lists, tuples and maps that hold them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: pack(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack(item) for item in value]
    return value


def unpack(kind: type[T], plain: Any, where: str = "") -> T:
    """A `kind` (a dataclass) from its plain form. Raises `MalformedMessage`."""
    where = where or kind.__name__
    if not isinstance(plain, Mapping):
        raise MalformedMessage(f"{where} should be a map, not {type(plain).__name__}.")
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy does not know that classes hash
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    missing = [name for name, field in fields.items() if name not in plain and _required(field)]
    if missing:
        raise MalformedMessage(f"{where} lacks {', '.join(missing)}.")
    return kind(**{name: _value(hints[name], plain[name], f"{where}.{name}") for name in plain if name in fields})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(hint: Any, plain: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any:
        return plain
    if origin in (typing.Union, types.UnionType):
        return _union(typing.get_args(hint), plain, where)
    if origin in (tuple, list):
        return _sequence(hint, plain, where)
    if origin is dict:
        return _map(hint, plain, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return unpack(hint, plain, where)
    return _scalar(hint, plain, where)


def _union(options: tuple[Any, ...], plain: Any, where: str) -> Any:
    if plain is None and type(None) in options:
        return None
    (only,) = [option for option in options if option is not type(None)]  # only Optional[X] is declared
    return _value(only, plain, where)


def _sequence(hint: Any, plain: Any, where: str) -> Any:
    if not isinstance(plain, (list, tuple)):
        raise MalformedMessage(f"{where} should be a list, not {type(plain).__name__}.")
    args = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return [_value(args[0], item, f"{where}[{i}]") for i, item in enumerate(plain)]
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_value(args[0], item, f"{where}[{i}]") for i, item in enumerate(plain))
    if len(args) != len(plain):
        raise MalformedMessage(f"{where} should have {len(args)} items, not {len(plain)}.")
    return tuple(_value(arg, item, f"{where}[{i}]") for i, (arg, item) in enumerate(zip(args, plain, strict=True)))


def _map(hint: Any, plain: Any, where: str) -> dict[Any, Any]:
    if not isinstance(plain, Mapping):
        raise MalformedMessage(f"{where} should be a map, not {type(plain).__name__}.")
    key_hint, item_hint = typing.get_args(hint)
    return {_value(key_hint, k, where): _value(item_hint, v, f"{where}.{k}") for k, v in plain.items()}


def _scalar(hint: Any, plain: Any, where: str) -> Any:
    if hint is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if not isinstance(plain, hint) or (hint is int and isinstance(plain, bool)):
        raise MalformedMessage(f"{where} should be {hint.__name__}, not {type(plain).__name__}.")
    return plain
