"""The pump: one timer on Blender's main thread that moves what arrives into the interface and the scene.

Each tick aims at 8 ms. An import is cut into steps, of which each tick takes as many as fit. A tick that
raises is logged and counted; after a few in a row the pump stops and says so, instead of filling the
console for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import preferences
from .clip_probe import ClipProbes
from .compare.overlay import CompareOverlay
from .depth.choice import chosen_parts
from .engine_list import EngineList
from .first_run.live import FirstRun
from .followups import FollowUps
from .jobs.live import JobsLive
from .later import load
from .mocap.live import STAGE as MOCAP
from .mocap.live import MocapLive
from .properties import ShotSettings, folder_path, import_options
from .roto.live import STAGES, RotoLive
from .session import Session
from .shared.errors import BacklotError, InternalError, InvalidRequest
from .shared.messages import DONE, JobEvent, JobStatus
from .solve_overlay.overlay import SolveOverlay
from .trouble.live import Troubles
from .trouble.moving import known_shot, note_shot
from .weights.manager import WeightsManager
from .worlds import Worlds

if TYPE_CHECKING:
    from .importers.contents import ShotContents
    from .importers.shot_import import ImportedShot, ImportOptions

BUDGET_S = 0.008
_LAST_STEP_S = 0.003
"""An import's step begins only this early in a tick: some take 15 ms."""
_BUSY_S, _IMPORTING_S, _IDLE_S = 0.1, 0.01, 1.0
_MAX_FAILURES = 5
_MODAL_PATIENCE_S = 5.0
_AREAS = ("VIEW_3D", "CLIP_EDITOR", "IMAGE_EDITOR", "PREFERENCES")

_log = logging.getLogger(__name__)


@dataclass
class _Import:
    """A shot on its way into a scene. steps: None until its files are read."""

    scene: str
    folder: Path
    options: ImportOptions
    contents: ShotContents | None = None
    steps: Iterator[ImportedShot | None] | None = None
    ready_since: float = 0.0


