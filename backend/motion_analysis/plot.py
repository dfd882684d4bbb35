"""The analysis as one picture, SVG: the way from above with the feet's places, and the rest over the frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from backend.chart_scales import short, ticks
from shared.motion_arrays import ABSENT, BRIDGED

from .analysis import FrameMotion, MotionAnalysis
from .gait import SIDES

WIDTH, HEIGHT = 1600, 800
_CELL, _MARGIN = 400, 46
_INK, _FAINT, _LINE = "#323232", "#e1e1e1", "#14508c"
_COLOURS = {"left": "#1f6fb4", "right": "#d1601c"}
_SHADES = {ABSENT: "#f5cdcd", BRIDGED: "#fbeec2"}

Point = tuple[float, float | None]


@dataclass(frozen=True)
class Panel:
    """A cell of the picture, px, and the values that its edges stand for."""

    left: float
    top: float
    x: tuple[float, float]
    y: tuple[float, float]

    @property
    def size(self) -> float:
        return _CELL - 2.0 * _MARGIN

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * self.size, self.top + (1.0 - up) * self.size


def draw(analysis: MotionAnalysis) -> str:
    """The text of an SVG file, 1600 by 800."""
    frames = analysis.frames
    bends = {
        hinge: {side: [frame.bends_deg.get(f"{side}_{hinge}") for frame in frames] for side in SIDES}
        for hinge in ("knee", "elbow")
    }
    jitter = "" if analysis.jitter is None else f", jitter {short(analysis.jitter)} m/s³"
    parts = [
        *_path(analysis),
        *_curve(analysis, 1, 0, {"": [frame.speed for frame in frames]}, f"speed, m/s{_usual(analysis.mean_speed)}"),
        *_contacts(analysis),
        *_curve(
            analysis, 3, 0, {"": [frame.slide_mm for frame in frames]},
            f"slide of standing feet, mm a frame{_usual(analysis.slide_mm)}", least=2.0,
        ),
        *_curve(analysis, 0, 1, bends["knee"], "knees bent, degrees", least=90.0),
        *_curve(analysis, 1, 1, bends["elbow"], "elbows bent, degrees", least=90.0),
        *_curve(
            analysis, 2, 1, {"": [frame.jerk_mm for frame in frames]}, f"third difference, mm a frame³{jitter}",
            least=2.0,
        ),
        *_curve(analysis, 3, 1, {"": [frame.confidence for frame in frames]}, "confidence", top=1.0),
    ]  # fmt: skip
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *parts, "</svg>"]) + "\n"


def _usual(value: float | None) -> str:
    return "" if value is None else f" (mean {value:.3g})"


def _curve(
    analysis: MotionAnalysis,
    column: int,
    row: int,
    curves: Mapping[str, Sequence[float | None]],
    title: str,
    *,
    least: float = 1e-6,
    top: float | None = None,
) -> Iterable[str]:
    """curves: side, "" for both, and its values. least: of the scale's top, where none is given, so that noise does not
    fill the panel."""
    values = [value for curve in curves.values() for value in curve if value is not None]
    panel = _over_frames(analysis, column, row, (0.0, top or 1.06 * max([*values, least])))
    yield from _shades(panel, analysis.frames)
    yield from _grid(panel, title, whole_x=True)
    for side, curve in curves.items():
        points = [(float(frame.frame), value) for frame, value in zip(analysis.frames, curve, strict=True)]
        yield from _lines(panel, points, _COLOURS.get(side, _LINE))
    if len(curves) > 1:
        yield from _sides(panel)


def _contacts(analysis: MotionAnalysis) -> Iterable[str]:
    """A row for each foot, filled while it stands."""
    panel = _over_frames(analysis, 2, 0, (0.0, 2.0))
    said = "" if analysis.stride_m is None else f": stride {analysis.stride_m:.2f} m, {analysis.cadence:.0f} steps/min"
    yield from _shades(panel, analysis.frames)
    yield from _grid(panel, f"feet that stand{said}", whole_x=True, bare_y=True)
    for side, foot in analysis.feet.items():
        top = 1.8 - SIDES.index(side)
        for contact in foot.contacts:
            yield _box(panel, (contact.first - 0.5, contact.last + 0.5), (top - 0.6, top), _COLOURS[side])
    yield from _sides(panel)


def _path(analysis: MotionAnalysis) -> Iterable[str]:
    """From above, the same scale both ways, metres."""
    scale = analysis.metres_per_unit
    way = [None if f.position is None else (f.position[0] * scale, f.position[1] * scale) for f in analysis.frames]
    known = [place for place in way if place is not None]
    feet = {s: [(c.place[0] * scale, c.place[1] * scale) for c in foot.contacts] for s, foot in analysis.feet.items()}
    corners = np.array([*known, *(place for places in feet.values() for place in places)])
    middle = (corners.min(0) + corners.max(0)) / 2.0
    half = max(float(np.ptp(corners, axis=0).max()) * 0.54, 0.25)
    panel = _cell(0, 0, (middle[0] - half, middle[0] + half), (middle[1] - half, middle[1] + half))
    yield from _grid(panel, f"way from above (x, y), m; {analysis.path_m:.2f} m long")
    for side, places in feet.items():
        for x, y in places:
            yield _dot(panel, x, y, 4.5, _COLOURS[side])
    pieces: list[list[tuple[float, float]]] = [[]]
    for place in way:
        if place is None:
            pieces.append([])
        else:
            pieces[-1].append(place)
    yield from (_polyline(panel, piece, _LINE) for piece in pieces if len(piece) > 1)
    yield _dot(panel, *known[0], 6.0, "#2a8c2a")


def _over_frames(analysis: MotionAnalysis, column: int, row: int, y: tuple[float, float]) -> Panel:
    return _cell(column, row, (float(analysis.first), float(max(analysis.last, analysis.first + 1))), y)


def _cell(column: int, row: int, x: tuple[float, float], y: tuple[float, float]) -> Panel:
    return Panel(column * _CELL + _MARGIN, row * _CELL + _MARGIN, x, y)


def _shades(panel: Panel, frames: Sequence[FrameMotion]) -> Iterable[str]:
    for frame in frames:
        if frame.state in _SHADES:
            yield _box(panel, (frame.frame - 0.5, frame.frame + 0.5), panel.y, _SHADES[frame.state])


def _grid(panel: Panel, title: str, *, whole_x: bool = False, bare_y: bool = False) -> Iterable[str]:
    for value in ticks(panel.x, whole=whole_x):
        x, y = panel.place(value, panel.y[0])
        yield f'<path d="M{x:.1f} {y:.1f}V{panel.top:.1f}" stroke="{_FAINT}"/>'
        yield _text(short(value), x, y + 15.0, anchor="middle")
    for value in () if bare_y else ticks(panel.y):
        x, y = panel.place(panel.x[0], value)
        yield f'<path d="M{x:.1f} {y:.1f}h{panel.size:.1f}" stroke="{_FAINT}"/>'
        yield _text(short(value), x - 5.0, y + 4.0, anchor="end")
    yield (
        f'<rect x="{panel.left:.1f}" y="{panel.top:.1f}" width="{panel.size:.1f}" height="{panel.size:.1f}" '
        f'fill="none" stroke="{_INK}"/>'
    )
    yield _text(title, panel.left, panel.top - 9.0, size=13)


def _sides(panel: Panel) -> Iterable[str]:
    for number, side in enumerate(SIDES):
        yield _text(side, panel.left + panel.size - 72.0 + 38.0 * number, panel.top + 14.0, colour=_COLOURS[side])


def _lines(panel: Panel, points: Sequence[Point], colour: str) -> Iterable[str]:
    """Lines between neighbours that both have a value; a dot for one that stands alone."""
    piece: list[tuple[float, float]] = []
    for x, y in [*points, (0.0, None)]:
        if y is not None:
            piece.append((x, y))
            continue
        if len(piece) == 1:
            yield _dot(panel, *piece[0], 1.8, colour)
        elif piece:
            yield _polyline(panel, piece, colour)
        piece = []


def _polyline(panel: Panel, points: Sequence[tuple[float, float]], colour: str) -> str:
    placed = " ".join("{:.1f},{:.1f}".format(*panel.place(x, y)) for x, y in points)
    return f'<polyline points="{placed}" fill="none" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round"/>'


def _dot(panel: Panel, x: float, y: float, radius: float, colour: str) -> str:
    across, down = panel.place(x, y)
    return f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{radius}" fill="{colour}" fill-opacity="0.75"/>'


def _box(panel: Panel, x: tuple[float, float], y: tuple[float, float], colour: str) -> str:
    """Cut off at the panel's sides."""
    left, top = panel.place(max(x[0], panel.x[0]), y[1])
    right, bottom = panel.place(min(x[1], panel.x[1]), y[0])
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" fill="{colour}"/>'
    )


def _text(text: str, x: float, y: float, *, anchor: str = "start", size: int = 11, colour: str = _INK) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}"'
    return f'<text {place} fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
