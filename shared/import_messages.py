"""What clients say to bring another program's camera into a shot.

| method | params | result |
|---|---|---|
| camera.import | CameraImport | StageResult of the solve stage, engine "imported" |

Answered by a process of its own and may be sent while jobs run; it is refused with `ShotBusy` while one works on the
same shot.
"""

from __future__ import annotations

from dataclasses import dataclass

IMPORT_AXES = ("auto", "blender", "maya", "houdini", "nuke", "usd", "opencv", "after-effects")


@dataclass(frozen=True)
class CameraImport:
    """shot: absolute path of a shot that has its plate. file: absolute path of a COLMAP model folder or one of its
    files, of a .chan, .jsx, .abc, .fbx or .usd. replace: put it in the place of a camera that is there. axes, in
    IMPORT_AXES, and rotation_order: of the numbers in the file, "auto" for its program's. frame_offset: added to the
    file's frame numbers. scale: multiplies its lengths. camera: which one of the file, "" for the first. blender:
    Blender, or a Python that has bpy, that reads Alembic, FBX and USD; None finds one."""

    shot: str
    file: str
    replace: bool = False
    axes: str = "auto"
    rotation_order: str = "auto"
    frame_offset: int = 0
    scale: float = 1.0
    camera: str = ""
    blender: str | None = None
