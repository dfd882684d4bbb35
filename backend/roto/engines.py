"""The engines of the roto stage: which one finds which label, and how.

Hints (clicks, boxes, paint) are followed by `sam2` where its weights are there, else by `flow`. Words are for the
first of `sam3`, `groundingdino`, `owlv2` that is ready; people need none of them: `person` finds them.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from backend.roto_learned.choice import choose
from shared.errors import EngineUnavailable, InvalidRequest
from shared.roto_params import RotoParams

from .hints import WHAT_TO_DO
from .job import RotoJob
from .labels import instance_of
from .propagation import FrameMasks
from .propagation.settings import ENGINE_VERSION as FLOW_METHOD

FLOW, PERSON = Engine("flow", 1), Engine("person", 1)
SAM2, SAM3 = Engine("sam2", 1), Engine("sam3", 1)
GROUNDINGDINO, OWLV2 = Engine("groundingdino", 1), Engine("owlv2", 1)
ENGINES = {engine.name: engine for engine in (FLOW, PERSON, SAM2, SAM3, GROUNDINGDINO, OWLV2)}

_BY_TEXT = (SAM3, GROUNDINGDINO, OWLV2)
_MODULES = {FLOW: "backend.roto.flow", PERSON: "backend.roto.people"}
_LEARNED_MODULE = "backend.roto_learned"
PEOPLE_WORDS = frozenset({"person", "persons", "people", "human", "humans", "man", "woman", "men", "women", "actor"})
"""What the engine `person` understands, in small letters."""

AUTOMATIC_LABEL = "person"
"""Of what the engine `person` finds when no prompt asks for anything."""


@dataclass(frozen=True)
class Assignment:
    """What one engine finds. hinted: labels whose hints it follows; those of a label that is among its texts, or named
    as an instance of one, correct what the words find. texts: label -> words that it looks for."""

    engine: Engine
    hinted: tuple[str, ...]
    texts: Mapping[str, str]

    @property
    def placed(self) -> tuple[str, ...]:
        """Labels that only hints say the place of."""
        return tuple(label for label in self.hinted if _corrected(label, self.texts) is None)


def engine_of(params: RotoParams) -> Engine:
    """The engine asked for; `flow` for auto, which is ready everywhere. Raises `EngineUnavailable` when it cannot
    run."""
    if params.engine == "auto":
        return FLOW
    require_ready(ENGINES[params.engine], params)
    return ENGINES[params.engine]


def require_ready(engine: Engine, params: RotoParams) -> None:
    """Raises `EngineUnavailable` with what the engine lacks. Imports no model code."""
    if engine == PERSON:
        importlib.import_module("backend.roto.people.environment").mocap_python()
    elif engine != FLOW:
        weights_files(engine, params)


def weights_files(engine: Engine, params: RotoParams) -> str:
    """Fingerprint of the model that a learned engine would run: the first that is there and allowed. Raises
    `EngineUnavailable`, `InvalidRequest` for an unknown model."""
    chosen = choose(engine.name, params)
    return of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)


def is_ready(engine: Engine, params: RotoParams) -> bool:
    try:
        require_ready(engine, params)
    except (EngineUnavailable, InvalidRequest):
        return False
    return True


def assign(params: RotoParams, hinted: Sequence[str], texts: Mapping[str, str]) -> tuple[Assignment, ...]:
    """Who finds what. Raises `EngineUnavailable`, and `InvalidRequest` when the engine asked for cannot find what the
    prompts name."""
    if not hinted and not texts:
        if params.engine != PERSON.name:
            raise InvalidRequest("Nothing says yet which objects this shot's masks are of.", WHAT_TO_DO)
        texts = {AUTOMATIC_LABEL: "person"}
    by_text: dict[Engine, dict[str, str]] = {}
    for label, words in texts.items():
        try:
            by_text.setdefault(_text_engine(params, label, words), {})[label] = words
        except (EngineUnavailable, InvalidRequest):
            if label not in hinted:
                raise
    found_by_words = [label for wanted in by_text.values() for label in wanted]
    corrected = {label: _corrected(label, found_by_words) for label in hinted}
    by_hints = _hint_engine(params) if None in corrected.values() else None
    if by_hints == FLOW and PERSON in by_text:  # people are followed by flow too: together, so that all compete
        by_hints = PERSON
    found = []
    for engine in dict.fromkeys((*([by_hints] if by_hints else []), *by_text)):
        wanted = by_text.get(engine, {})
        own = [label for label, text in corrected.items() if (text in wanted if text else engine == by_hints)]
        found.append(Assignment(engine, tuple(own), wanted))
    return tuple(found)


def _corrected(label: str, texts: Collection[str]) -> str | None:
    """The text whose finding the hints of a label correct."""
    return label if label in texts else instance_of(label, texts)


def _hint_engine(params: RotoParams) -> Engine:
    """`person` and the engines that find boxes leave hints to the others."""
    if params.engine == SAM2.name:
        require_ready(SAM2, params)
        return SAM2
    if params.engine == FLOW.name or params.engine == PERSON.name:
        return FLOW
    # A model chosen by name is that of the engine asked for.
    return SAM2 if is_ready(SAM2, replace(params, model="auto")) else FLOW


def _text_engine(params: RotoParams, label: str, words: str) -> Engine:
    people = words.casefold() in PEOPLE_WORDS
    if params.engine in (FLOW.name, SAM2.name) or (params.engine == PERSON.name and not people):
        raise InvalidRequest(
            f"The engine {params.engine} cannot find {label!r} by its words {words!r}.",
            f"Say where it is: click on it, box it or paint it, or give --bbox. Or choose another engine: "
            f"{', '.join(engine.name for engine in _BY_TEXT)}" + (", person." if people else "."),
        )
    if params.engine != "auto":
        require_ready(ENGINES[params.engine], params)
        return ENGINES[params.engine]
    for engine in _BY_TEXT:
        if is_ready(engine, params):
            return engine
    if people:
        require_ready(PERSON, params)
        return PERSON
    return _refuse_words(params, label, words)


def _refuse_words(params: RotoParams, label: str, words: str) -> Engine:
    try:
        require_ready(GROUNDINGDINO, params)
    except EngineUnavailable as lacking:
        raise EngineUnavailable(
            f"No engine that finds {words!r} by words is ready: {lacking.message}",
            f"{lacking.remedy} Or say where {label!r} is with clicks, a box or paint, which need no weights.",
        ) from lacking
    return GROUNDINGDINO


def engines_fingerprint(assignments: Sequence[Assignment], params: RotoParams) -> dict[str, str]:
    """The engines that will run with their versions, and their models' files."""
    named = ", ".join(
        f"{one.engine.name} {FLOW_METHOD if one.engine == FLOW else one.engine.version}" for one in assignments
    )
    learned = [one.engine for one in assignments if one.engine not in _MODULES]
    if any(engine in (GROUNDINGDINO, OWLV2) for engine in learned):  # what follows the boxes that they find
        named += f", boxes by {_hint_engine(params).name}"
    return {"engines": named} | {f"weights:{engine.name}": weights_files(engine, params) for engine in learned}


def people_fingerprint(assignments: Sequence[Assignment], params: RotoParams, *, boxes: bool) -> dict[str, str]:
    """Whether MediaPipe's masks begin what is boxed (`people.boxes`). boxes: whether anything is."""
    asked = boxes and params.people_in_boxes != "off" and FLOW in [one.engine for one in assignments]
    return {"people in boxes": str(PERSON.version)} if asked and is_ready(PERSON, params) else {}


def engine_names(assignments: Sequence[Assignment]) -> str:
    """For the result: `flow`, or `flow+person` when two share the work."""
    return "+".join(one.engine.name for one in assignments)


def run_engine(assignment: Assignment, job: RotoJob) -> Iterator[FrameMasks]:
    """The masks of every frame of the job, ascending."""
    module: Any = importlib.import_module(_MODULES.get(assignment.engine, _LEARNED_MODULE))
    frames: Iterator[FrameMasks] = module.roto_frames(job)
    return frames
