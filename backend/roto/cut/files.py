"""Masks as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import ArtifactMissing, ShotCorrupt


def read_mask(path: Path, remedy: str = "Paint it again, or remove its prompt.") -> NDArray[np.bool_]:
    """bool [H,W], from an 8- or 16-bit picture, set from half of white on. Raises `ArtifactMissing`, `ShotCorrupt`."""
    try:
        # Through memory: OpenCV cannot open every path on Windows.
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    except FileNotFoundError as gone:
        raise ArtifactMissing(f"The mask {path} is missing.", remedy) from gone
    except (OSError, cv2.error) as bad:
        raise ShotCorrupt(f"The mask {path} cannot be read: {bad}.", remedy) from bad
    if image is None:
        raise ShotCorrupt(f"The mask {path} is damaged.", remedy)
    return np.asarray(image > 127)
