"""Previews of a shot's frames: the last frames stay warm."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.media.plate import PlateReader
from shared.artifacts import frame_name
from shared.errors import ArtifactMissing
from shared.roto_messages import PreviewReply, PreviewRequest, pack_rows
from shared.shot import ShotFolder

from .cutter import Cutter
from .files import read_mask
from .hints import Hints
from .movement import beside

_WARM_FRAMES = 3

Identity = tuple[str, int, int]


class Previewer:
    """Answers one request at a time."""

    def __init__(self) -> None:
        self._warm: OrderedDict[Identity, Cutter] = OrderedDict()

    def preview(self, request: PreviewRequest, checkpoint: Callable[[], None]) -> PreviewReply:
        """checkpoint: called between steps, raises to stop. Raises `ArtifactMissing`, `ShotCorrupt`, `InvalidRequest`
        naming label and frame."""
        started = time.perf_counter()
        shot = ShotFolder(Path(request.shot))
        cutter = self._cutter(shot, request.frame)
        checkpoint()
        painted = None if request.prompts.mask is None else read_mask(shot.roto_dir / request.prompts.mask)
        hints = Hints.of(request.prompts, mask=painted, label=request.label, frame=request.frame)
        soft = cutter.soft_mask(hints, start=_known_mask(shot, request), checkpoint=checkpoint)
        mask = soft >= 0.5
        rows = [row.tobytes() for row in np.packbits(mask, axis=1)]
        height, width = mask.shape
        return PreviewReply(request.frame, width, height, pack_rows(rows), time.perf_counter() - started)

    def _cutter(self, shot: ShotFolder, frame: int) -> Cutter:
        path = shot.frame_path(frame)
        try:
            facts = path.stat()
        except FileNotFoundError as gone:
            raise ArtifactMissing(f"{shot.root} has no plate frame {frame}.", "Run ingest on a clip first.") from gone
        identity = (str(path), facts.st_size, facts.st_mtime_ns)
        cutter = self._warm.pop(identity, None) or _cutter_of(shot, frame)
        self._warm[identity] = cutter
        while len(self._warm) > _WARM_FRAMES:
            self._warm.popitem(last=False)
        return cutter


def _cutter_of(shot: ShotFolder, frame: int) -> Cutter:
    with PlateReader(shot, use_masks=False, cache=2, ahead=0) as plate:
        if frame not in plate.numbers:
            raise ArtifactMissing(f"{shot.root} has no plate frame {frame}.")
        neighbour = beside(frame, plate.numbers)
        moving = None if neighbour is None else plate.rgb(plate.numbers.index(neighbour))
        return Cutter(plate.rgb(plate.numbers.index(frame)), moving)


def _known_mask(shot: ShotFolder, request: PreviewRequest) -> NDArray[np.float32] | None:
    """The object's mask in the shot, where the hints correct it: a box or a painted mask begins anew."""
    path = shot.roto_dir / request.label / frame_name(request.frame)
    if request.prompts.boxes or request.prompts.mask is not None or not path.is_file():
        return None
    return read_mask(path).astype(np.float32)
