"""`roto.preview` without the backend: the object is its boxes, and a disc about every include point."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shared.errors import ArtifactMissing, InvalidRequest
from shared.roto_messages import PreviewReply, PreviewRequest, pack_rows, require_preview
from shared.roto_prompts import require_label, require_valid_prompt
from shared.shot import ShotFolder

_RADIUS = 0.1
"""Of the discs, in heights of the plate."""


def preview(request: PreviewRequest) -> PreviewReply:
    """Raises what the real backend would."""
    require_preview(request)
    require_label(request.label)
    require_valid_prompt(request.prompts, request.label)
    shot = ShotFolder(Path(request.shot))
    if not shot.frame_path(request.frame).is_file():
        raise ArtifactMissing(f"{request.shot} has no plate frame {request.frame}.")
    facts = shot.read().facts
    mask = _mask(request, facts.width, facts.height)
    rows = [row.tobytes() for row in np.packbits(mask, axis=1)]
    return PreviewReply(request.frame, facts.width, facts.height, pack_rows(rows), 0.0)


def _mask(request: PreviewRequest, width: int, height: int) -> np.ndarray:
    said = request.prompts
    mask = np.zeros((height, width), bool)
    y, x = np.mgrid[:height, :width] + 0.5
    for x0, y0, x1, y1 in said.boxes:
        mask |= (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    for name, value in (("include", True), ("exclude", False)):
        for px, py in getattr(said, name):
            if not (0 <= px < width and 0 <= py < height):
                raise InvalidRequest(
                    f"{request.label!r} has an {name} point outside of the picture, at frame {request.frame}."
                )
            mask[np.hypot(x - px, y - py) < _RADIUS * height] = value
    if not (said.include or said.boxes or said.strokes or said.mask or said.absent):
        raise InvalidRequest(f"{request.label!r} has no hint of where it is, at frame {request.frame}.")
    return mask
