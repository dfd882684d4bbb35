"""Writes the pages that come from the source: `python -m tools.docs_site FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import error_page
from .licences import licences_page
from .parameters import stage_page, stages_page


def main(folder: Path) -> None:
    """Fills FOLDER/reference."""
    from shared.stages import STAGES

    target = folder / "reference"
    target.mkdir(parents=True, exist_ok=True)
    pages = {f"stage-{info.name}": stage_page(info) for info in STAGES}
    pages |= {"stages": stages_page(STAGES), "errors": error_page(), "licences": licences_page()}
    for name, text in pages.items():
        (target / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
