"""Masks of a frame while an artist clicks: asked of a process that keeps the frame's features warm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest
from shared.roto_messages import PreviewRequest, require_preview
from shared.roto_prompts import require_label, require_valid_prompt
from shared.wire import pack

from .helper import Helper
from .settings import Settings

_ANSWER_LIMIT_S = 30.0


class PreviewService:
    """Asks the process of `backend/roto/cut/process.py`, which also ends a session's older preview for a newer one."""

    def __init__(self, settings: Settings) -> None:
        self._helper = Helper(settings, "previews", "previews masks", settings.preview_command)

    async def preview(self, request: PreviewRequest) -> Any:
        """A `PreviewReply`. Raises `InvalidRequest`, `Superseded`, what the work raised, `WorkerCrashed`,
        `RequestTimeout`."""
        if not Path(request.shot).is_absolute():
            raise InvalidRequest(f"The shot folder {request.shot!r} is not an absolute path.", "Give its whole path.")
        require_preview(request)
        require_label(request.label)
        require_valid_prompt(request.prompts, f"prompts of {request.label!r} at frame {request.frame}")
        late = f"The mask of {request.label!r} at frame {request.frame} was not done within {_ANSWER_LIMIT_S:g} s."
        return await self._helper.ask("preview", pack(request), _ANSWER_LIMIT_S, late)

    async def stop(self) -> None:
        await self._helper.stop()
