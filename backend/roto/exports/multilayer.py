"""All masks of a frame in one OpenEXR file, a layer for each label with the one channel A.

The names follow OpenEXR's convention for layers ("layer.channel", Technical Introduction to OpenEXR). Programs allow
letters, digits and `_` in a layer's name, so other signs become `_`; the attribute `backlot/labels` keeps the labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from shared.artifacts import frame_name

from .pictures import Checkpoint, Picture, planes_of, require_labels, write_exr

LABELS = "backlot/labels"
"""Attribute: JSON map from layer to label."""


def write_multilayer(
    folder: Path,
    labels: Sequence[str],
    numbers: Sequence[int],
    picture: Picture,
    checkpoint: Checkpoint,
    pixel_aspect: float = 1.0,
) -> None:
    """`folder/frame_0001.exr` for each of the numbers. Raises `InvalidRequest` without labels or for masks of different
    sizes, `DiskFull`, `ShotReadOnly`."""
    names = list(labels)
    require_labels(names)
    layers = layer_names(names)
    metadata = {LABELS: json.dumps({layers[label]: label for label in names}, ensure_ascii=False)}
    for done, number in enumerate(numbers):
        checkpoint(done, len(numbers))
        planes = {f"{layers[label]}.A": plane for label, plane in planes_of(picture, names, number).items()}
        write_exr(folder / frame_name(number, "exr"), planes, pixel_aspect, metadata)


def layer_names(labels: Sequence[str]) -> dict[str, str]:
    """Label -> layer, each different: a second one of a name gets `_2`, and so on."""
    found: dict[str, str] = {}
    for label in labels:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", label)
        plain = plain if plain[:1].isalpha() else f"roto_{plain}"
        name, count = plain, 1
        while name in found.values():
            count += 1
            name = f"{plain}_{count}"
        found[label] = name
    return found
