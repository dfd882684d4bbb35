"""All masks of a frame in one OpenEXR file, a layer for each label with the one channel A.

The names follow OpenEXR's convention for layers ("layer.channel", Technical Introduction to OpenEXR). Programs allow
letters, digits and `_` in a layer's name, so other signs become `_`; the attribute `backlot/labels` keeps the labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from .pictures import Layout, Plane

LABELS = "backlot/labels"
"""Attribute: JSON map from layer to label."""


def multilayer(labels: Sequence[str]) -> Layout:
    """The layout for these labels."""
    layers = layer_names(labels)
    metadata = {LABELS: json.dumps({layers[label]: label for label in labels}, ensure_ascii=False)}

    def channels(planes: dict[str, Plane]) -> dict[str, Plane]:
        return {f"{layers[label]}.A": plane for label, plane in planes.items()}

    return Layout(metadata, channels)


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
