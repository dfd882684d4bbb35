"""The pump's side of roto: prompts kept in step with the shot, previews and masks on their way, and imports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..session import Session
from ..shared.errors import BacklotError, InvalidRequest
from ..shared.messages import JobStatus
from . import objects
from .editor import Plate, plate_of
from .mask_files import MaskFiles
from .overlay import Overlay
from .previews import Asked, Previews
from .prompts_sync import PromptsSync

if TYPE_CHECKING:
    from .results import RotoContents
    from .scene_import import ImportedRoto

STAGES = ("roto", "matte")


@dataclass
class _Import:
    """Masks on their way into a scene."""

    scene: str
    folder: Path
    contents: RotoContents | None = None
    steps: Iterator[ImportedRoto | None] | None = None


class RotoLive:
    """changed: writes an undo step, named after what changed without an operator."""

    def __init__(self, session: Session, changed: Callable[[str], None]) -> None:
        self._session, self._changed = session, changed
        self.prompts = PromptsSync()
        self.previews = Previews(session)
        self.masks = MaskFiles(session)
        self.overlay = Overlay(self.previews, self.masks)
        self.last_import = ""
        self._imports: list[_Import] = []

    @property
    def hurries(self) -> bool:
        """Whether the artist waits for a picture."""
        return self.previews.waiting or self.masks.waiting or bool(self._imports)

    @property
    def importing(self) -> bool:
        return bool(self._imports)

    # -- prompts --------------------------------------------------------------------------------------

    def follow_scenes(self) -> None:
        """Brings the shots' files after what was changed in the windows' scenes, or the scenes after the files."""
        for scene in {window.scene for window in bpy.context.window_manager.windows}:
            self.follow(scene)

    def follow(self, scene: bpy.types.Scene) -> None:
        """As `follow_scenes`, of one scene. What is refused becomes the session's error."""
        try:
            if self.prompts.bring_together(scene):
                self._changed("prompts of another program")
                self._session.changed = True
        except BacklotError as error:
            if str(error) != str(self._session.error):
                self._session.error, self._session.changed = error, True

    def preview(self, scene: bpy.types.Scene, plate: Plate, thing: Any) -> None:
        """Asks for the mask that an object's hints make of the present frame."""
        number = plate.number(scene)
        self.previews.ask(Asked(plate.folder, thing.label, number, objects.prompt_at(thing, number)))

    def history_moved(self) -> None:
        """After undo and redo: the file follows, and the mask of the hints as they are now is shown."""
        for work in self._imports:
            work.steps = None
        self.follow_scenes()
        for scene in {window.scene for window in bpy.context.window_manager.windows}:
            thing = objects.active_object(scene)
            if thing is None:
                continue
            try:
                plate = plate_of(scene)
            except BacklotError:
                continue
            if self._session.online and not objects.prompt_at(thing, plate.number(scene)).is_empty:
                self.preview(scene, plate, thing)

    # -- results --------------------------------------------------------------------------------------

    def stage_ended(self, status: JobStatus) -> None:
        """A stage of a job has ended, or the job: masks may be others now."""
        ended = status.request.stages if status.is_over else (result.stage for result in status.results[-1:])
        if any(stage in STAGES for stage in ended):
            self.masks.forget()
            self.previews.forget()

    def import_later(self, scene: bpy.types.Scene, folder: Path) -> None:
        """Reads the masks on a thread and imports them in steps."""
        from .results import read_roto

        work = _Import(scene.name, folder)
        self._imports.append(work)
        self.last_import = ""

        def ready(contents: RotoContents) -> None:
            work.contents = contents

        def failed(error: BacklotError) -> None:
            if work in self._imports:
                self._imports.remove(work)
            self._session.error = error

        self._session.background(lambda: read_roto(folder), ready, failed)

    def step_imports(self, deadline: float) -> None:
        """Until `deadline` (`time.perf_counter`). Not while a thread reads: keys of masks want it to stand still."""
        while self._imports and self._imports[0].contents is not None and not self._session.reading:
            work = self._imports[0]
            if work.steps is None:
                scene = bpy.data.scenes.get(work.scene)
                if scene is None:
                    self._imports.remove(work)
                    self._session.error = InvalidRequest(f"The scene {work.scene} is gone.", "Import into another one.")
                    return
                from .scene_import import import_steps

                work.steps = import_steps(scene, work.contents)
            result = next(work.steps, None)
            if result is not None:
                self._imports.remove(work)
                self.last_import = result.summary
                self.masks.forget()
                self._session.changed = True
                self._changed("masks")
            if time.perf_counter() > deadline:
                return

    def drop_imports(self) -> None:
        """After one of them has failed."""
        self._imports.clear()

    def forget(self) -> None:
        """After another file was opened."""
        self.prompts.forget()
        self.previews.forget()
        self.masks.forget()
        self.drop_imports()
