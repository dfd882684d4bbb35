"""Solving again with what the artist did to the tracks, and saying what is known of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import bpy

from .. import api, runtime
from ..importers import ownership
from ..importers.track_record import keep_record, plate_of, record_of
from ..properties import folder_path
from ..shared.errors import ArtifactMissing, BacklotError, InvalidRequest, ShotReadOnly
from ..shared.shot import ShotFolder
from .reporting import FINISHED, refuse
from .solving import BACKLOT_OT_solve_camera, start_solve

if TYPE_CHECKING:
    from ..track_hints import ClipState, TrackHints


def clip_state(collection: bpy.types.Collection) -> ClipState:
    """What the artist says about the tracks of a shot's plate. Raises `ArtifactMissing`."""
    from ..shared.solve_hints import KnownDistance, SurveyPoint
    from ..track_hints import ClipState, snapshot

    clip = plate_of(collection)
    if clip is None:
        raise ArtifactMissing("The shot has no plate in this scene.", "Import the shot with its plate.")
    facts = ShotFolder(Path(collection[ownership.SHOT_FOLDER])).read().facts
    known = clip.backlot
    return ClipState(
        record=record_of(clip),
        tracks=snapshot(clip, (facts.width, facts.height), facts.frame_start),
        survey=tuple(SurveyPoint(item.track, tuple(item.place), item.sd) for item in known.survey),
        distances=tuple(KnownDistance(item.first, item.second, item.metres, item.sd) for item in known.distances),
        weight=known.weight,
    )


def save_hints(folder: Path, state: ClipState) -> TrackHints:
    """Writes `camera/hints.json`. No bpy in it. Raises `BacklotError`s."""
    from ..importers.track_table import read_tracks
    from ..shared.solve_hints import write_hints
    from ..track_hints import make_hints

    shot = ShotFolder(folder)
    if not shot.tracks.is_file():
        raise ArtifactMissing(f"{shot.tracks} is missing.", "Solve the camera once: it writes the tracks.")
    found = make_hints(state, read_tracks(shot.tracks))
    try:
        write_hints(shot, found.hints)
    except OSError as error:
        raise ShotReadOnly(f"{shot.hints} cannot be written: {error.strerror}.") from error
    return found


def rename_edited(clip: bpy.types.MovieClip, found: TrackHints) -> None:
    """Edited tracks are the artist's own from now on: called by a name, with a note of what they stand for."""
    record = record_of(clip)
    held = next(thing for thing in clip.tracking.objects if thing.is_camera).tracks
    for old, (new, number) in found.renamed.items():
        held[old].name = new
        record.replaced[new] = number
        for item in clip.backlot.survey:
            item.track = new if item.track == old else item.track
        for item in clip.backlot.distances:
            item.first = new if item.first == old else item.first
            item.second = new if item.second == old else item.second
    keep_record(clip, record)


class _OnPlate:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if plate_of(ownership.current_shot(context.scene)) is None:
            cls.poll_message_set("Import a solved shot with its plate first")
            return False
        return True


