"""The documentation's site: pages made from the source, and pages that are found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.errors import BacklotError, code_of
from shared.params import specs
from shared.stage_presets import PRESETS
from shared.stages import STAGES, StageInfo
from tools.docs_site.errors import error_page, sentences
from tools.docs_site.links import broken
from tools.docs_site.parameters import escaped, stage_page, stages_page
from tools.docs_site.screenshots import MOST_BYTES, OTHERS, SCREENSHOTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
_LINK_TO_PLACE = re.compile(r"\]\(([^)#:\s]*)#([^)\s]+)\)")
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)")


@pytest.mark.parametrize("info", STAGES, ids=lambda info: info.name)
def test_every_parameter_is_explained(info: StageInfo) -> None:
    page = stage_page(info)
    for spec in specs(info.params):
        assert all(f"`{flag}`" in page for flag in spec.flags) and escaped(spec.help) in page
        assert all(f"| `{choice.value}` |" in page for choice in spec.choices)
    for preset in PRESETS.get(info.name, ()):
        assert f"| {preset.name} | {escaped(preset.help)} |" in page
        assert all(f"`{name}`" in page for name in preset.values)


def test_every_stage_is_listed() -> None:
    page = stages_page(STAGES)
    assert all(f"[{info.name}](stage-{info.name}.md)" in page for info in STAGES)


def test_every_error_code_is_in_the_index_with_what_it_says() -> None:
    said = sentences()
    page = error_page(said)

    def kinds(kind: type[BacklotError]) -> list[type[BacklotError]]:
        return [one for child in kind.__subclasses__() for one in (child, *kinds(child))]

    defined = [kind for kind in kinds(BacklotError) if kind.__module__ == "shared.errors"]
    assert len(defined) > 30
    assert all(f"## {code_of(kind)}\n" in page for kind in defined)
    assert ("The footage … is not an absolute path.", "Give its whole path.") in said["InvalidRequest"]


def test_every_page_is_in_the_contents_and_every_link_leads_somewhere() -> None:
    contents = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    for page in DOCS.glob("*.md"):
        assert page.stem == "index" or page.stem in contents, f"{page.name} is not in the contents of index.md"
        for target, _ in _LINK.findall(page.read_text(encoding="utf-8")):
            made = re.fullmatch(r"reference/(stages|errors|licences|stage-\w+)\.md", target)
            assert made or (DOCS / target).exists(), f"{page.name} leads to {target}, which is not there"


def test_every_place_within_a_page_that_is_linked_to_is_there() -> None:
    for page in (*DOCS.glob("*.md"), DOCS.parent / "README.md"):
        for target, place in _LINK_TO_PLACE.findall(page.read_text(encoding="utf-8")):
            other = page.parent / target if target else page
            if other.is_file():
                assert place in places(other), f"{page.name} leads to {target}#{place}, a heading that is not there"


def places(page: Path) -> set[str]:
    """The names that links give to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = _LINK.findall((DOCS.parent / "README.md").read_text(encoding="utf-8"))
    assert links and all((DOCS.parent / target).exists() for target, _ in links)


def test_every_picture_is_made_by_a_window_test_and_shown() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (*DOCS.glob("*.md"), DOCS.parent / "README.md"))
    made = {f"{wanted.name}.jpg" for wanted in SCREENSHOTS}
    assert {path.name for path in (DOCS / "images").iterdir()} == made | set(OTHERS)
    assert [name for name in sorted(made) if f"images/{name})" not in texts] == []
    scenarios = (DOCS.parent / "tests/gui/scenarios").glob("*.py")
    photographed = "".join(path.read_text(encoding="utf-8") for path in scenarios)
    assert [wanted for wanted in SCREENSHOTS if f'"{wanted.picture}"' not in photographed] == []
    assert max(path.stat().st_size for path in (DOCS / "images").iterdir()) <= MOST_BYTES


def test_a_link_to_nowhere_is_found_in_the_finished_site(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "index.html").write_text(
        '<a href="deep/page.html#there">x</a><a href="https://example.org">x</a><a href="gone.html">x</a>'
    )
    (tmp_path / "deep/page.html").write_text(
        '<p id="there"><a href="../index.html">x</a><a href="#here">x</a>'
        '<img src="https://example.org/a.png"><img src="b.png"></p>'
    )
    assert [fault.split(" ", 1)[1] for fault in broken(tmp_path)] == [
        "leads to #here, a place that page does not have.",
        "loads https://example.org/a.png from another computer.",
        "leads to b.png, which is not there.",
        "leads to gone.html, which is not there.",
    ]
