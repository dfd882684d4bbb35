"""Runs inside Blender: tracks and solves a clip with Blender's own libmv, with nobody to help it.

    python libmv_autotrack.py FRAMES OUT.json          (python of a bpy wheel, or blender -b --python ... -- FRAMES OUT)

What an artist's first try does: features are detected on every `STRIDE`th frame, followed both ways, and the camera
is solved with focal length and radial distortion free; then tracks that fit badly are deleted and it is solved
again, twice. The two key frames are those with the largest median displacement that still share enough tracks.
OUT gets {"poses": {index: world_from_camera}, "focal_px", "k1", "error_px", "tracks"}; poses have OpenCV axes.
k1 and k2 of libmv's polynomial model are Brown's in the same normalised coordinates.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import bpy

STRIDE = 16
MIN_LENGTH = 6
ENOUGH = 40
WORST_PX = (4.0, 2.0)
SENSOR_MM = 36.0


def main() -> None:
    rest = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    pictures = sorted(path for path in Path(rest[0]).iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg"})
    clip = load(pictures)
    with clip_editor(clip):
        follow(clip, len(pictures))
        solve(clip, len(pictures))
        for worst in WORST_PX:
            if clip.tracking.reconstruction.is_valid and drop_worse(clip, worst):
                solve(clip, len(pictures))
    Path(rest[1]).write_text(json.dumps(found(clip)), encoding="utf-8")


def load(pictures: list[Path]) -> Any:
    """The clip with tracking defaults for footage that nobody knows anything about."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, len(pictures)
    clip = bpy.data.movieclips.load(str(pictures[0]))
    camera, settings = clip.tracking.camera, clip.tracking.settings
    camera.sensor_width, camera.distortion_model = SENSOR_MM, "POLYNOMIAL"
    camera.focal_length = 1.2 * SENSOR_MM
    settings.default_pattern_size, settings.default_search_size = 21, 81
    settings.default_motion_model, settings.default_pattern_match = "Loc", "PREV_FRAME"
    settings.default_correlation_min, settings.use_default_normalization = 0.8, True
    settings.use_keyframe_selection = False
    settings.refine_intrinsics_focal_length = settings.refine_intrinsics_radial_distortion = True
    return clip


def clip_editor(clip: Any) -> Any:
    """The tracking operators want an area that edits clips, also where there is no screen."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "CLIP_EDITOR"
    area.spaces.active.clip, area.spaces.active.mode = clip, "TRACKING"
    region = next(one for one in area.regions if one.type == "WINDOW")
    return bpy.context.temp_override(
        window=window, screen=window.screen, area=area, region=region, space_data=area.spaces.active
    )


def follow(clip: Any, count: int) -> None:
    for start in range(1, count + 1, STRIDE):
        bpy.ops.clip.select_all(action="DESELECT")
        bpy.context.scene.frame_set(start)
        bpy.ops.clip.detect_features(threshold=0.05, min_distance=clip.size[0] // 24, margin=20, placement="FRAME")
        for backwards in (False, True):
            bpy.context.scene.frame_set(start)
            if not (backwards and start == 1):
                bpy.ops.clip.track_markers(backwards=backwards, sequence=True)
    for track in clip.tracking.tracks:
        track.select = len(places(track)) < MIN_LENGTH
    bpy.ops.clip.delete_track()


def places(track: Any) -> dict[int, tuple[float, float]]:
    return {marker.frame: (marker.co[0], marker.co[1]) for marker in track.markers if not marker.mute}


def solve(clip: Any, count: int) -> None:
    seen = [places(track) for track in clip.tracking.tracks]
    if len(seen) < 8:
        return
    camera = clip.tracking.objects[0]
    camera.keyframe_a, camera.keyframe_b = key_frames(seen, count)
    try:
        bpy.ops.clip.solve_camera()
    except RuntimeError as refused:  # the operator reports its failure this way
        print(f"libmv: {refused}", file=sys.stderr)


def key_frames(seen: list[dict[int, tuple[float, float]]], count: int) -> tuple[int, int]:
    def shared(pair: tuple[int, int]) -> list[float]:
        a, b = pair
        return [abs(p[a][0] - p[b][0]) + abs(p[a][1] - p[b][1]) for p in seen if a in p and b in p]

    pairs = list(itertools.combinations(range(1, count + 1, max(1, count // 16)), 2))
    moves = {pair: shared(pair) for pair in pairs}
    enough = [pair for pair in pairs if len(moves[pair]) >= ENOUGH]
    if not enough:
        return max(pairs, key=lambda pair: len(moves[pair]))
    return max(enough, key=lambda pair: median(moves[pair]))


def drop_worse(clip: Any, worst: float) -> bool:
    tracks = clip.tracking.tracks
    for track in tracks:
        track.select = track.has_bundle and track.average_error > worst
    if not any(track.select for track in tracks):
        return False
    bpy.ops.clip.delete_track()
    return True


def found(clip: Any) -> dict[str, Any]:
    result, camera = clip.tracking.reconstruction, clip.tracking.camera
    poses = {}
    for one in result.cameras if result.is_valid else ():
        matrix = [list(row) for row in one.matrix]
        for row in matrix[:3]:  # Blender's camera looks along -z with y up
            row[1], row[2] = -row[1], -row[2]
        poses[one.frame - 1] = matrix
    return {
        "poses": poses, "focal_px": camera.focal_length * clip.size[0] / SENSOR_MM, "k1": camera.k1, "k2": camera.k2,
        "error_px": result.average_error, "tracks": len(clip.tracking.tracks),
    }  # fmt: skip


if __name__ == "__main__":
    main()
