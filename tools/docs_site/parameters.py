"""A page for every stage, from the declarations that the command line and Blender's panels are made from too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.params import ParamSpec, specs
from shared.stage_presets import PRESETS, Preset
from shared.stages import StageInfo


def stages_page(stages: Sequence[StageInfo]) -> str:
    """The list of stages, with what each needs."""
    rows = "\n".join(
        f"| [{info.name}](stage-{info.name}.md) | {', '.join(info.aliases) or '-'} | {', '.join(info.needs) or '-'} "
        f"| {info.help} |"
        for info in stages
    )
    names = "\n".join(f"stage-{info.name}" for info in stages)
    return (
        "# Stages and their parameters\n\n"
        "`python -m backend run FOOTAGE -s STAGE`, `api.run` in Blender and every panel take the same parameters.\n\n"
        "| stage | other names | needs | what it does |\n|---|---|---|---|\n"
        f"{rows}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


def stage_page(info: StageInfo) -> str:
    """All parameters of a stage."""
    told = _presets(info.name) + "".join(_parameter(spec) for spec in specs(info.params))
    names = f" (also `{'`, `'.join(info.aliases)}`)" if info.aliases else ""
    return f"# {info.label}: `-s {info.name}`\n\n{info.help}{names}.\n\n{told}"


def _presets(stage: str) -> str:
    """Those of the menu in the panel's header, with what each sets."""
    found = PRESETS.get(stage, ())
    if not found:
        return ""
    rows = "".join(f"| {one.name} | {escaped(one.help)} | {_set_values(one)} |\n" for one in found)
    return f"## Presets\n\nIn the header of the panel in Blender.\n\n| preset | for | sets |\n|---|---|---|\n{rows}\n"


def _set_values(preset: Preset) -> str:
    return ", ".join(f"`{name}` {_said(value)}" for name, value in preset.values.items())


def _said(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"`{value}`"


def _parameter(spec: ParamSpec) -> str:
    lines = [f"## {spec.label}", "", *_facts(spec), "", escaped(spec.help), ""]
    if spec.choices:
        lines += ["| value | name | meaning |", "|---|---|---|"]
        lines += [f"| `{one.value}` | {escaped(one.label)} | {escaped(one.help)} |" for one in spec.choices] + [""]
    return "\n".join(lines) + "\n"


def _facts(spec: ParamSpec) -> Iterator[str]:
    flags = ", ".join(f"`{flag}`" for flag in (*spec.flags, *spec.off_flags))
    yield f"`{spec.name}` · {flags} · {_kind(spec)} · default {_default(spec)}"


def _kind(spec: ParamSpec) -> str:
    words = {bool: "yes or no", int: "whole number", float: "number", str: "text"}
    kind = "one of the below" if spec.choices else words[spec.kind]
    unit = f" ({spec.unit})" if spec.unit else ""
    low, high = (None if one is None else f"{one:g}" for one in (spec.minimum, spec.maximum))
    limits = {
        (True, True): f", {low} to {high}", (True, False): f", at least {low}", (False, True): f", at most {high}",
    }.get((low is not None, high is not None), "")  # fmt: skip
    return kind + unit + limits


def _default(spec: ParamSpec) -> str:
    if spec.default is None:
        return "empty"
    if spec.kind is bool:
        return "yes" if spec.default else "no"
    return f"`{spec.default}`" if spec.default != "" else "empty"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, also within a table."""
    for sign in ("\\", "|", "<", "*", "_", "[", "`"):
        text = text.replace(sign, f"\\{sign}")
    return text
