"""Blender properties from the stages' parameter declarations (`shared/stages.py`).

Nothing is typed twice: names, ranges, units, choices and tooltips come from there. A parameter that may
be empty ("decide for me") becomes two properties: `use_<name>`, off by default, and its value. Text needs
no such pair: empty text is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import bpy

from . import wording
from .shared.params import ParamSpec, specs

_FIRST_VALUE = {"mm": 35.0, "px": 1000.0, "m": 1.7}
"""What an optional number shows when it is switched on for the first time, by unit."""
_SUBTYPES = {"px": "PIXEL"}
_UNITS = {"mm": "CAMERA"}
UNIT_WORDS = {
    "mm": "millimetres",
    "px": "pixels",
    "m": "metres",
    "ms": "milliseconds",
    "frame": "frame",
    "fps": "frames per second",
    "units": "world units",
}
"""What a tooltip calls the unit of a declaration."""

_FLOAT_DIGITS = 7
_HUGE = 2**31 - 1


def property_group(params: type, name: str) -> type[bpy.types.PropertyGroup]:
    """A property group class (not registered yet) with the parameters of a stage."""
    annotations: dict[str, Any] = {}
    for spec in specs(params):
        if has_switch(spec):
            annotations[switch_name(spec)] = bpy.props.BoolProperty(name=label(spec), description=tooltip(spec))
        annotations[spec.name] = _property(spec)
    return type(name, (bpy.types.PropertyGroup,), {"__annotations__": annotations, "__doc__": params.__doc__})


def values(group: bpy.types.PropertyGroup, params: type) -> dict[str, Any]:
    """The parameters as the backend takes them: only those that differ from their defaults."""
    found = {spec.name: _value(group, spec) for spec in specs(params)}
    return {spec.name: found[spec.name] for spec in specs(params) if found[spec.name] != spec.default}


def reset(group: bpy.types.PropertyGroup, params: type, keep: Collection[str] = ()) -> None:
    """Every parameter as it is declared, except those to keep."""
    for spec in specs(params):
        if spec.name not in keep:
            group.property_unset(spec.name)
            if has_switch(spec):
                group.property_unset(switch_name(spec))


def assign(group: bpy.types.PropertyGroup, params: type, wanted: Mapping[str, Any]) -> None:
    """Sets the named parameters; None stands for "decide for me"."""
    for spec in specs(params):
        if spec.name not in wanted:
            continue
        value = wanted[spec.name]
        if has_switch(spec):
            setattr(group, switch_name(spec), value is not None)
        if value is not None:
            setattr(group, spec.name, value)
        elif spec.kind is str:
            setattr(group, spec.name, "")


def draw(
    layout: bpy.types.UILayout, group: bpy.types.PropertyGroup, spec: ParamSpec, active: bool = True, text: str = ""
) -> None:
    """One row for a parameter. active: False greys it out: it has no effect now. text: instead of its label."""
    text = text or label(spec)
    if not has_switch(spec):
        row = layout.row(align=True)
        row.active = active
        hint = {"placeholder": "Automatic"} if spec.kind is str and spec.optional else {}
        row.prop(group, spec.name, text=text, **hint)
        return
    row = layout.row(align=True, heading=text)
    row.active = active
    row.prop(group, switch_name(spec), text="")
    value = row.row(align=True)
    value.active = active and getattr(group, switch_name(spec))
    value.prop(group, spec.name, text="")


def label(spec: ParamSpec) -> str:
    return wording.title(spec.label)


def tooltip(spec: ParamSpec) -> str:
    """The help, with the unit, and without the full stop that Blender adds itself."""
    said = _sentence(spec.help)
    if has_switch(spec):  # there is nothing to leave empty, but a switch
        said = said.replace("Empty:", "Off:").replace("Empty ", "Off ").replace("empty", "off")
    word = UNIT_WORDS.get(spec.unit, "")
    return said if word.removesuffix("s") in said.lower() else f"{said}. In {word}"


def has_switch(spec: ParamSpec) -> bool:
    return spec.optional and spec.kind is not str


def switch_name(spec: ParamSpec) -> str:
    return f"use_{spec.name}"


def _value(group: bpy.types.PropertyGroup, spec: ParamSpec) -> Any:
    if has_switch(spec) and not getattr(group, switch_name(spec)):
        return None
    value = getattr(group, spec.name)
    if spec.kind is float:
        # Blender stores 32 bits: 24.89 would come out as 24.889999389648438.
        return float(f"{value:.{_FLOAT_DIGITS}g}")
    if spec.kind is str and spec.optional and not value.strip():
        return None
    return value


def _property(spec: ParamSpec) -> Any:
    words = {"name": label(spec), "description": tooltip(spec)}
    if spec.choices:
        items = [(choice.value, wording.title(choice.label), _sentence(choice.help)) for choice in spec.choices]
        return bpy.props.EnumProperty(**words, items=items, default=spec.default)
    if spec.kind is bool:
        return bpy.props.BoolProperty(**words, default=spec.default)
    if spec.kind is str:
        return bpy.props.StringProperty(**words, default=spec.default or "")
    return _number(spec, words)


def _number(spec: ParamSpec, words: dict[str, str]) -> Any:
    low = -_HUGE if spec.minimum is None else spec.minimum
    high = _HUGE if spec.maximum is None else spec.maximum
    first = spec.default if spec.default is not None else _FIRST_VALUE.get(spec.unit, 1.0)
    first = min(max(first, low), high)
    subtype = _SUBTYPES.get(spec.unit, "NONE")
    if spec.kind is int:
        return bpy.props.IntProperty(
            **words, default=int(first), min=int(low), max=int(min(high, _HUGE)), subtype=subtype
        )
    return bpy.props.FloatProperty(
        **words, default=first, min=low, max=high, subtype=subtype, unit=_UNITS.get(spec.unit, "NONE"), precision=2
    )


def _sentence(text: str) -> str:
    """Blender adds the full stop of a tooltip itself."""
    return text.rstrip(".")
