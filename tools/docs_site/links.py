"""Looks at every link of the finished site that stays within it: `python -m tools.docs_site.links SITE`.

The generator warns of wrong links in the pages' text. This looks at the pages as they are served: also links in raw
HTML, pictures, styles and scripts, and the places within a page.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"link", "script", "img", "source", "iframe"}
"""Tags whose target the browser fetches by itself."""


class Page(HTMLParser):
    """leads_to: what its tags refer to, and whether the browser loads it at once. places: the names that a link can
    point at. All as they are written."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.leads_to: list[tuple[str, bool]] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name == "id":
                self.places.add(value)
            if value and name in ("href", "src"):
                self.leads_to.append((value, tag in _LOADED))


def broken(site: Path) -> list[str]:
    """A sentence for each link that leads nowhere, and for what a page loads from another computer: the site must work
    without a network. Links to click may lead anywhere."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    faults = []
    for path, page in sorted(pages.items()):
        for link, loaded in page.leads_to:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if loaded and parts.scheme != "data":
                    faults.append(f"{path.relative_to(site.resolve())} loads {link} from another computer.")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                faults.append(f"{path.relative_to(site.resolve())} leads to {link}, which is not there.")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                faults.append(f"{path.relative_to(site.resolve())} leads to {link}, a place that page does not have.")
    return faults


def main(site: Path) -> int:
    faults = broken(site)
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
