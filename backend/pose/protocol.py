"""What an engine is, and what runs MediaPipe's networks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backend.roto.people.evidence import Look, PersonEvidence, Region

from .job import Mask, Picture
from .keypoints import Keypoints
from .places import Place

MEDIAPIPE = "mediapipe"


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
