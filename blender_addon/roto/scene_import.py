"""Brings masks and mattes into a scene, in short steps; what was imported before is updated in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..importers.shot_import import shot_name
from ..shared.artifacts import MATTE, ROTO, frame_name
from . import objects
from .editor import load_plate
from .holdout import fill_group
from .markers import place_markers
from .mask_import import ImportedMask, import_mask
from .results import RotoContents, read_roto

_DATA = "Non-Color"


@dataclass(frozen=True)
class ImportedRoto:
    """labels: in the scene now. splines: how many labels got a mask of splines. markers: frames that need a look.
    notes: sentences for the artist."""

    labels: tuple[str, ...]
    splines: int
    markers: int
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line for the status bar."""
        parts = [f"masks of {', '.join(self.labels)}"]
        if self.splines:
            parts.append(f"{self.splines} with splines")
        if self.markers:
            parts.append(f"{self.markers} places to look at (markers)")
        return "; ".join([", ".join(parts), *self.notes])


def import_roto(scene: bpy.types.Scene, root: Path) -> ImportedRoto:
    """Reads and imports at once. Raises `ArtifactMissing`, `ShotCorrupt`."""
    result = None
    for step in import_steps(scene, read_roto(root)):
        result = step
    assert result is not None
    return result


def import_steps(scene: bpy.types.Scene, contents: RotoContents) -> Iterator[ImportedRoto | None]:
    """Imports in steps; the last one yields the result."""
    name, notes, with_splines = shot_name(contents.root), [], 0
    load_plate(scene)
    for label in contents.labels:
        title = f"{name} {label.label}"
        result = _result(scene, label.label)
        result.mask_image = _sequence(result.mask_image, contents, ROTO, label.label, label.masks, f"{title} Mask")
        result.matte_image = _sequence(result.matte_image, contents, MATTE, label.label, label.mattes, f"{title} Matte")
        yield None
        if label.splines:
            made = None
            for made in import_mask(result.mask, result.mask_state, contents, label, title):  # noqa: B007
                yield None
            notes += _settle(_result(scene, label.label), made)
            with_splines += 1
        result = _result(scene, label.label)  # the collection may have moved it meanwhile
        if result.group is not None:
            fill_group(scene, result)
    _forget_others(scene, {label.label for label in contents.labels})
    markers = place_markers(scene, contents.report)
    yield ImportedRoto(tuple(label.label for label in contents.labels), with_splines, markers, tuple(notes))


def _settle(result: Any, made: ImportedMask) -> list[str]:
    result.mask, result.mask_state = made.mask, made.state
    if made.is_kept:
        return [f"the mask {made.mask.name} stays as you changed it (delete it to get the new one)"]
    return []


def _result(scene: bpy.types.Scene, label: str) -> Any:
    """The entry of a label, made if need be."""
    results = objects.of_scene(scene).results
    found = results.get(label)
    if found is None:
        found = results.add()
        found.name = label
    if found.mask is None:
        found.mask_state = ""
    return found


def _forget_others(scene: bpy.types.Scene, labels: set[str]) -> None:
    """Entries of labels that the shot has no more. What the artist uses of them is his own now."""
    results = objects.of_scene(scene).results
    for index in reversed(range(len(results))):
        if results[index].name not in labels:
            results.remove(index)


def _sequence(
    image: bpy.types.Image | None, contents: RotoContents, kind: str, label: str, numbers: tuple[int, ...], name: str
) -> bpy.types.Image | None:
    """The frames as an image sequence; the image that was imported before is kept, and read again."""
    if not numbers:
        return image
    first = str(contents.root / kind / label / frame_name(numbers[0]))
    if image is None:
        image = bpy.data.images.load(first)
        image.name = name
    elif bpy.path.abspath(image.filepath) != first:
        image.filepath = first
    else:
        image.reload()
    image.source = "SEQUENCE"
    image.colorspace_settings.name = _DATA
    return image
