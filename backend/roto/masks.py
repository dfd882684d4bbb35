"""Runs the engines over a plate: their masks of every frame, on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.frame_ranges import chosen_frames
from backend.media.plate import PlateReader
from backend.pipeline.context import StageContext
from shared.errors import InternalError
from shared.roto_params import RotoParams

from .cut.hints import Hints
from .engines import Assignment, run_engine
from .hints import Said
from .job import Picture, RotoJob
from .labels import instance_name
from .propagation import FrameMasks
from .store import DiskMaskStore
from .timing import Clock

READING, ENGINE, WRITING, JUDGING = "reading", "engine", "writing", "judging"
"""Names of the clock: the plate's pictures, the engine itself, the masks' files, what the report says of them. The
store's files are `store.KEEPING`."""


def chosen_numbers(params: RotoParams, numbers: Sequence[int]) -> tuple[int, ...]:
    """The plate numbers that get new masks. Raises `FootageEmpty`."""
    return chosen_frames(numbers, params.frame_start, params.frame_end, "--roto-start and --roto-end")


def needed_numbers(said: Said, chosen: Sequence[int], numbers: Sequence[int]) -> tuple[int, ...]:
    """The plate numbers that engines must go through: from the prompted frames before the chosen ones on, up to those
    after them, since that is where masks come from."""
    first, last = chosen[0], chosen[-1]
    for prompted in said.hints.values():
        before = [number for number in prompted if number <= chosen[0]]
        after = [number for number in prompted if number >= chosen[-1]]
        first, last = min(first, max(before, default=first)), max(last, min(after, default=last))
    return tuple(number for number in numbers if first <= number <= last)


@dataclass
class Shares:
    """How far the engines are together."""

    context: StageContext
    frames: int
    done: list[float]

    def checkpoint(self, index: int) -> Callable[[str, int, int], None]:
        """For engine number `index`. What it calls raises `JobCancelled`."""

        def step(what: str, done: int, total: int) -> None:
            self.done[index] = max(self.done[index], done / max(total, 1))
            frames = (done, total) if total == self.frames else (0, 0)
            whole = self.frames * len(self.done)
            self.context.progress(int(sum(self.done) * self.frames), whole, note=what, frames=frames)

        return step


class Pictures:
    """RGB pictures of a plate by number; the clock knows how long they took. width, height: px."""

    def __init__(self, plate: PlateReader, clock: Clock) -> None:
        self._plate, self._clock = plate, clock
        self.numbers, self.width, self.height = tuple(plate.numbers), plate.width, plate.height
        self._index = {number: index for index, number in enumerate(plate.numbers)}

    def __call__(self, number: int) -> Picture:
        with self._clock.measure(READING):
            return self._plate.rgb(self._index[number])


def found_masks(
    assignments: Sequence[Assignment],
    said: Said,
    chosen: Sequence[int],
    pictures: Pictures,
    store: DiskMaskStore,
    params: RotoParams,
    context: StageContext,
    clock: Clock,
) -> Iterator[FrameMasks]:
    """All objects of the chosen frames, frame by frame. Raises what engines raise."""
    numbers = needed_numbers(said, chosen, pictures.numbers)
    shares = Shares(context, len(numbers), [0.0] * len(assignments))
    job = RotoJob(
        engine="",
        params=params,
        shot=context.shot,
        numbers=numbers,
        width=pictures.width,
        height=pictures.height,
        picture=pictures,
        hints={},
        texts={},
        store=store,
        scratch=context.checkpoint_dir,
        device=context.device,
        checkpoint=shares.checkpoint(0),
        notice=context.notice,
        measure=clock.measure,
    )
    streams = [
        run_engine(one, _job_of(one, job, said, shares.checkpoint(index))) for index, one in enumerate(assignments)
    ]
    wanted = frozenset(chosen)
    for number in numbers:
        context.check_cancelled()
        with clock.measure(ENGINE):
            found = _together([_next(stream, number) for stream in streams])
        if number in wanted:
            yield found


def _job_of(one: Assignment, job: RotoJob, said: Said, checkpoint: Callable[[str, int, int], None]) -> RotoJob:
    scratch = job.scratch / one.engine.name
    scratch.mkdir(parents=True, exist_ok=True)
    hints: dict[str, Mapping[int, Hints]] = {}
    for label in sorted(one.hinted, key=lambda label: label not in one.texts):
        # What is said of all that a text finds is said of the first of them.
        name = instance_name(label, 0, 2) if label in one.texts else label
        hints[name] = said.hints[label].within(job.numbers)
    return replace(job, engine=one.engine.name, hints=hints, texts=one.texts, scratch=scratch, checkpoint=checkpoint)


def _next(stream: Iterator[FrameMasks], number: int) -> FrameMasks:
    found = next(stream, None)
    if found is None or found.number != number:
        raise InternalError(f"The engine gave no masks of frame {number} when it was that frame's turn.")
    return found


def _together(frames: Sequence[FrameMasks]) -> FrameMasks:
    """The objects of several engines in one frame."""
    if len(frames) == 1:
        return frames[0]
    whole = FrameMasks(frames[0].number, {}, {}, {})
    for frame in frames:
        whole.soft.update(frame.soft)
        whole.state.update(frame.state)
        whole.confidence.update(frame.confidence)
    return whole
