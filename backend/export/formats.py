"""The formats of the export stage: their names, whose axes they are in, who writes them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidParameter
from shared.stages import ExportParams


@dataclass(frozen=True)
class Format:
    """axes, order: convention and rotation order when the user names none, "" where the format has none.
    for_lens: only of use when the plate is distorted."""

    name: str
    axes: str = ""
    order: str = ""
    needs_blender: bool = False
    for_lens: bool = False


FORMATS = (
    Format("abc", "maya", needs_blender=True),
    Format("usda", "usd"),
    Format("usdc", "usd"),
    Format("fbx", "maya", needs_blender=True),
    Format("chan", "nuke", "zxy"),
    Format("csv", "blender", "xyz"),
    Format("jsx"),
    Format("clip", "houdini", "xyz"),
    Format("nk", "nuke", "zxy"),
    Format("colmap", "backlot"),
    Format("stmap", for_lens=True),
    Format("undistorted", for_lens=True),
    Format("analysis"),
)
AUTO = "auto"
_NOT_BY_DEFAULT = ("usdc",)
"""The same scene as usda; who wants it binary asks for it."""


def named_formats(params: ExportParams) -> tuple[str, ...]:
    """The names that the user gave, tidied; none when nothing was given."""
    parts = params.formats.replace(";", ",").split(",")
    return tuple(part.strip().lower().lstrip(".") for part in parts if part.strip())


def chosen_formats(params: ExportParams, *, distorted: bool, have_blender: bool) -> tuple[Format, ...]:
    """What to write, in the order of `FORMATS`. Raises `InvalidParameter` for a name that is none."""
    names = named_formats(params)
    known = {known.name for known in FORMATS}
    for name in names:
        if name not in known | {AUTO}:
            raise InvalidParameter(
                f"{name!r} is not a format that Backlot writes.", f"It writes: {', '.join(f.name for f in FORMATS)}."
            )
    if names and AUTO not in names:
        return tuple(known for known in FORMATS if known.name in names)
    return tuple(
        found
        for found in FORMATS
        if found.name in names
        or not (
            found.name in _NOT_BY_DEFAULT
            or (found.for_lens and not distorted)
            or (found.needs_blender and not have_blender)
        )
    )
