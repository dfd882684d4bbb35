"""What an engine is, and which one runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from backend.roto.people.evidence import Look, PersonEvidence, Region
from shared.errors import InvalidRequest

from .job import MODES, Mask, Picture, PoseJob
from .keypoints import Keypoints
from .places import Place

MEDIAPIPE = "mediapipe"
AUTO = "auto"
ENGINES = (MEDIAPIPE,)
"""Those that `auto` chooses from, the best first."""


class Looker(Protocol):
    """What runs MediaPipe's networks: `backend.roto.people.process.PeopleWorker`."""

    @property
    def version(self) -> str: ...

    def find(self, picture: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]: ...

    def look(
        self, picture: Picture, part: str, regions: Sequence[Region], mirrored: Sequence[bool]
    ) -> list[Look | None]: ...


class Engine(Protocol):
    """Sees one person's joints. name, version, model: for files and keys; model is "" without weights of its own."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def model(self) -> str: ...

    def keypoints(self, picture: Picture, place: Place, mask: Mask | None) -> Keypoints | None:
        """picture: the plate. mask: of this person, None when there is none. None when the person is not seen."""
        ...


def open_engine(job: PoseJob, looker: Callable[[], Looker]) -> Engine:
    """The engine that the params name. looker: starts MediaPipe's process, or gives the one that runs. Raises
    `InvalidRequest` for an unknown name, `EngineUnavailable`."""
    if job.params.pose_mode not in MODES:
        raise InvalidRequest(f"There is no pose mode {job.params.pose_mode!r}.", f"There is: {', '.join(MODES)}.")
    name = job.params.engine
    if name in (AUTO, MEDIAPIPE):
        from .mediapipe import MediapipeEngine

        return MediapipeEngine(looker, job.params.pose_mode, hands_and_face=job.hands_and_face)
    raise InvalidRequest(f"There is no engine {name!r} that sees joints.", f"There is: {', '.join(ENGINES)}.")
