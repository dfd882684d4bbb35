"""FBX (binary), by Blender's own exporter: the job for `blender_addon/headless/write_motion.py`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from backend.export.blender_process import Blender, run_script
from backend.frame_ranges import frame_ranges
from backend.pipeline.atomic import atomic_path
from shared.body_arrays import BodyMesh
from shared.motion_arrays import Motion

from .skin import rest_vertices
from .take import Take, take_of


def write_fbx(
    motion: Motion,
    path: Path,
    *,
    blender: Blender,
    check_cancelled: Callable[[], None],
    name: str = "person",
    body: BodyMesh | None = None,
    texture: Path | None = None,
) -> str:
    """Writes an armature of that name, y up, with a key at every plate frame, and its skinned mesh; returns Blender's
    version. texture: the body's, that the file names as lying beside it. Raises `ArtifactMissing` for a motion without
    a pose, `EngineUnavailable`, `InternalError`, `DiskFull`, `ShotReadOnly`, and what `check_cancelled` raises."""
    take = take_of(motion)
    with atomic_path(path) as beside, tempfile.TemporaryDirectory(prefix="backlot-motion-") as folder:
        arrays = Path(folder) / "take.npz"
        np.savez(arrays, **_arrays(take), **(_body_arrays(body, motion) if body else {}))
        job = {
            "name": name,
            "fps": [take.fps.numerator, take.fps.denominator],
            "first": take.first,
            "joints": ["_".join(joint.split()) for joint in take.names],
            "absent": frame_ranges(take.held),
            "arrays": str(arrays),
            "texture": str(texture) if texture else "",
            "output": str(beside),
        }
        return str(run_script(blender, "write_motion.py", job, check_cancelled)["done"])


def _arrays(take: Take) -> dict[str, Any]:
    return {"parents": np.array(take.parents), "rest": take.rest, "root": take.root, "turns": take.turns}


def _body_arrays(body: BodyMesh, motion: Motion) -> dict[str, Any]:
    return {
        "vertices": rest_vertices(body, motion),
        "faces": body.faces,
        "skin_joints": body.joints,
        "weights": body.weights,
        "uv": body.uv,
    }
