"""`camera/hints.json`: what the artist says about the tracks and the lens, for the next solve.

Any client writes it; the solve only reads it. It is strict: a field that is misspelt is refused, not ignored,
since a correction that silently does nothing is worse than an error. docs/formats.md shows an example.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from .documents import read_plain, refuse_unknown, write_document
from .errors import InvalidRequest, MalformedMessage, ShotCorrupt
from .shot import ShotFolder
from .wire import unpack

HINTS_VERSION = 1
_ID = re.compile(r"#(\d+)")
_MOST_WEIGHT = 1e4
_REMEDY = "Correct the file, or delete it to solve without hints. Nothing else was changed."

Vector3 = tuple[float, float, float]


def track_ref(number: int) -> str:
    """How hints name a track of `tracks.npz` by its id."""
    return f"#{number}"


def referred_id(ref: str) -> int | None:
    """The id that `#123` names; None when `ref` is the name of an added track."""
    match = _ID.fullmatch(ref)
    return int(match[1]) if match else None


@dataclass(frozen=True)
class AddedTrack:
    """A track that was drawn by hand or brought from another tracker.

    name: not empty, unique, without a leading #. positions: plate number (as text, for JSON) -> (x, y), px of the
    plate, edges at integers; two frames or more. weight: how many automatic observations each of it counts as.
    replaces: id of the automatic track that it is an edited copy of, which is left out then.
    """

    name: str
    positions: dict[str, tuple[float, float]]
    weight: float = 1.0
    replaces: int | None = None


@dataclass(frozen=True)
class SurveyPoint:
    """The known place of a track's point. track: name of an added track, or "#id". xyz: in the artist's own
    right-handed, z-up world, metres. sd: how well it is known, metres."""

    track: str
    xyz: Vector3
    sd: float = 0.01


@dataclass(frozen=True)
class KnownDistance:
    """The distance between two tracks' points. metres: > 0; sd: how well it is known, metres."""

    first: str
    second: str
    metres: float
    sd: float = 0.01


@dataclass(frozen=True)
class LensHint:
    """What is known of the focal length, px of the plate's width; parameters that are given win over it.
    fixed: focal_px is exact. focal_min_px, focal_max_px: it lies between them."""

    focal_px: float | None = None
    fixed: bool = False
    focal_min_px: float | None = None
    focal_max_px: float | None = None


@dataclass(frozen=True)
class SolveHints:
    """tracks_key: `key` of the tracks.npz that the ids are of, "" when no id is used. deleted: ids that are left
    out. locked: ids that are never thrown out as outliers. tracks: added or edited ones."""

    version: int = HINTS_VERSION
    tracks_key: str = ""
    deleted: tuple[int, ...] = ()
    locked: tuple[int, ...] = ()
    tracks: tuple[AddedTrack, ...] = ()
    survey: tuple[SurveyPoint, ...] = ()
    distances: tuple[KnownDistance, ...] = ()
    lens: LensHint = field(default_factory=LensHint)

    @property
    def is_empty(self) -> bool:
        return not (self.deleted or self.locked or self.tracks or self.survey or self.distances) and (
            self.lens == LensHint()
        )

    @property
    def ids(self) -> tuple[int, ...]:
        """Every id of an automatic track that is spoken of, once, ascending."""
        refs = [point.track for point in self.survey]
        refs += [ref for known in self.distances for ref in (known.first, known.second)]
        replaced = [track.replaces for track in self.tracks]
        found = {*self.deleted, *self.locked, *map(referred_id, refs), *replaced}
        return tuple(sorted(number for number in found if number is not None))


NO_HINTS = SolveHints()


def read_hints(shot: ShotFolder) -> SolveHints:
    """The shot's hints; none when there is no file. Raises `ShotCorrupt` naming the field that is wrong."""
    plain = read_plain(shot.hints, _REMEDY)
    if plain is None:
        return NO_HINTS
    try:
        refuse_unknown(SolveHints, plain, "hints.json")
        hints = unpack(SolveHints, plain, "hints.json")
        require_valid(hints)
    except (MalformedMessage, InvalidRequest) as bad:
        raise ShotCorrupt(f"{shot.hints}: {bad.message}", _REMEDY) from bad
    return hints


def write_hints(shot: ShotFolder, hints: SolveHints) -> None:
    """Puts the hints in place at once; an empty set removes the file. Raises `InvalidRequest`, `OSError`."""
    require_valid(hints)
    if hints.is_empty:
        shot.hints.unlink(missing_ok=True)
        return
    write_document(shot.hints, hints)


