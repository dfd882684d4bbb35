"""`build.py docs`: the site, from the pages in docs/ and those that the source itself gives."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import environments, layout
from .console import run_quietly, say, step


def build(out: Path, *, offline: Path | None = None) -> Path:
    """The first page of the site in `out`, which is made anew. A link to nowhere is an error. Raises `BuildError`."""
    python = environments.ensure(environments.docs_plan(), offline=offline)
    source = layout.cache_root() / "docs"
    with step("writing the site"):
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(layout.ROOT / "docs", source)
        run_quietly([str(python), "-m", "tools.docs_site", str(source)], "docs-reference", folder=layout.ROOT)
        beside = out.with_name(f"{out.name}.{os.getpid()}.partial")
        try:
            _write(python, source, beside)
            shutil.rmtree(out, ignore_errors=True)
            beside.replace(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    say(f"{out / 'index.html'}")
    return out / "index.html"


def _write(python: Path, source: Path, out: Path) -> None:
    settings = layout.ROOT / "tools" / "docs_site"
    # -n: also names that are looked up must be found; -W: a warning is an error, after all are told.
    command = [str(python), "-m", "sphinx", "-b", "html", "-n", "-W", "--keep-going", "-q", "-c", str(settings)]
    run_quietly([*command, "-d", str(source / ".doctrees"), str(source), str(out)], "docs", folder=layout.ROOT)
    run_quietly([str(python), "-m", "tools.docs_site.links", str(out)], "docs-links", folder=layout.ROOT)


def take_screenshots() -> None:
    """Renews the pictures in docs/images from those that the window tests took last in this checkout. Raises
    `BuildError` where one is missing."""
    python = environments.ensure(environments.base_plan())
    with step("docs/images from the window tests"):
        command = [str(python), "-m", "tools.docs_site.screenshots", str(layout.screenshots())]
        run_quietly([*command, str(layout.ROOT / "docs" / "images")], "docs-screenshots", folder=layout.ROOT)
