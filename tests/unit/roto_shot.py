"""A shot of coloured squares that move, and a stand-in engine that finds them by their colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.pipeline.runner import run_job
from backend.roto.engines import Assignment
from backend.roto.job import RotoJob, instance_key
from backend.roto.outputs import read_mask
from backend.roto.propagation import FrameMasks, StoredMask
from shared.artifacts import StageResult
from shared.messages import JobRequest
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, write_prompts
from shared.shot import ShotFolder
from tests.unit.export_shot import Recorder

WIDTH, HEIGHT, COUNT, FIRST = 48, 32, 6, 1001
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
NUMBERS = range(FIRST, FIRST + COUNT)


def box_of(label: str, number: int) -> tuple[int, int, int, int] | None:
    """x0, y0, x1, y1 of a square; the green one comes in the third frame, the blue one is gone in the last."""
    step = number - FIRST
    if (label == "green" and step < 2) or (label == "blue" and step == COUNT - 1):
        return None
    row = list(COLOURS).index(label)
    return 4 + 3 * step, 2 + 10 * row, 14 + 3 * step, 10 + 10 * row


def write_footage(folder: Path) -> Path:
    """PNG files `clip.1001.png` ..."""
    folder.mkdir(parents=True)
    for number in NUMBERS:
        picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        for label, colour in COLOURS.items():
            box = box_of(label, number)
            if box:
                picture[box[1] : box[3], box[0] : box[2]] = colour
        cv2.imwrite(str(folder / f"clip.{number}.png"), picture[..., ::-1])
    return folder


def truth(label: str, number: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    box = box_of(label, number)
    if box:
        mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def prompt(shot: ShotFolder, *labels: str, frame: int = FIRST + 2, **texts: str) -> None:
    """A click on each square, and labels with words."""
    said = {}
    for label in labels:
        x0, y0, x1, y1 = box_of(label, frame) or (0, 0, 0, 0)
        said[label] = LabelPrompts(frames={str(frame): FramePrompt(include=(((x0 + x1) / 2, (y0 + y1) / 2),))})
    write_prompts(shot, RotoPrompts(labels=said | {name: LabelPrompts(text=text) for name, text in texts.items()}))


class ColourEngine:
    """Takes the place of `run_engine`. A label's hints name the colour; words find the squares named, an instance each.
    Every frame goes through the store, as tracks do. fails_at: plate number at which it gives up."""

    def __init__(self) -> None:
        self.fails_at: int | None = None
        self.looked: list[int] = []

    def __call__(self, assignment: Assignment, job: RotoJob) -> Iterator[FrameMasks]:
        assert job.engine == assignment.engine.name and (job.width, job.height) == (WIDTH, HEIGHT)
        for done, number in enumerate(job.numbers):
            job.checkpoint("Following", done, len(job.numbers))
            if number == self.fails_at:
                raise OSError(28, "No space left on device")
            yield self._frame(job, number)

    def _frame(self, job: RotoJob, number: int) -> FrameMasks:
        keys = {label: label for label in job.hints}
        for label, words in job.texts.items():
            named = words.split()
            keys |= {instance_key(label, index): colour for index, colour in enumerate(named)}
        masks = {key: self._mask(job, key, colour, number) for key, colour in keys.items()}
        soft = {key: mask.soft.astype(np.float32) / 255 for key, mask in masks.items()}
        if not job.hints:  # instances come when they are first seen
            soft = {key: mask for key, mask in soft.items() if mask.any()}
        state = {key: masks[key].state for key in soft}
        return FrameMasks(number, soft, state, {key: masks[key].confidence for key in soft})

    def _mask(self, job: RotoJob, key: str, colour: str, number: int) -> StoredMask:
        track = "".join(sorted(f"{n}{hints.include.tolist()}" for n, hints in job.hints.get(key, {}).items()))
        if job.store.has(track, key, number):
            stored: StoredMask = job.store.get(track, key, number)
            return stored
        self.looked.append(number)
        near = (job.picture(number).astype(int) == COLOURS[colour]).all(axis=2)
        state = "prompted" if number in job.hints.get(key, {}) else "tracked" if near.any() else "hidden"
        mask = StoredMask(np.where(near, np.uint8(230), np.uint8(20)), state, 0.75)
        job.store.put(track, key, number, mask)
        return mask


def run_roto(root: Path, footage: Path, observer: Recorder | None = None, **params: Any) -> StageResult:
    request = JobRequest(str(root), str(footage), ("roto",), {"roto": params})
    return run_job(request, observer or Recorder())[-1]


def masks_in(root: Path, label: str) -> dict[int, np.ndarray]:
    """Plate number -> mask."""
    return {int(path.stem[6:]): read_mask(path) for path in sorted((root / "roto" / label).glob("frame_*.png"))}
