"""Imports on their way: files are read on a thread, then the scene changes in short steps of the pump."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .session import Session
from .shared.errors import BacklotError, InvalidRequest


@dataclass
class _Import:
    """read: on a thread, without bpy. steps: what is done with its outcome; the last step yields the result."""

    scene: str
    steps_of: Callable[[bpy.types.Scene, Any], Iterator[Any]]
    contents: Any = None
    steps: Iterator[Any] | None = None


class StepImports:
    """finished: gets the result of each import."""

    def __init__(self, session: Session, finished: Callable[[Any], None]) -> None:
        self._session, self._finished = session, finished
        self._waiting: list[_Import] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def begin(
        self,
        scene: bpy.types.Scene,
        read: Callable[[], Any],
        steps_of: Callable[[bpy.types.Scene, Any], Iterator[Any]],
    ) -> None:
        """read: on a thread, without bpy. steps_of: makes the steps of scene and what was read."""
        work = _Import(scene.name, steps_of)
        self._waiting.append(work)

        def ready(contents: Any) -> None:
            work.contents = contents

        self._session.background(read, ready, lambda error: self._failed(work, error))

    def step(self, deadline: float) -> None:
        """Until `deadline` (`time.perf_counter`)."""
        while self._waiting and self._waiting[0].contents is not None:
            work = self._waiting[0]
            try:
                result = self._next(work)
            except BacklotError as error:
                self._failed(work, error)
                return
            if result is not None:
                self._waiting.remove(work)
                self._session.changed = True
                self._finished(result)
            if time.perf_counter() > deadline:
                return

    def begin_again(self) -> None:
        """After undo, redo and opening a file, which replace every datablock."""
        for work in self._waiting:
            work.steps = None

    def drop(self) -> None:
        self._waiting.clear()

    def _next(self, work: _Import) -> Any:
        if work.steps is None:
            scene = bpy.data.scenes.get(work.scene)
            if scene is None:
                raise InvalidRequest(f"The scene {work.scene} is gone.", "Import into another one.")
            work.steps = work.steps_of(scene, work.contents)
        return next(work.steps, None)

    def _failed(self, work: _Import, error: BacklotError) -> None:
        if work in self._waiting:
            self._waiting.remove(work)
        self._session.error, self._session.changed = error, True