class BACKLOT_OT_solve_with_tracks(_OnPlate, bpy.types.Operator):
    """Solve the camera again with the plate's tracks as they are now: without those you deleted, holding on to those
    you locked, with those you added or moved, and with the known places and distances"""

    bl_idname = "backlot.solve_with_tracks"
    bl_label = "Re-solve with Tracks"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and BACKLOT_OT_solve_camera.poll.__func__(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        collection = ownership.current_shot(context.scene)
        folder = Path(collection[ownership.SHOT_FOLDER])
        try:
            if folder_path(context.scene.backlot) != folder:
                raise InvalidRequest(
                    f"The scene's camera is of {folder.name}, but the Shot panel names another shot.",
                    "Choose the same shot there.",
                )
            state = clip_state(collection)
            if bpy.app.background:
                rename_edited(plate_of(collection), save_hints(folder, state))
                shot = api.solve_scene(context.scene)
                self.report({"INFO"}, shot.summary if shot is not None else "Solved")
                return FINISHED
        except BacklotError as error:
            return refuse(self, error)
        self._later(context.scene.name, folder, state)
        return FINISHED

    @staticmethod
    def _later(scene: str, folder: Path, state: ClipState) -> None:
        """The tracks of a long shot take a while to read: on a thread."""
        session = runtime.session()

        def failed(error: BacklotError) -> None:
            session.error = error

        def written(found: TrackHints) -> None:
            target = bpy.data.scenes.get(scene)
            clip = plate_of(ownership.current_shot(target)) if target is not None else None
            if clip is None:
                return
            rename_edited(clip, found)
            try:
                start_solve(target)
            except BacklotError as error:
                failed(error)

        session.background(lambda: save_hints(folder, state), written, failed)


class BACKLOT_OT_forget_hints(_OnPlate, bpy.types.Operator):
    """Take back what was said about tracks: deleted ones come back, known places and distances go. Tracks that you
    made stay in the clip. Solve again to see the difference"""

    bl_idname = "backlot.forget_hints"
    bl_label = "Forget Track Edits"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..importers.tracks import remove_tracks

        collection = ownership.current_shot(context.scene)
        clip = plate_of(collection)
        shot = ShotFolder(Path(collection[ownership.SHOT_FOLDER]))
        try:
            shot.hints.unlink(missing_ok=True)
        except OSError as error:
            return refuse(self, ShotReadOnly(f"{shot.hints} cannot be removed: {error.strerror}."))
        held = next(thing for thing in clip.tracking.objects if thing.is_camera).tracks
        for track in held:
            track.lock = False
        remove_tracks(clip, [name for name in record_of(clip).replaced if name in held])
        keep_record(clip, replace(record_of(clip), ids=[], errors=[], deleted=[], replaced={}))
        clip.backlot.survey.clear()
        clip.backlot.distances.clear()
        return FINISHED


class BACKLOT_OT_add_survey_point(_OnPlate, bpy.types.Operator):
    """Say where in the world, in metres, the selected tracks' points are. Three places, not in a line, give the solve
    its scale, up and origin"""

    bl_idname = "backlot.add_survey_point"
    bl_label = "Add Known Place"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    track: bpy.props.StringProperty(
        name="Track", description="Name of the track; empty takes the selected ones", options={"SKIP_SAVE"}
    )
    place: bpy.props.FloatVectorProperty(name="Place", description="Metres", size=3, unit="LENGTH")

    def execute(self, context: bpy.types.Context) -> set[str]:
        clip = plate_of(ownership.current_shot(context.scene))
        names = [self.track] if self.track else _selected(clip)
        if not names:
            return refuse(self, InvalidRequest("No track is selected.", "Select tracks in the Movie Clip Editor."))
        known = {item.track: item for item in clip.backlot.survey}
        for name in names:
            item = known.get(name) or clip.backlot.survey.add()
            item.track, item.place = name, self.place
        return FINISHED


class BACKLOT_OT_add_known_distance(_OnPlate, bpy.types.Operator):
    """Say how far apart, in metres, the points of the two selected tracks are: it gives the solve its scale"""

    bl_idname = "backlot.add_known_distance"
    bl_label = "Add Known Distance"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    first: bpy.props.StringProperty(
        name="First Track", description="Empty takes the selected ones", options={"SKIP_SAVE"}
    )
    second: bpy.props.StringProperty(
        name="Second Track", description="Empty takes the selected ones", options={"SKIP_SAVE"}
    )
    metres: bpy.props.FloatProperty(name="Distance", description="Metres", default=1.0, min=1e-6, unit="LENGTH")

    def execute(self, context: bpy.types.Context) -> set[str]:
        clip = plate_of(ownership.current_shot(context.scene))
        names = [self.first, self.second] if self.first and self.second else _selected(clip)
        if len(names) != 2:
            return refuse(self, InvalidRequest("A distance needs two tracks.", "Select two in the Movie Clip Editor."))
        item = clip.backlot.distances.add()
        item.first, item.second = names
        item.metres = self.metres
        return FINISHED


class BACKLOT_OT_remove_known(_OnPlate, bpy.types.Operator):
    """Remove a known place or distance"""

    bl_idname = "backlot.remove_known"
    bl_label = "Remove Known Place or Distance"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    kind: bpy.props.EnumProperty(
        name="Kind", description="Of which list",
        items=(("survey", "Place", "A known place"), ("distances", "Distance", "A known distance")),
    )  # fmt: skip
    index: bpy.props.IntProperty(name="Index", description="Row of the list, from 0", min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        listed = getattr(plate_of(ownership.current_shot(context.scene)).backlot, self.kind)
        if self.index >= len(listed):
            return refuse(self, InvalidRequest(f"The list has no row {self.index}.", ""))
        listed.remove(self.index)
        return FINISHED


def _selected(clip: bpy.types.MovieClip) -> list[str]:
    return [track.name for track in clip.tracking.tracks if track.select]


CLASSES = (
    BACKLOT_OT_solve_with_tracks,
    BACKLOT_OT_forget_hints,
    BACKLOT_OT_add_survey_point,
    BACKLOT_OT_add_known_distance,
    BACKLOT_OT_remove_known,
)
