"""The page of licences: Backlot's own, its engines', those of the models they may load and of every package."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from backend.engines import ENGINES, EngineInfo
from backend.weights.models import MODELS, Model
from build_steps import fetched_python
from shared.stages import stage_info

from .dependencies import LICENCES, NOTES
from .parameters import escaped

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"

INSTALLED: tuple[tuple[str, str], ...] = (
    ("base", "Always: the backend"),
    ("torch", "`setup`, unless `--lean`: depth and learned engines"),
    ("learned", "`--extra learned`: engines that load weights"),
    ("mocap", "`--extra mocap`: people in pictures"),
    ("cluster", "`--extra cluster`: many machines"),
    ("bpy-4.5.15", "`--bpy`: Blender as a module"),
)
"""Lock file, and by what it is installed. Locks of tests and of this site install nothing at a user's."""

_HEAD = """# Licences

Made from what the source declares of its engines, models and pinned packages. It is no legal advice: the licences
themselves count, and those of the pictures that a network was trained on are yours to judge.

**In short.** A fresh set-up runs weight-free engines only; all of them may be used for commercial work, and so may
what they make of your footage. A model whose licence forbids commercial work is never used unless you say so
([how](../engines.md#models)).

## What Backlot brings along

| part | licence |
|---|---|
"""


def licences_page(engines: Sequence[EngineInfo] = ENGINES, models: Sequence[Model] = MODELS) -> str:
    """The whole page, Markdown."""
    return "\n".join([_HEAD.rstrip(), *_own(), "", *_engines(engines), "", *_models(models), "", *_packages()])


def _own() -> Iterator[str]:
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    licence = " AND ".join(name.removeprefix("SPDX:") for name in manifest["license"])
    yield f"| the extension, the backend, this documentation | {licence} |"
    for wheel in manifest["wheels"]:
        name = Path(wheel).name.split("-")[0]
        yield f"| {name}, the only library in the extension's zip | {LICENCES[name]} |"
    yield f"| the sample clip, which Backlot's own scripts build and render | {licence} |"
    yield (
        f"| Python {fetched_python.VERSION}, fetched where the computer has none that fits | PSF-2.0; "
        "the libraries in it under their own licences, whose texts come with it |"
    )
    yield "| model weights | none are brought along, none are fetched unasked |"


def _engines(engines: Sequence[EngineInfo]) -> Iterator[str]:
    yield "## Engines\n\nWeight-free engines load no model; learned ones load weights that you fetch.\n"
    for stage in dict.fromkeys(info.stage for info in engines):
        yield f"### {stage_info(stage).label}\n"
        yield "| engine | commercial work | kind | code | weights |\n|---|---|---|---|---|"
        for info in engines:
            if info.stage == stage:
                yield (
                    f"| `{info.engine}` | {_allowed(info.commercial)} | {info.kind} | {_listed(info.code_licence)} "
                    f"| {_listed(info.weights_licence) or 'none'} |"
                )
        yield ""


def _models(models: Sequence[Model]) -> Iterator[str]:
    yield "## Models\n\nFetched by `python3 build.py models --get NAME` or in Blender's preferences, one by one.\n"
    yield "| model | commercial work | engine | code | weights |\n|---|---|---|---|---|"
    for model in models:
        name = f"[`{model.name}`]({model.homepage})"
        yield (
            f"| {name} | {_allowed(model.commercial)} | `{model.engine}` | {_listed(model.code_licence)} "
            f"| {_listed(model.weights_licence)} |"
        )
    noted: dict[str, list[str]] = {}
    for model in models:
        if model.note:
            noted.setdefault(model.note, []).append(f"`{model.name}`")
    yield ""
    for note, names in noted.items():
        yield f"- {', '.join(names)}: {escaped(note)}"


def _packages() -> Iterator[str]:
    yield "## Packages\n\nEvery package is pinned in `requirements/` and comes from the package index.\n"
    seen: set[str] = set()
    for lock, purpose in INSTALLED:
        rows = [(name, version) for name, version in pins(lock) if name not in seen]
        seen.update(name for name, _ in rows)
        yield f"### {purpose}\n\n| package | licence |\n|---|---|"
        for name, version in rows:
            note = f"; {NOTES[name]}" if name in NOTES else ""
            yield f"| {name} {version} | {LICENCES[name]}{note} |"
        yield ""


def pins(lock: str) -> list[tuple[str, str]]:
    """(name in lower letters, version) of every package in requirements/LOCK.lock."""
    lines = (REQUIREMENTS / f"{lock}.lock").read_text(encoding="utf-8").splitlines()
    pinned = (line.split()[0].partition("==") for line in lines if "==" in line and not line.lstrip().startswith("#"))
    return [(name.lower(), version) for name, _, version in pinned]


def _listed(licences: str) -> str:
    return escaped(licences.replace(" AND ", ", "))


def _allowed(commercial: bool) -> str:
    return "yes" if commercial else "**no**"
