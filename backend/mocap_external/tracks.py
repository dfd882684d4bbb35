"""A clip through the program, a chunk of frames at a time, and what comes back as keypoints of people.

Chunks overlap, so that people whom the program named itself are recognised from one to the next. When the program runs
out of memory, chunks get smaller. Finished chunks are kept: a job that was stopped goes on after them.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backend.body_mesh.views import View, views_of
from backend.depth.outputs import write_grey
from backend.media.png import encode_rgb_png
from backend.pipeline.atomic import disk_errors
from backend.pose import Keypoints, PoseJob, PoseResult
from backend.pose.cuts import cuts_of
from backend.pose.keypoints import box_around, track_of
from backend.worker.program import last_words, ran_out_of_memory, run_program
from shared.artifacts import frame_name
from shared.camera_files import Extrinsics, Intrinsics
from shared.errors import InternalError, OutOfMemory

from .exchange import CAMERAS_FILE, REQUEST_FILE, RESULT_FILE, Floats, Request, SeenPerson, read_result
from .program import ENGINES, Program

VERSION = 1

_FIRST_CHUNK, _LEAST_CHUNK, _OVERLAP = 240, 8, 4
_FRAME_S, _START_S = 30.0, 900.0
"""Time a program may take: for a frame, and to load its networks."""

_SD_M = 0.045
"""Of a joint from the middle of the hips, along each axis: such networks are 55 to 75 mm off on average on 3DPW and
EMDB (Shin et al., "WHAM", CVPR 2024; Shen et al., "GVHMR", SIGGRAPH Asia 2024), which is 1.6 times that."""

_SD_PICTURE_M = 0.03
"""As it is seen in the picture, where such networks are better."""

_SAME = 0.35
"""Mean distance of two people's joints, of their height, over frames that both chunks have, under which they are
one."""


@dataclass(frozen=True)
class ExternalJob:
    """pose: what other engines are asked too (its store keeps finished chunks). intrinsics, extrinsics: of the plate.
    timeout_s: for one chunk; None for what its frames should take."""

    pose: PoseJob
    program: Program
    intrinsics: Intrinsics
    extrinsics: Extrinsics
    timeout_s: float | None = None


def external_tracks(job: ExternalJob) -> PoseResult:
    """People as the program sees them: joints in the picture and, in camera axes, how they lie to each other. Raises
    `EngineUnavailable`, `OutOfMemory`, `InternalError` when the program fails, `JobCancelled`, `DiskFull`."""
    cuts = cuts_of(replace(job.pose, checkpoint=lambda what, _done, _total: job.pose.checkpoint(what, 0, 1)))
    views = views_of(job.intrinsics, job.extrinsics)
    notices: list[str] = []
    runner = _Runner(job, notices.append)
    people: dict[str, dict[int, Keypoints]] = {label: {} for label in job.pose.labels}
    for chunk in runner.chunks():
        _merge(people, {name: _keypoints(one, views) for name, one in chunk.items()}, named=bool(job.pose.labels))
    tracks = {label: track_of(label, job.pose.numbers, seen) for label, seen in people.items()}
    research = ENGINES[job.program.engine]
    return PoseResult(tracks, job.program.engine, str(VERSION), research.title, tuple(notices), cuts)


class _Runner:
    """Runs the program over the clip."""

    def __init__(self, job: ExternalJob, notice: Callable[[str], None]) -> None:
        self._job, self._notice = job, notice
        self._store = job.pose.store / f"{job.program.engine}-{_key(job)}"
        self._numbers = job.pose.numbers
        self._size = min(_FIRST_CHUNK, len(self._numbers))

    def chunks(self) -> Iterator[dict[str, SeenPerson]]:
        """One after the other; frames of the overlap are in both."""
        start = 0
        while start < len(self._numbers):
            self._job.pose.checkpoint(f"Looking with {self._job.program.title}", start, len(self._numbers))
            numbers = tuple(self._numbers[start : start + self._kept_size(start)])
            kept = self._store / f"{numbers[0]}_{numbers[-1]}.npz"
            request = self._request(numbers)
            if not kept.is_file() and not self._ran(request, kept):
                continue
            seen = _read(kept, request)
            if seen is None:
                continue
            yield seen
            if start + len(numbers) >= len(self._numbers):
                break
            start += max(1, len(numbers) - _OVERLAP)

    def _kept_size(self, start: int) -> int:
        """Frames of the chunk that begins here: as many as a finished one has, or as are tried now."""
        for path in sorted(self._store.glob(f"{self._numbers[start]}_*.npz")):
            last = path.stem.rpartition("_")[2]
            if last.isdigit() and int(last) in self._numbers:
                return self._numbers.index(int(last)) - start + 1
        return self._size

    def _request(self, numbers: tuple[int, ...]) -> Request:
        inner = self._job.intrinsics
        return Request(
            self._job.program.engine, numbers, self._job.pose.labels, self._job.pose.fps, inner.width, inner.height,
            self._job.pose.device,
        )  # fmt: skip

    def _ran(self, request: Request, kept: Path) -> bool:
        """False when there was too little memory, and chunks have become smaller."""
        job = self._job
        kept.parent.mkdir(parents=True, exist_ok=True)
        with disk_errors(kept), tempfile.TemporaryDirectory(prefix="chunk-", dir=kept.parent) as name:
            folder = Path(name)
            write_request(folder, request, job)
            command = job.program.command(folder / REQUEST_FILE, request.device)
            limit = job.timeout_s if job.timeout_s is not None else _START_S + _FRAME_S * len(request.frames)
            total = len(self._numbers)
            done = self._numbers.index(request.frames[0])
            code, said = run_program(
                command, folder / "log.txt", lambda: job.pose.checkpoint(f"{job.program.title} runs", done, total),
                f"Try the command of {job.program.title} by hand (docs/mocap-external.md).", limit,
            )  # fmt: skip
            if code is None:
                raise self._failed(f"was not done with {len(request.frames)} frames after {limit:.0f} s", said)
            if code != 0 and ran_out_of_memory(code, said):
                self._shrink(len(request.frames))
                return False
            if code != 0:
                raise self._failed(f"ended with exit code {code}", said)
            self._checked(folder / RESULT_FILE, request, said)
            (folder / RESULT_FILE).replace(kept)
        return True

    def _checked(self, path: Path, request: Request, said: str) -> dict[str, SeenPerson]:
        try:
            return read_result(path, request)
        except ValueError as bad:
            raise self._failed(str(bad), said) from bad

    def _shrink(self, tried: int) -> None:
        title = self._job.program.title
        if tried <= _LEAST_CHUNK:
            raise OutOfMemory(f"{title} has too little memory for {tried} frames.")
        self._size = max(_LEAST_CHUNK, tried // 2)
        self._notice(f"{title} has too little memory for {tried} frames at once: {self._size} from now on.")

    def _failed(self, what: str, said: str) -> InternalError:
        return InternalError(
            f"{self._job.program.title} ({self._job.program.parts[0]}) {what}.",
            "Try it by hand (docs/mocap-external.md); what it said is in the job's log.",
            log=last_words(said),
        )


def _read(kept: Path, request: Request) -> dict[str, SeenPerson] | None:
    """A finished chunk; None for one that is damaged, and gone now: it is made again."""
    try:
        return read_result(kept, request)
    except ValueError:
        kept.unlink()
        return None


def _key(job: ExternalJob) -> str:
    """Of what chunks follow from besides the plate and the masks: the command, and the cameras. Where the world is does
    not matter, nor how large it is."""
    posed = [one for one in job.extrinsics.frames if one.world_from_camera is not None]
    poses = np.array([one.world_from_camera for one in posed], np.float64).reshape(-1, 4, 4)
    turns, places = poses[:1, :3, :3].transpose(0, 2, 1) @ poses[:, :3, :3], poses[:, :3, 3] - poses[:1, :3, 3]
    places = places @ poses[0, :3, :3] if posed else places
    size = float(np.abs(places).max(initial=0.0)) or 1.0
    numbers = [one.frame for one in posed]
    said = (job.program.parts, repr(job.intrinsics), numbers, _plain(turns), _plain(places / size))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def _plain(values: Floats) -> list[float]:
    return (np.round(values, 5) + 0.0).ravel().tolist()


def write_request(folder: Path, request: Request, job: ExternalJob) -> None:
    """The folder that a program is given: request.json, frames/, masks/LABEL/, cameras.npz."""
    (folder / "frames").mkdir()
    for number in request.frames:
        (folder / "frames" / frame_name(number)).write_bytes(encode_rgb_png(job.pose.picture(number)))
        for label in request.people:
            mask = job.pose.masks(label, number)
            if mask is not None:
                (folder / "masks" / label).mkdir(parents=True, exist_ok=True)
                write_grey(folder / "masks" / label / frame_name(number), mask)
    inner = {one.frame: one for one in job.intrinsics.frames}
    outer = {one.frame: one.world_from_camera for one in job.extrinsics.frames}
    matrix, pose = np.full((len(request.frames), 3, 3), np.nan), np.full((len(request.frames), 4, 4), np.nan)
    for i, number in enumerate(request.frames):
        if (own := inner.get(number)) is not None:
            matrix[i] = [[own.fx, 0.0, own.cx], [0.0, own.fy, own.cy], [0.0, 0.0, 1.0]]
        if (place := outer.get(number)) is not None:
            pose[i] = place
    lens = [job.intrinsics.k1, job.intrinsics.k2, job.intrinsics.p1, job.intrinsics.p2]
    np.savez(folder / CAMERAS_FILE, frames=np.array(request.frames), K=matrix, world_from_camera=pose, distortion=lens)
    (folder / REQUEST_FILE).write_text(request.text(), encoding="utf-8")


def _keypoints(seen: SeenPerson, views: dict[int, View]) -> dict[int, Keypoints]:
    """By plate number; frames without a camera are left out unless the program says where joints are in the picture."""
    found = {}
    for i, number in enumerate(seen.frames):
        view = views.get(number)
        joints, pixels = seen.joints[i], seen.pixels[i].copy()
        known = np.isfinite(joints).all(1)
        if view is not None:
            world = (joints - view.place) @ view.rotation
            projected, _ = view.project(np.where(known[:, None], world, 0.0))
            pixels = np.where(np.isfinite(pixels), pixels, np.where(known[:, None], projected, np.nan))
        shown = np.isfinite(pixels).all(1) & (seen.score[i] > 0.0)
        if shown.sum() >= _FEWEST:
            found[number] = _frame(seen, i, pixels, known, shown)
    return found


_FEWEST = 4


def _frame(seen: SeenPerson, i: int, pixels: Floats, known: np.ndarray, shown: np.ndarray) -> Keypoints:
    joints, score = seen.joints[i], seen.score[i]
    hips = [seen.names.index(f"{side}_hip") for side in ("left", "right") if f"{side}_hip" in seen.names]
    middle = joints[hips].mean(0) if hips else np.full(3, np.nan)
    told = known & np.isfinite(middle).all()
    # How many px a metre is there: what the joints measure in the picture, over what they measure in space.
    both = shown & known
    spread = np.linalg.norm(np.ptp(joints[both][:, :2], axis=0)) if both.sum() > 1 else 0.0
    per_metre = float(np.linalg.norm(np.ptp(pixels[both], axis=0)) / spread) if spread > 0.05 else 100.0
    sure = np.maximum(score, 0.05)
    return Keypoints(
        seen.names,
        np.where(shown[:, None], pixels, 0.0).astype(np.float32),
        np.where(shown, score, 0.0).astype(np.float32),
        np.where(shown, np.maximum(_SD_PICTURE_M * per_metre, 1.0) / sure, np.inf).astype(np.float32),
        box_around(pixels[shown].astype(np.float32), 0.1),
        float(shown.mean()),
        np.where(told[:, None], joints - middle, 0.0).astype(np.float32),
        np.where(told, _SD_M / sure, np.inf).astype(np.float32),
    )


def _merge(people: dict[str, dict[int, Keypoints]], chunk: dict[str, dict[int, Keypoints]], *, named: bool) -> None:
    """Adds a chunk's people. named: by labels that everybody knows; else they are matched where chunks overlap."""
    taken: set[str] = set()
    for name, seen in chunk.items():
        label = name if named else _same(people, seen, taken)
        taken.add(label)
        own = people.setdefault(label, {})
        for number, keypoints in seen.items():
            own.setdefault(number, keypoints)


def _same(people: dict[str, dict[int, Keypoints]], seen: dict[int, Keypoints], taken: set[str]) -> str:
    """The label of the one who is there already, or a new one."""
    best, nearest = "", _SAME
    for label, own in people.items():
        shared = sorted(set(own) & set(seen))
        if shared and label not in taken:
            apart = float(np.mean([_apart(own[number], seen[number]) for number in shared]))
            if apart < nearest:
                best, nearest = label, apart
    return best or f"person_{len(people):02d}"


def _apart(one: Keypoints, other: Keypoints) -> float:
    height = max(one.box[3] - one.box[1], 1.0)
    shared = [name for name in one.names if name in other.names]
    a, b = (np.stack([p.xy[p.index(name)] for name in shared]) for p in (one, other))
    return float(np.linalg.norm(a - b, axis=1).mean() / height)
