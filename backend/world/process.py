"""A client's question about a world, a camera file or a clip: `python -m backend.world.process`, started by the server.

Standard input is {"method", "params"} as JSON, standard output {"result"} or {"error"}. A process of its own,
because the server imports no numpy, and so that whatever a damaged file does to it ends with it. It may be
killed at any moment: a change is then whole or has not been (`backend/pipeline/journal.py`).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.artifacts import StageResult
from shared.axes import ROTATION_ORDERS
from shared.errors import BacklotError, InternalError, InvalidRequest, UnknownMethod
from shared.footage_messages import ProbeReply, ProbeRequest
from shared.import_messages import IMPORT_AXES, CameraImport
from shared.stages import IngestParams
from shared.wire import pack, unpack
from shared.world_messages import WorldRequest

LOG = logging.getLogger("backlot.world")


def reply_to(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer, with every error in its wire form."""
    try:
        return {"result": pack(_ask(str(question["method"]), question["params"]))}
    except BacklotError as error:
        return {"error": error.to_wire()}
    except Exception as error:  # the border of this process
        LOG.exception("unexpected error")
        return {
            "error": InternalError(f"The question could not be answered: {type(error).__name__}: {error}").to_wire()
        }


def _ask(method: str, params: Mapping[str, Any]) -> Any:
    from backend.pipeline.atomic import disk_errors

    if method == "clip.probe":
        return _probe(unpack(ProbeRequest, params, "The parameters"))
    with disk_errors(Path(str(params["shot"]))):
        if method == "world.change":
            from .answer import answer

            return answer(unpack(WorldRequest, params, "The parameters"))
        if method == "world.suggest":
            from .suggest import suggest_world

            return suggest_world(_absolute(str(params["shot"])))
        if method == "camera.import":
            return _import_camera(unpack(CameraImport, params, "The parameters"))
    raise UnknownMethod(f"There is no method {method!r}.")


def _import_camera(wanted: CameraImport) -> StageResult:
    from backend.importers.command import import_into_shot
    from backend.importers.imported_camera import ImportOptions

    if wanted.axes not in IMPORT_AXES:
        raise InvalidRequest(f"{wanted.axes!r} are no axes.", f"They are {', '.join(IMPORT_AXES)}.")
    if wanted.rotation_order not in ("auto", *ROTATION_ORDERS):
        raise InvalidRequest(
            f"{wanted.rotation_order!r} is no order of rotations.",
            f"It is auto or one of {', '.join(ROTATION_ORDERS)}.",
        )
    options = ImportOptions(
        wanted.axes, wanted.rotation_order, wanted.frame_offset, wanted.scale, wanted.camera, wanted.blender
    )
    return import_into_shot(_absolute(wanted.file), _absolute(wanted.shot), options, replace=wanted.replace)


def _probe(wanted: ProbeRequest) -> ProbeReply:
    """Raises `FootageError`s."""
    from backend.media.probe import probe
    from backend.media.take import plan_take

    take = plan_take(probe(_absolute(wanted.footage)), IngestParams())
    return ProbeReply(take.facts, tuple(take.notices))


def _absolute(path: str) -> Path:
    if not Path(path).is_absolute():
        raise InvalidRequest(f"{path!r} is not an absolute path.", "Give the whole path.")
    return Path(path)


def main() -> None:
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand in the answer
    json.dump(reply_to(json.load(sys.stdin)), answer_to, ensure_ascii=True)
    answer_to.flush()


if __name__ == "__main__":
    main()
