"""The documentation's pictures of Blender, from those that the window tests leave behind.

`python3 build.py test --layer gui`, then `python3 build.py docs --screenshots`. Runs in the backend's environment,
which can read and write pictures: `python -m tools.docs_site.screenshots TAKEN IMAGES`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

Box = tuple[int, int, int, int]

MOST_BYTES = 200_000
WIDEST_PX = 1280
_QUALITIES = (90, 84, 78, 70, 60, 50)


@dataclass(frozen=True)
class Screenshot:
    """name: of the file in docs/images, without .jpg. scenario, picture: which of tests/gui is run, and what it calls
    the picture. box: the part that is shown, left, top, right, bottom in px; None for the whole window."""

    name: str
    scenario: str
    picture: str
    box: Box | None = None


VIEW: Box = (0, 30, 1325, 810)
"""The viewport with its sidebar."""
SIDEBAR: Box = (1035, 80, 1325, 640)
TOP: Box = (1035, 80, 1325, 330)
"""Its first panels."""
QUEUE: Box = (1035, 80, 1600, 900)
"""With the status bar."""
MODELS: Box = (170, 575, 1325, 850)
"""The table in the preferences."""

SCREENSHOTS: tuple[Screenshot, ...] = (
    Screenshot("first-run", "session", "1_missing", VIEW),
    Screenshot("first-run-running", "session", "3_running", TOP),
    Screenshot("models", "session", "5_models", MODELS),
    Screenshot("solve-running", "session", "2_solving", SIDEBAR),
    Screenshot("jobs", "session", "2_queue", QUEUE),
    Screenshot("solved", "session", "3_solved"),
    Screenshot("solve-overlay", "session", "3a_overlay", VIEW),
    Screenshot("solve-path", "session", "3c_path", VIEW),
    Screenshot("world-picking", "session", "4_picking", VIEW),
    Screenshot("tracks", "session", "6_tracks"),
    Screenshot("depth", "depth", "4_plate", VIEW),
)

OTHERS = (
    "mocap-analysis.png",
    "mocap-body.jpg",
    "mocap-in-blender.jpg",
    "mocap-on-the-plate.jpg",
    "roto-fixed.jpg",
    "roto-hints.jpg",
    "roto-result.jpg",
)
"""Pictures in docs/images of clips with people, which the tests do not have: renewed by hand."""


def main(taken: Path, images: Path) -> int:
    """Writes every screenshot of which TAKEN has the picture; tells the missing ones and is then 1."""
    missing = []
    for wanted in SCREENSHOTS:
        source = _find(taken, wanted)
        if source is None:
            missing.append(f"{wanted.scenario}/{wanted.picture}.png")
            continue
        (images / f"{wanted.name}.jpg").write_bytes(_encoded(source, wanted.box))
    for path in missing:
        print(f"There is no {path} in {taken}: run python3 build.py test --layer gui", file=sys.stderr)
    return 1 if missing else 0


def _find(taken: Path, wanted: Screenshot) -> Path | None:
    """Of its scenario; else of one that has the same steps in it."""
    own = taken / wanted.scenario / f"{wanted.picture}.png"
    if own.is_file():
        return own
    return max(taken.glob(f"*/{own.name}"), key=lambda path: path.stat().st_mtime, default=None)


def _encoded(source: Path, box: Box | None) -> bytes:
    """A JPEG of at most `WIDEST_PX` and `MOST_BYTES`."""
    import cv2

    picture = cv2.imread(str(source))
    if picture is None:
        raise SystemExit(f"{source} is no picture.")
    if box is not None:
        left, top, right, bottom = box
        picture = picture[top:bottom, left:right]
    if picture.shape[1] > WIDEST_PX:
        size = (WIDEST_PX, round(picture.shape[0] * WIDEST_PX / picture.shape[1]))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for quality in _QUALITIES:
        packed = bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
        if len(packed) <= MOST_BYTES:
            break
    return packed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
