"""The camera's path and its frusta in the shot's space, coloured by how good or how fast it is. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .colours import badness_colours, speed_colours

_FASTEST = 98.0
"""Percentile of the speeds that counts as the fastest: one jump must not make all else look still."""
_FRUSTA = 12
"""At most so many beside the problem ranges."""
_FAINT = 0.6
"""Opacity: the path stands out from its frusta."""


@dataclass(frozen=True)
class Track:
    """The keys of a camera. frames float64 [T]; location float64 [T,3]; rotation float64 [T,4] wxyz, Blender's camera
    axes (looks down -z); value float64 [T]: what it is coloured by, nan where that is not known."""

    frames: np.ndarray
    location: np.ndarray
    rotation: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Lines:
    """Line segments. places float32 [2L,3], colours float32 [2L,4]."""

    places: np.ndarray
    colours: np.ndarray


def path_colours(value: np.ndarray, kind: str, worst_px: float) -> np.ndarray:
    """float32 [T,4]. kind: CONFIDENCE (0..1), ERROR (px), SPEED (units a second)."""
    if kind == "CONFIDENCE":
        return badness_colours(1.0 - value)
    if kind == "ERROR":
        return badness_colours(value / worst_px)
    known = value[np.isfinite(value)]
    fastest = float(np.percentile(known, _FASTEST)) if len(known) else 0.0
    return speed_colours(value / fastest if fastest > 0.0 else np.zeros(len(value)))


def path_lines(track: Track, colours: np.ndarray) -> Lines:
    """From each key to the next, but not across frames without a camera."""
    joined = np.flatnonzero(np.diff(track.frames) <= 1.0)
    ends = np.stack([joined, joined + 1], axis=-1).ravel()
    return Lines(track.location[ends].astype(np.float32), colours[ends])


def shown_frusta(frames: np.ndarray, marked: tuple[int, ...]) -> np.ndarray:
    """Rows of the frames whose frusta are drawn: evenly spread ones, and those that are marked."""
    if not len(frames):
        return np.zeros(0, np.int64)
    even = np.unique(np.linspace(0, len(frames) - 1, min(_FRUSTA, len(frames))).round().astype(np.int64))
    return np.union1d(even, np.flatnonzero(np.isin(frames, marked)))


def frustum_lines(track: Track, rows: np.ndarray, corners: np.ndarray, colours: np.ndarray) -> Lines:
    """corners: float [4,3], the picture's corners in the camera's own space, in turn."""
    turns = rotations(track.rotation[rows])
    base = np.einsum("tij,cj->tci", turns, corners) + track.location[rows][:, None]
    apex = np.repeat(track.location[rows][:, None], 4, axis=1)
    ribs = np.stack([apex, base], axis=2).reshape(len(rows), 8, 3)
    sides = np.stack([base, np.roll(base, -1, axis=1)], axis=2).reshape(len(rows), 8, 3)
    places = np.concatenate([ribs, sides], axis=1).reshape(-1, 3)
    faint = colours[rows] * (1.0, 1.0, 1.0, _FAINT)
    return Lines(places.astype(np.float32), np.repeat(faint, 16, axis=0).astype(np.float32))


def rotations(wxyz: np.ndarray) -> np.ndarray:
    """Rotation matrices [T,3,3] of quaternions [T,4]."""
    w, x, y, z = (wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=1)
