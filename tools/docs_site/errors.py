"""The index of error codes: the tree in shared/errors.py, and every sentence that the source raises, with its remedy.

Sentences are read from the source by its syntax tree, so that a new one is in the index by itself; what is only known
when it is said stands as an ellipsis.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from shared.errors import BacklotError, code_of

from .parameters import escaped

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = ("shared", "backend", "blender_addon")
_LONGEST = 300
_Sentences = dict[str, list[tuple[str, str]]]


def error_page(found: _Sentences | None = None) -> str:
    """One section for each class of the tree. found: what `sentences` gave."""
    found = sentences() if found is None else found
    kinds = list(_tree(BacklotError))
    parts = [_section(kind, found.get(kind.__name__, [])) for kind in kinds]
    codes = " · ".join(f"[{code}](#{code})" for code in sorted(map(code_of, kinds)))
    return (
        "# Errors and what to do\n\n"
        "Every error has a code (`--json` prints it), a sentence that says what happened, and a remedy. An ellipsis "
        f"stands for what depends on the shot: a file, a frame, a number.\n\n{codes}\n\n" + "\n".join(parts)
    )


def _tree(kind: type[BacklotError]) -> Iterator[type[BacklotError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _tree(child)


def _section(kind: type[BacklotError], said: list[tuple[str, str]]) -> str:
    doc = inspect.getdoc(kind) if kind.__doc__ and kind.__doc__ != BacklotError.__doc__ else ""
    lines = [f"## {code_of(kind)}", "", escaped(" ".join((doc or "").split())), ""]
    if kind.default_remedy:
        lines += [f"**Remedy:** {escaped(kind.default_remedy)}", ""]
    if said:
        lines += ["| what happened | what to do |", "|---|---|"]
        lines += [
            f"| {escaped(message)} | {escaped(remedy) or ('as above' if kind.default_remedy else '-')} |"
            for message, remedy in said
        ] + [""]
    return "\n".join(lines)


def sentences() -> _Sentences:
    """Class name -> (message, remedy) of every place that makes one with a sentence, sorted, each once."""
    known = {kind.__name__ for kind in _tree(BacklotError)}
    found: dict[str, set[tuple[str, str]]] = {}
    for folder in _SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if not any(name in text for name in known):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
                    message, remedy = (_text(node.args[at]) if len(node.args) > at else "" for at in (0, 1))
                    if message.strip("… ."):
                        found.setdefault(node.func.id, set()).add((message, remedy))
    return {name: sorted(pairs) for name, pairs in found.items()}


def _text(node: ast.expr) -> str:
    """The words of a literal or of an f-string; an ellipsis for the rest. Empty for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value[:_LONGEST] if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)[:_LONGEST]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return "…"
