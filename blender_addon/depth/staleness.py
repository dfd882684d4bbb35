"""Whether what a stage made was made for the camera that the shot has now. No bpy here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..shared.shot import ShotFolder

SENTENCE = "The camera was solved again after this depth was made: estimate it anew"


def is_of_an_earlier_camera(root: Path, stage: str = "depth") -> bool:
    """Whether the solve has run with another outcome since. False where that cannot be told, as for depth that another
    program wrote."""
    made, solve = _manifest(root, stage), _manifest(root, "solve")
    made_from = made.get("inputs", {}).get("stage:solve") if isinstance(made.get("inputs"), dict) else None
    return made_from is not None and solve.get("key") is not None and made_from != solve["key"]


def _manifest(root: Path, stage: str) -> dict[str, Any]:
    try:
        plain = json.loads((ShotFolder(root).manifests_dir / f"{stage}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return plain if isinstance(plain, dict) else {}
