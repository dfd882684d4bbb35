"""How a stage's parameters are declared, once, for everyone.

A stage's parameters are a frozen dataclass whose fields are made with `param(...)`. From that one
declaration come validation (`validate`), the command line's flags (`command_line.py`), Blender's
property groups (`blender_addon/properties.py`) and the reference pages.

Field types are bool, int, float and str, or one of them `| None` where None means "decide for me".
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .errors import InvalidParameter

T = TypeVar("T")
_KEY = "backlot.param"


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    help: str


@dataclass(frozen=True)
class ParamSpec:
    """One declared parameter. `unit` is a word for people ("px", "mm", "frame", "fps"), empty for none;
    `minimum` and `maximum` are inclusive; `choices` empty means free; `folded` parameters are shown
    only when asked for; `flags` are the command line's names, long one first; `off_flags` set a bool to false."""

    name: str
    kind: type
    optional: bool
    default: Any
    help: str
    label: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[Choice, ...]
    flags: tuple[str, ...]
    folded: bool
    off_flags: tuple[str, ...] = ()


def param(
    default: Any,
    *,
    help: str,
    label: str = "",
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Choice, ...] = (),
    flags: tuple[str, ...] = (),
    folded: bool = False,
    off_flags: tuple[str, ...] = (),
) -> Any:
    """A dataclass field that carries its declaration. See `ParamSpec` for the words."""
    declared = {
        "help": help, "label": label, "unit": unit, "minimum": minimum, "maximum": maximum,
        "choices": choices, "flags": flags, "folded": folded, "off_flags": off_flags,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata={_KEY: declared})


@functools.cache
def specs(kind: Any) -> tuple[ParamSpec, ...]:
    """The declarations of a parameter dataclass, in order."""
    assert isinstance(kind, type) and dataclasses.is_dataclass(kind)
    hints = typing.get_type_hints(kind)
    return tuple(_spec(field, hints[field.name]) for field in dataclasses.fields(kind))


def _spec(field: dataclasses.Field[Any], hint: Any) -> ParamSpec:
    declared = dict(field.metadata[_KEY])
    kind, optional = _base_type(hint)
    dashed = field.name.replace("_", "-")
    return ParamSpec(
        name=field.name,
        kind=kind,
        optional=optional,
        default=field.default,
        **{
            **declared,
            "label": declared["label"] or field.name.replace("_", " ").capitalize(),
            "flags": declared["flags"] or (f"--{dashed}",),
        },
    )


def _base_type(hint: Any) -> tuple[type, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (only,) = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return only, True
    return hint, False


def validate(kind: type[T], values: Mapping[str, Any]) -> T:
    """A parameter object from named values; defaults for the rest. Raises `InvalidParameter` with a
    sentence that names the parameter, what it got, and what it takes."""
    known = {spec.name: spec for spec in specs(kind)}  # type: ignore[arg-type]  # mypy does not know that classes hash
    unknown = sorted(set(map(str, values)) - set(known))
    if unknown:
        raise InvalidParameter(
            f"{_title(kind)} has no parameter named {', '.join(unknown)}.",
            f"It takes: {', '.join(known)}.",
        )
    return kind(**{name: _checked(known[name], value) for name, value in values.items()})


def to_values(params: Any) -> dict[str, Any]:
    """Every parameter of an object by name, plain values: the form that travels and is hashed."""
    kind: Any = type(params)
    return {spec.name: getattr(params, spec.name) for spec in specs(kind)}


def recorded_values(kind: Any, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter as it was when values were recorded: one that did not exist then counts as its default."""
    return {spec.name: spec.default for spec in specs(kind)} | dict(recorded)


def _title(kind: type) -> str:
    return kind.__name__.removesuffix("Params") or kind.__name__


def _checked(spec: ParamSpec, value: Any) -> Any:
    if value is None and spec.optional:
        return None
    if spec.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, spec.kind) or (spec.kind is not bool and isinstance(value, bool)):
        raise InvalidParameter(f"{spec.label} should be {_describe(spec)}, not {value!r}.", spec.help)
    if spec.choices and value not in {choice.value for choice in spec.choices}:
        raise InvalidParameter(f"{spec.label} should be {_describe(spec)}, not {value!r}.", spec.help)
    if spec.kind in (int, float) and not _in_range(spec, value):
        raise InvalidParameter(f"{spec.label} should be {_describe(spec)}, not {value!r}.", spec.help)
    return value


def _in_range(spec: ParamSpec, value: Any) -> bool:
    low = -math.inf if spec.minimum is None else spec.minimum
    high = math.inf if spec.maximum is None else spec.maximum
    return math.isfinite(value) and low <= value <= high


def _describe(spec: ParamSpec) -> str:
    if spec.choices:
        return "one of " + ", ".join(choice.value for choice in spec.choices)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[spec.kind]
    if spec.minimum is not None and spec.maximum is not None:
        words += f" from {spec.minimum:g} to {spec.maximum:g}"
    elif spec.minimum is not None:
        words += f" of at least {spec.minimum:g}"
    elif spec.maximum is not None:
        words += f" of at most {spec.maximum:g}"
    return f"{words} {spec.unit}".rstrip()