def require_valid(hints: SolveHints) -> None:
    """Raises `InvalidRequest` naming the first field that makes no sense."""
    if hints.version != HINTS_VERSION:
        raise InvalidRequest(f"version is {hints.version}, this Backlot reads {HINTS_VERSION}.", "Update Backlot.")
    for name in ("deleted", "locked"):
        for i, number in enumerate(getattr(hints, name)):
            _require(number >= 0, f"{name}[{i}]", "a track id of tracks.npz, 0 or more", number)
    both = sorted(set(hints.deleted) & set(hints.locked))
    _require(not both, "locked", "of tracks that are not deleted too", both)
    _require(bool(hints.tracks_key) or not hints.ids, "tracks_key", "the key of the tracks.npz that ids are of", "")
    for i, track in enumerate(hints.tracks):
        _check_track(track, f"tracks[{i}]")
    names = [track.name for track in hints.tracks]
    for i, name in enumerate(names):
        _require(name not in names[:i], f"tracks[{i}].name", "a name of its own", name)
    _check_knowledge(hints, set(names))
    _check_lens(hints.lens)


def _check_track(track: AddedTrack, where: str) -> None:
    _require(
        bool(track.name) and not track.name.startswith("#"), f"{where}.name", "text without a leading #", track.name
    )
    _require(len(track.positions) >= 2, f"{where}.positions", "at least two frames", len(track.positions))
    for number, xy in track.positions.items():
        _require(number.isdecimal(), f"{where}.positions", "plate numbers as keys", number)
        _require(all(map(math.isfinite, xy)), f"{where}.positions.{number}", "two finite numbers", xy)
    _require(0.0 < track.weight <= _MOST_WEIGHT, f"{where}.weight", f"above 0, at most {_MOST_WEIGHT:g}", track.weight)
    _require(track.replaces is None or track.replaces >= 0, f"{where}.replaces", "a track id", track.replaces)


def _check_knowledge(hints: SolveHints, names: set[str]) -> None:
    for i, point in enumerate(hints.survey):
        where = f"survey[{i}]"
        _check_ref(point.track, f"{where}.track", hints, names)
        _require(all(map(math.isfinite, point.xyz)), f"{where}.xyz", "three finite numbers", point.xyz)
        _require(_positive(point.sd), f"{where}.sd", "above 0", point.sd)
    _require_once([point.track for point in hints.survey], "survey")
    for i, apart in enumerate(hints.distances):
        where = f"distances[{i}]"
        _check_ref(apart.first, f"{where}.first", hints, names)
        _check_ref(apart.second, f"{where}.second", hints, names)
        _require(apart.first != apart.second, f"{where}.second", "another track than first", apart.second)
        _require(_positive(apart.metres), f"{where}.metres", "above 0", apart.metres)
        _require(_positive(apart.sd), f"{where}.sd", "above 0", apart.sd)


def _check_ref(ref: str, where: str, hints: SolveHints, names: set[str]) -> None:
    number = referred_id(ref)
    _require(ref in names or number is not None, where, "the name of an added track, or #id", ref)
    _require(number not in hints.deleted, where, "a track that is not deleted", ref)


def _require_once(refs: list[str], where: str) -> None:
    for i, ref in enumerate(refs):
        _require(ref not in refs[:i], f"{where}[{i}].track", "a track that has no other place", ref)


def _check_lens(lens: LensHint) -> None:
    for name in ("focal_px", "focal_min_px", "focal_max_px"):
        value = getattr(lens, name)
        _require(value is None or _positive(value), f"lens.{name}", "above 0", value)
    low, high = lens.focal_min_px or 0.0, lens.focal_max_px or math.inf
    _require(low <= high, "lens.focal_max_px", f"at least focal_min_px ({low:g})", high)
    within = lens.focal_px is None or low <= lens.focal_px <= high
    _require(within, "lens.focal_px", f"between {low:g} and {high:g}", lens.focal_px)
    _require(not lens.fixed or lens.focal_px is not None, "lens.fixed", "false without focal_px", lens.fixed)


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0.0


def _require(good: bool, where: str, wanted: str, got: object) -> None:
    if not good:
        raise InvalidRequest(f"{where} should be {wanted}, not {got!r}.", "Correct it and try again.")
