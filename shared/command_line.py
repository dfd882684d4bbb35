"""Command-line flags made from the stages' parameter declarations."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from .errors import InvalidRequest
from .params import ParamSpec, specs
from .stages import STAGES, StageInfo

LATER_FLAGS = {
    "-i": "materials",
    "--iterations": "materials",
}
"""Flags with a fixed meaning that belong to stages this version does not have yet."""


def add_stage_flags(parser: argparse.ArgumentParser) -> None:
    """A group of flags for every stage. Only what the user gives ends up in the namespace."""
    for info in STAGES:
        group = parser.add_argument_group(f"{info.name}: {info.help.lower()}")
        for spec in specs(info.params):
            group.add_argument(*sorted(spec.flags, key=len), dest=_dest(info, spec), **_settings(spec))
            if spec.off_flags:
                group.add_argument(*spec.off_flags, dest=_dest(info, spec), **_off_settings(spec))


def stage_values(namespace: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What the user gave, as stage -> parameter -> value."""
    given: dict[str, dict[str, Any]] = {}
    for info in STAGES:
        for spec in specs(info.params):
            if hasattr(namespace, _dest(info, spec)):
                given.setdefault(info.name, {})[spec.name] = getattr(namespace, _dest(info, spec))
    return given


def implied_stages(values: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Stages that the given parameters ask for by themselves: a dense cloud or a mesh (`-s solve -d`) is the depth
    stage's."""
    depth = values.get("depth", {})
    return ("depth",) if any(depth.get(name) for name in ("dense", "mesh", "frame_meshes")) else ()


def refuse_later_flags(arguments: list[str]) -> None:
    """Raises `InvalidRequest` for a flag whose stage is still to come, rather than calling it unknown."""
    for argument in arguments:
        stage = LATER_FLAGS.get(argument.partition("=")[0])
        if stage:
            raise InvalidRequest(
                f"{argument} belongs to the stage {stage!r}, which this version of Backlot does not have.",
                "Leave it out, or update Backlot.",
            )


def _dest(info: StageInfo, spec: ParamSpec) -> str:
    return f"{info.name}.{spec.name}"


def _settings(spec: ParamSpec) -> dict[str, Any]:
    text = spec.help.replace("%", "%%")
    if spec.kind is bool:
        return {"action": "store_true", "default": argparse.SUPPRESS, "help": text}
    settings: dict[str, Any] = {"type": spec.kind, "default": argparse.SUPPRESS, "help": text + _default_text(spec)}
    if spec.choices:
        settings["choices"] = [choice.value for choice in spec.choices]
        settings["metavar"] = "NAME" if len(spec.choices) > 6 else "|".join(settings["choices"])
    else:
        settings["metavar"] = (spec.unit or spec.kind.__name__).upper()
    return settings


def _off_settings(spec: ParamSpec) -> dict[str, Any]:
    text = f"The opposite of {spec.flags[0]}.{'' if spec.default else ' This is the default.'}"
    return {"action": "store_false", "default": argparse.SUPPRESS, "help": text}


def _default_text(spec: ParamSpec) -> str:
    return "" if spec.default is None else f" Default: {spec.default}."
