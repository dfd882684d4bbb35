"""The worlds of the imported shots: changing them through the backend, and keeping scene and shot together.

A change is asked of the backend, which rewrites the shot's files, and its answer moves what was imported: one undo
step. Undo and redo put the scene back by themselves; here the shot is then asked to follow (`follow_history`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from .importers import ownership
from .session import Session
from .shared.errors import BacklotError
from .shared.wire import pack, unpack

if TYPE_CHECKING:
    from .importers.world_record import WorldRecord
    from .shared.world_messages import WorldReply, WorldRequest, WorldSuggestion

Moved = Callable[[str], None]
"""Hears what happened, for the undo list."""
Settle = Callable[[bool], None]
"""Takes back what stood in the scene for a change while its answer was awaited: True when the change comes."""


class Worlds:
    """session: to the backend. moved: called after the scene was changed."""

    def __init__(self, session: Session, moved: Moved) -> None:
        self._session, self._moved = session, moved
        self._known: dict[str, WorldRecord] = {}
        self._asked: set[str] = set()
        self.suggestions: dict[str, WorldSuggestion] = {}
        self.notices: dict[str, tuple[str, ...]] = {}

    def is_busy(self, folder: str) -> bool:
        """Whether an answer about the shot is being waited for."""
        return folder in self._asked

    def imported(self, collection: bpy.types.Collection) -> None:
        """Notes the world of a shot that was just read from its files."""
        from .importers import world_record

        record = world_record.read(collection)
        if record is not None:
            self._known[collection[ownership.SHOT_FOLDER]] = record

    # -- changing -------------------------------------------------------------------------------------

    def change(self, request: WorldRequest, label: str, settle: Settle | None = None) -> None:
        """Asks for a change; its answer moves what was imported. label: for the undo list. settle: is told before that
        whether there will be a change."""
        from .shared.world_messages import WorldReply

        folder = request.shot
        settle = settle or _nothing

        def answered(plain: Any) -> None:
            self._asked.discard(folder)
            settle(True)
            self.apply(folder, unpack(WorldReply, plain))
            self._moved(label)

        self._ask("world.change", pack(request), folder, answered, settle)

    def apply(self, folder: str, reply: WorldReply) -> None:
        """Moves every import of the shot by a change that the backend has made."""
        from .importers import world_record
        from .importers.world_move import move_shot

        self.suggestions.pop(folder, None)
        self.notices[folder] = reply.notices
        for collection in ownership.collections_of(folder):
            before = world_record.read(collection)
            if before is None:
                continue
            if reply.changed:
                move_shot(collection, reply.by)
            self._known[folder] = before.after(reply)
            world_record.write(collection, self._known[folder])
        self._session.refresh_summary(Path(folder))

    def suggest(self, folder: str) -> None:
        """Asks where the ground is; `suggestions` has the answer when it is there."""
        from .shared.world_messages import WorldSuggestion

        def answered(plain: Any) -> None:
            self._asked.discard(folder)
            self.suggestions[folder] = unpack(WorldSuggestion, plain)

        self._ask("world.suggest", {"shot": folder}, folder, answered)

    def _ask(
        self,
        method: str,
        params: dict[str, Any],
        folder: str,
        answered: Callable[[Any], None],
        settle: Settle | None = None,
    ) -> None:
        def failed(error: BacklotError) -> None:
            self._asked.discard(folder)
            if settle is not None:
                settle(False)
            self._session.error = error

        self._asked.add(folder)
        self._session.ask(method, params, answered, failed)

    # -- undo -----------------------------------------------------------------------------------------

    def follow_history(self) -> None:
        """After undo or redo: asks the backend to take each shot to the world in which the scene now has it.

        The scene's record of it cannot be wrong about the solve: a shot that was solved anew meanwhile is left."""
        from .importers import world_record

        for collection in bpy.data.collections:
            folder = collection.get(ownership.SHOT_FOLDER)
            shown = world_record.read(collection) if folder else None
            known = self._known.get(folder) if shown is not None else None
            if known is None or folder in self._asked or shown.solve != known.solve or shown.is_same_world(known):
                continue
            self._put_back(folder, shown)

    def _put_back(self, folder: str, wanted: WorldRecord) -> None:
        from .importers import world_record
        from .shared.world_messages import WorldReply, WorldRequest

        request = WorldRequest(
            folder,
            world_from_solve=wanted.world_from_solve,
            up_source=wanted.up_source,
            scale_source=wanted.scale_source,
        )

        def answered(plain: Any) -> None:
            self._asked.discard(folder)
            self._known[folder] = wanted.after(unpack(WorldReply, plain))
            for collection in ownership.collections_of(folder):
                shown = world_record.read(collection)
                if shown is not None and shown.is_same_world(self._known[folder]):
                    world_record.write(collection, self._known[folder])
            self.follow_history()  # there may have been more undos in between

        self._ask("world.change", pack(request), folder, answered)


def _nothing(_changed: bool) -> None:
    """Nothing stood in for the change."""
