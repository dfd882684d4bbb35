"""What polls ask about a shot folder: by the summary that the panels show, so that drawing touches no disk; where none
was read yet (scripts), by a look at the folder. An operator that runs looks for itself and refuses clearly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import runtime
from .shared.shot import ShotFolder

if TYPE_CHECKING:
    from .summary import ShotSummary

_DEPTH, _MOTIONS = "depth/meta.json", "mocap/*/motion.npz"


def exists(folder: Path | None) -> bool:
    known = _summary(folder)
    return folder is not None and (known.exists if known is not None else folder.is_dir())


def has_plate(folder: Path | None) -> bool:
    """Whether the clip has been read, so that the shot needs none."""
    known = _summary(folder)
    if folder is None or known is not None:
        return known is not None and known.has("ingest")
    return ShotFolder(folder).shot_json.is_file()


def is_solved(folder: Path | None) -> bool:
    known = _summary(folder)
    if folder is None or known is not None:
        return known is not None and known.is_solved
    return ShotFolder(folder).extrinsics.is_file()


def has_depth(folder: Path | None) -> bool:
    known = _summary(folder)
    if folder is None or known is not None:
        return known is not None and known.has("depth")
    return (folder / _DEPTH).is_file()


def has_motion(folder: Path | None) -> bool:
    known = _summary(folder)
    if folder is None or known is not None:
        return known is not None and bool(known.motions)
    return any(folder.glob(_MOTIONS))


def has_any_masks(folder: Path | None) -> bool:
    """Masks or mattes."""
    known = _summary(folder)
    if folder is None or known is not None:
        return known is not None and known.has_masks
    from .roto.results import has_masks

    return has_masks(folder)


def _summary(folder: Path | None) -> ShotSummary | None:
    return runtime.session().known_summary(folder) if folder is not None else None