class Pump:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.longest_tick_s = 0.0
        self.last_import = ""
        self._imports: list[_Import] = []
        self._undo_message = ""
        self._history_moved = False
        self._failures = 0
        self._callback = self.tick
        self.first_run = FirstRun(session, self.restart_backend)
        self.troubles = Troubles(session, self._start_backend)
        self.weights = WeightsManager(session)
        self.engines = EngineList(session)
        self.clips = ClipProbes(session)
        self.follow_ups = FollowUps(session)
        self.worlds = Worlds(session, self.scene_changed)
        self.roto = RotoLive(session, self.scene_changed)
        self.mocap = MocapLive(session, self.scene_changed)
        self.solve_overlay = SolveOverlay(session, self.hurry)
        self.compare = CompareOverlay(self.solve_overlay)
        self.jobs = JobsLive(session)
        self._opened = False
        self._later: Iterator[str] | None = load(__package__)

    # -- owner ----------------------------------------------------------------------------------------

    def start(self) -> None:
        bpy.app.timers.register(self._callback, first_interval=_BUSY_S, persistent=True)
        for handlers in self._history_handlers():
            handlers.append(self._history_changed)
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
            handlers.append(self._undone)
        bpy.app.handlers.load_post.append(self._file_opened)
        self.roto.overlay.start()
        self.mocap.overlay.start()
        self.compare.start()  # below the solve overlay
        self.solve_overlay.start()
        self.jobs.news.start()

    def stop(self) -> None:
        if bpy.app.timers.is_registered(self._callback):
            bpy.app.timers.unregister(self._callback)
        for handlers in self._history_handlers():
            for own in (self._history_changed, self._undone, self._file_opened):
                if own in handlers:
                    handlers.remove(own)
        self.roto.overlay.stop()
        self.mocap.overlay.stop()
        self.compare.stop()
        self.solve_overlay.stop()
        self.jobs.news.stop()
        self.first_run.close()
        self.weights.close()

    def hurry(self) -> None:
        """Lets the next tick come at once: the artist waits for an answer."""
        if bpy.app.timers.is_registered(self._callback):
            bpy.app.timers.unregister(self._callback)
            bpy.app.timers.register(self._callback, first_interval=0.0, persistent=True)

    @staticmethod
    def _history_handlers() -> tuple[list, ...]:
        handlers = bpy.app.handlers
        return handlers.undo_post, handlers.redo_post, handlers.load_post

    def scene_changed(self, message: str) -> None:
        """Writes an undo step in a later tick, for a change that no operator made."""
        self._undo_message = f"Backlot: {message}"

    # -- imports --------------------------------------------------------------------------------------

    @property
    def importing(self) -> str:
        """The shot that is being imported, "" when none is."""
        return self._imports[0].folder.name if self._imports else ""

    def import_later(self, scene: bpy.types.Scene, folder: Path, options: ImportOptions) -> None:
        """Reads the shot on a thread and imports it in steps."""
        from .importers.contents import read_shot

        work = _Import(scene.name, folder, options)
        self._imports.append(work)
        self.last_import = ""

        def ready(contents: ShotContents) -> None:
            work.contents, work.ready_since = contents, time.perf_counter()

        def failed(error: BacklotError) -> None:
            self._imports = [other for other in self._imports if other is not work]
            self.session.error = error

        self.session.background(lambda: read_shot(folder, options.track_limit, options.depth), ready, failed)

    def import_people_later(self, scene: bpy.types.Scene, folder: Path, labels: tuple[str, ...] = ()) -> None:
        """Imports motions; the shot before them, if the scene has it in another world than they are in."""
        from .mocap.scene_import import is_behind

        try:
            if is_behind(scene, folder):
                self.import_later(scene, folder, import_options(scene.backlot))
        except BacklotError as error:
            self.session.error, self.session.changed = error, True
            return
        self.mocap.import_later(scene, folder, labels)

    # -- the timer ------------------------------------------------------------------------------------

    def tick(self) -> float | None:
        """One turn. Returns the seconds to the next one, None to end."""
        began = time.perf_counter()
        try:
            pause = self._turn(began + BUDGET_S)
            self._failures = 0
        except Exception as error:  # the border to Blender's timers, which forget a callback that raises
            pause = self._failed(error)
        self.longest_tick_s = max(self.longest_tick_s, time.perf_counter() - began)
        return pause

    def _turn(self, deadline: float) -> float:
        self.session.connect_if_running()
        self.first_run.step()
        self.weights.step()
        self.engines.step()
        self.clips.step()
        for event in self.session.poll(deadline):
            self.jobs.heard(event)
            self._note(event)
        self.troubles.step()
        self.jobs.step()
        if self._undo_message:  # a tick of its own: Blender may take a while to write the step
            _undo_step(self._undo_message)
            self._undo_message = ""
            return _IMPORTING_S
        if self._history_moved:
            self._history_moved = False
            self.worlds.follow_history()
            self.roto.history_moved()
        if self._opened:
            self._opened, self.session.changed = False, True
            self.jobs.file_opened()
            self.roto.forget()
            self.mocap.imports.drop()
        self.roto.follow_scenes()
        self._step_imports(deadline - BUDGET_S + _LAST_STEP_S)
        self.roto.step_imports(deadline - BUDGET_S + _LAST_STEP_S)
        if not self._imports:  # people stand in a shot that is there
            self.mocap.imports.step(deadline - BUDGET_S + _LAST_STEP_S)
        if self.session.changed:
            self.session.changed = False
            self._import_finished()
            self.follow_ups.check()
            self.jobs.show()
            self._note_shots()
            _redraw()
        if self._imports or self._undo_message or self.roto.hurries or self.mocap.imports:
            return _IMPORTING_S
        if self._later is not None and not self.session.reading:
            self._later = self._later if next(self._later, None) else None
            return _BUSY_S
        return _BUSY_S if self.session.busy or self.first_run.running or self.weights.busy else _IDLE_S

    def _failed(self, error: Exception) -> float | None:
        _log.exception("The pump failed")
        self._imports.clear()
        self.roto.drop_imports()
        self.mocap.imports.drop()
        self._failures += 1
        self.session.error = (
            error
            if isinstance(error, BacklotError)
            else InternalError(f"Blender's side of Backlot failed: {type(error).__name__}: {error}")
        )
        _redraw()
        return _BUSY_S if self._failures < _MAX_FAILURES else None

    def _note(self, event: JobEvent) -> None:
        if event.kind == "stage" or event.status.is_over:
            self.session.refresh_summary(Path(event.status.request.shot))
            self.roto.stage_ended(event.status)
            self.mocap.stage_ended(event.status)

    def _start_backend(self) -> None:
        program = preferences.backend_program()
        self.session.start(program.python, program.source)

    def restart_backend(self) -> None:
        program = preferences.backend_program()
        self.troubles.backend.forgive()
        self.session.restart(program.python, program.source)

    def _note_shots(self) -> None:
        """Scenes remember which shot was seen in their folder, and so that there was one."""
        for scene in bpy.data.scenes:
            folder = folder_path(scene.backlot)
            summary = self.session.known_summary(folder) if folder is not None else None
            if summary is not None and summary.shot and scene.library is None and not known_shot(scene):
                note_shot(scene, summary.shot)

    def _import_finished(self) -> None:
        """Imports the shots of jobs that scenes wait for."""
        for scene, status in self.jobs.scenes.ended():
            settings = scene.backlot
            settings.known_shot = settings.known_shot if status.state != DONE else ""  # it may have been made anew
            if status.state != DONE or not settings.import_when_done:
                continue
            folder, stages = Path(status.request.shot), set(status.request.stages)
            if stages & set(STAGES):
                self.roto.import_later(scene, folder)
            if MOCAP in stages:
                self.import_people_later(scene, folder)
            if stages - {"ingest", MOCAP, *STAGES}:
                self.import_later(scene, folder, _options_after(status, settings))

    def _step_imports(self, deadline: float) -> None:
        while self._imports and self._imports[0].contents is not None:
            work = self._imports[0]
            if work.steps is None:
                if _artist_is_busy() and time.perf_counter() - work.ready_since < _MODAL_PATIENCE_S:
                    return
                work.steps = self._begin(work)
                if work.steps is None:
                    continue
            result = next(work.steps, None)
            if result is not None:
                self._imports.remove(work)
                self._finish(result)
                return
            if time.perf_counter() > deadline:
                return

    def _begin(self, work: _Import) -> Iterator[ImportedShot | None] | None:
        from .importers.shot_import import import_steps

        scene = bpy.data.scenes.get(work.scene)
        if scene is None:
            self._imports.remove(work)
            self.session.error = InvalidRequest(
                f"The scene {work.scene} is gone.", "Choose the shot in another scene and press Import or Update Scene."
            )
            self.session.changed = True
            return None
        assert work.contents is not None
        return import_steps(scene, work.contents, work.options)

    def _finish(self, result: ImportedShot) -> None:
        self.last_import = result.summary
        if result.depth_error is not None:
            self.session.error = result.depth_error
        self.session.changed = True
        self.worlds.imported(result.collection)
        self.scene_changed(result.collection.name)

    @bpy.app.handlers.persistent
    def _history_changed(self, *_: object) -> None:
        """Undo and redo replace every datablock: an import that had begun starts again."""
        for work in self._imports:
            work.steps = None
        self.mocap.imports.begin_again()

    @bpy.app.handlers.persistent
    def _undone(self, *_: object) -> None:
        """Shots follow in the next tick, at once: a handler is no place for work."""
        self._history_moved = True
        self.hurry()

    @bpy.app.handlers.persistent
    def _file_opened(self, *_: object) -> None:
        """What was on its way belongs to scenes of the file before, whatever this one's are called."""
        self._imports.clear()
        self._opened = True


def _options_after(status: JobStatus, settings: ShotSettings) -> ImportOptions:
    options = import_options(settings)
    if "depth" not in status.request.stages:
        return options
    return replace(options, depth=chosen_parts(settings.depth_parts))


def _artist_is_busy() -> bool:
    """Whether a tool is being dragged: an undo step in the middle of it would split it."""
    return any(window.modal_operators for window in bpy.context.window_manager.windows)


def _undo_step(message: str) -> None:
    # No override of the context: see overriding.py. A timer has no window, and this operator needs none.
    if bpy.ops.ed.undo_push.poll():
        bpy.ops.ed.undo_push(message=message)


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _AREAS:
                area.tag_redraw()
