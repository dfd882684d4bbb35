"""Masks that need a look, named with their frames: from facts alone, without a truth to compare with.

A thing that moves, grows or turns smoothly gives no alarm: every measure is compared with what the frames around it and
the rest of the clip are like (medians, and median deviations), and things may leave and enter where that is natural: at
the picture's rim, little by little, or next to another object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from shared.roto_report import RotoProblem

from .facts import MaskFacts, MaskTrack
from .propagation import LOST, PROMPTED

_JUMP = float(np.log(1.4))
"""Least sudden change of area that is told, as the logarithm of the factor."""

_SMALL = 50
"""px of area below which neither areas nor colours say anything."""

_NEAR = 5
"""Frames on either side that a frame is compared with."""

_ALIKE = 0.6
"""A swap is suspected when the crosswise likeness leaves less than this share of the straight distance."""

_APART = 0.3
"""Least Hellinger distance of colours before and after, 0..1, at which looks have changed at all."""


def problems(tracks: Mapping[str, MaskTrack]) -> tuple[RotoProblem, ...]:
    """What is suspect, by first frame and then by label."""
    found: list[RotoProblem] = []
    for label, track in tracks.items():
        if not any(fact.area for fact in track.facts):
            found += _never(label, track.facts)
            continue
        found += [*_lost(label, track.facts), *_empty(label, track.facts, tracks), *_phantom(label, track.facts)]
        flickering = list(_flicker(label, track))
        others = [other.facts for name, other in tracks.items() if name != label]
        found += [*flickering, *_jumps(label, track.facts, others, flickering)]
    for a, b in combinations(tracks, 2):
        found += [*_swapped(a, b, tracks[a].facts, tracks[b].facts), *_merged(a, b, tracks[a].facts, tracks[b].facts)]
    found += _count_changes(tracks)
    return tuple(sorted(found, key=lambda problem: (problem.first, problem.label, problem.kind)))


def _problem(label: str, kind: str, first: int, last: int, text: str) -> RotoProblem:
    where = f"frame {first}" if first == last else f"frames {first}-{last}"
    return RotoProblem(label, kind, first, last, f"{where}: {text}")


def _runs(numbers: Iterable[int], gap: int = 0) -> Iterator[tuple[int, int]]:
    """Ascending numbers as ranges; gaps of up to `gap` numbers are bridged."""
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number - last <= gap + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last


def _never(label: str, facts: Sequence[MaskFacts]) -> Iterator[RotoProblem]:
    if facts:
        text = f"{label!r} is in no frame. Click on it where it is to be seen, and propagate again."
        yield _problem(label, "empty", facts[0].number, facts[-1].number, text)


def _lost(label: str, facts: Sequence[MaskFacts]) -> Iterator[RotoProblem]:
    for first, last in _runs((fact.number for fact in facts if fact.state == LOST), gap=1):
        text = f"the track of {label!r} is lost. Correct the mask at frame {first}, or say that it is gone there."
        yield _problem(label, "lost", first, last, text)


def _empty(label: str, facts: Sequence[MaskFacts], tracks: Mapping[str, MaskTrack]) -> Iterator[RotoProblem]:
    lost = {fact.number for fact in facts if fact.state == LOST}
    for first, last, sudden in _absences(label, facts, tracks):
        if sudden and not set(range(first, last + 1)) <= lost:
            text = (
                f"the mask of {label!r} is empty, though it does not leave the picture. "
                f"Click on it at frame {first}, or say that it is gone there."
            )
            yield _problem(label, "empty", first, last, text)


def _absences(
    label: str, facts: Sequence[MaskFacts], tracks: Mapping[str, MaskTrack]
) -> Iterator[tuple[int, int, bool]]:
    """Runs of empty frames, and whether they begin or end suddenly in the open."""
    place = {fact.number: i for i, fact in enumerate(facts)}
    for first, last in _runs(fact.number for fact in facts if not fact.area):
        before, after = place[first] - 1, place[last] + 1
        if any(fact.state == PROMPTED for fact in facts[place[first] : after]):
            continue  # the artist said so
        gone = before >= 0 and _in_the_open(label, facts, before, -1, tracks)
        come = after < len(facts) and _in_the_open(label, facts, after, 1, tracks)
        come = come and facts[after].state != PROMPTED
        yield first, last, gone or come


def _in_the_open(label: str, facts: Sequence[MaskFacts], at: int, way: int, tracks: Mapping[str, MaskTrack]) -> bool:
    """Whether a mask next to empty frames is of full size, away from the rim and from other objects. way: -1 to look
    back from the last mask, 1 to look on from the first."""
    fact = facts[at]
    rows = facts[max(at - 2 * _NEAR, 0) : at + 1] if way < 0 else facts[at : at + 2 * _NEAR + 1]
    usual = float(np.median([row.area for row in rows if row.area]))
    if fact.rim or fact.area < max(0.4 * usual, _SMALL):
        return False
    return not any(
        _touch(fact, other)
        for name, track in tracks.items()
        if name != label
        for other in track.facts
        if other.number in (fact.number, fact.number - way)
    )


def _touch(a: MaskFacts, b: MaskFacts) -> bool:
    """Whether the boxes overlap, a tenth of their size around."""
    if a.box is None or b.box is None:
        return False
    reach = 0.1 * max(a.box[2] - a.box[0], a.box[3] - a.box[1], b.box[2] - b.box[0], b.box[3] - b.box[1])
    along = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    down = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    return along > -reach and down > -reach


def _phantom(label: str, facts: Sequence[MaskFacts]) -> Iterator[RotoProblem]:
    seen = [fact for fact in facts if fact.area]
    short = len(facts) >= 10 and len(seen) <= max(3, round(0.02 * len(facts)))
    if short and not any(fact.state == PROMPTED for fact in facts) and not any(fact.rim for fact in seen):
        text = f"{label!r} is there for {len(seen)} of {len(facts)} frames only. Remove it if it is nothing."
        yield _problem(label, "phantom", seen[0].number, seen[-1].number, text)


def _flicker(label: str, track: MaskTrack) -> Iterator[RotoProblem]:
    numbers = list(track.pops)
    areas = {fact.number: fact.area for fact in track.facts}
    far = np.array([track.pops[n][0] for n in numbers])
    share = np.array([track.pops[n][1] for n in numbers])
    usual = float(np.median(share)) if numbers else 0.0
    limit = min(max(0.08, 4.0 * usual), 0.2)
    bad = [
        n for n, px, part in zip(numbers, far, share, strict=True) if px > 1.0 and part > limit and areas[n] > _SMALL
    ]
    for first, last in _runs(bad, gap=2):
        if last > first or track.pops[first][1] > 0.2:
            text = f"the mask of {label!r} flickers: it differs from the frames beside it. Correct it at frame {first}."
            yield _problem(label, "flicker", first, last, text)


def _jumps(
    label: str, facts: Sequence[MaskFacts], others: Sequence[Sequence[MaskFacts]], flickering: Sequence[RotoProblem]
) -> Iterator[RotoProblem]:
    pairs = [(a, b) for a, b in pairwise(facts) if min(a.area, b.area) >= _SMALL]
    pairs = [(a, b) for a, b in pairs if b.number == a.number + 1]
    change = np.array([np.log(b.area / a.area) for a, b in pairs])
    for i, (a, b) in enumerate(pairs):
        around = np.concatenate([change[max(i - _NEAR, 0) : i], change[i + 1 : i + 1 + _NEAR]])
        off = change[i] - (float(np.median(around)) if len(around) else 0.0)
        if abs(off) <= max(_JUMP, 6.0 * _deviation(change)) or _uncovered(facts, others, a, b):
            continue
        if any(p.first <= n <= p.last for p in flickering for n in (a.number, b.number)):
            continue
        grows = "grows" if off > 0 else "shrinks"
        text = (
            f"the mask of {label!r} {grows} suddenly, from {a.area} to {b.area} px. "
            f"Look at frames {a.number} and {b.number}, and correct the one that is wrong."
        )
        yield _problem(label, "area-jump", b.number, b.number, text)


def _uncovered(facts: Sequence[MaskFacts], others: Sequence[Sequence[MaskFacts]], a: MaskFacts, b: MaskFacts) -> bool:
    """Whether no more came in or went than the object's way, and that of one before it, carries over the picture's rim
    or over the other's outline."""
    beside = [row for row in others for one in row if one.number == b.number and (_touch(a, one) or _touch(b, one))]
    if not (beside or a.rim or b.rim) or a.box is None or b.box is None:
        return False
    way = _speed(facts, b.number) + max((_speed(row, b.number) for row in beside), default=0.0)
    extent = max(max(box[2] - box[0], box[3] - box[1]) for box in (a.box, b.box))
    return abs(b.area - a.area) <= 1.5 * (way + 2.0) * extent


def _speed(facts: Sequence[MaskFacts], number: int) -> float:
    """px a frame that a mask's middle moves about a frame."""
    near = [fact for fact in facts if abs(fact.number - number) <= 2 * _NEAR]
    ways = [
        float(np.hypot(b.centroid[0] - a.centroid[0], b.centroid[1] - a.centroid[1]))
        for a, b in pairwise(near)
        if a.centroid is not None and b.centroid is not None
    ]
    return float(np.median(ways)) if ways else 0.0


def _deviation(values: NDArray[np.float64]) -> float:
    """A standard deviation that some outliers do not move."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if len(values) > 2 else 0.0


def _swapped(a: str, b: str, ours: Sequence[MaskFacts], theirs: Sequence[MaskFacts]) -> Iterator[RotoProblem]:
    frames: set[int] = set()
    for one, other in zip(ours, theirs, strict=True):
        if one.covers.get(b, 0.0) > 0.5 and other.covers.get(a, 0.0) > 0.5 and max(one.kept, other.kept) < 0.3:
            frames.add(one.number)
    together = [one.number for one, other in zip(ours, theirs, strict=True) if _touch(one, other)]
    for first, last in _runs(together, gap=2):
        if not any(first - 1 <= n <= last + 1 for n in frames) and _looks_crossed(ours, theirs, first, last):
            frames.update(range(first, last + 1))
    for first, last in _runs(sorted(frames), gap=2):
        text = (
            f"{a!r} and {b!r} may have changed places. Compare frame {max(first - 1, ours[0].number)} with frame "
            f"{min(last + 1, ours[-1].number)}, and correct both after it if so."
        )
        yield _problem(a, "identity-swap", first, last, text)


def _looks_crossed(ours: Sequence[MaskFacts], theirs: Sequence[MaskFacts], first: int, last: int) -> bool:
    """Whether after the frames first..last the colours are those of the other object before them."""
    ours_before, theirs_before = _look(ours, first, -1), _look(theirs, first, -1)
    ours_after, theirs_after = _look(ours, last, 1), _look(theirs, last, 1)
    if ours_before is None or theirs_before is None or _distance(ours_before, theirs_before) < _APART:
        return False
    straight = crossed = 0.0
    for own, other, now in ((ours_before, theirs_before, ours_after), (theirs_before, ours_before, theirs_after)):
        if now is not None:
            if _distance(own, now) < _APART:
                return False
            straight, crossed = straight + _distance(own, now), crossed + _distance(other, now)
    return straight > 0.0 and crossed < _ALIKE * straight


def _look(facts: Sequence[MaskFacts], at: int, way: int) -> NDArray[np.float32] | None:
    """The colours in the frames next to `at`, on the mean; None where there are fewer than three."""
    beside = [fact for fact in facts if 0 < (fact.number - at) * way <= 2 * _NEAR]
    seen = [fact.signature for fact in beside if fact.signature is not None and fact.area >= _SMALL]
    if len(seen) < 3:
        return None
    mean = np.sqrt(np.mean([signature**2 for signature in (seen[:_NEAR] if way > 0 else seen[-_NEAR:])], axis=0))
    return np.asarray(mean, np.float32)


def _distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Hellinger's, 0 for the same colours, 1 for none in common."""
    return float(np.sqrt(max(1.0 - float(a @ b), 0.0)))


def _merged(a: str, b: str, ours: Sequence[MaskFacts], theirs: Sequence[MaskFacts]) -> Iterator[RotoProblem]:
    both = [one.number for one in ours if one.overlap.get(b, 0.0) > 0.6]
    for first, last in _runs(both, gap=1):
        if last - first >= 2:
            yield _problem(a, "merged", first, last, f"{a!r} and {b!r} are one mask. {_part_them(a, b, first)}")
    for eater, eaten, big, small in ((a, b, ours, theirs), (b, a, theirs, ours)):
        for i in range(1, len(big)):
            if _swallowed(eaten, big[i - 1], big[i], small[i - 1], small[i]):
                text = f"{eater!r} takes in {eaten!r}. {_part_them(eater, eaten, big[i].number)}"
                yield _problem(eater, "merged", big[i].number, big[i].number, text)


def _part_them(a: str, b: str, number: int) -> str:
    return f"Click on {b!r} at frame {number}, and exclude it from {a!r} there."


def _swallowed(eaten: str, before: MaskFacts, now: MaskFacts, other: MaskFacts, rest: MaskFacts) -> bool:
    taken = other.area >= _SMALL and rest.area < 0.3 * other.area and now.covers.get(eaten, 0.0) > 0.6
    return taken and now.area > before.area + 0.5 * other.area


def _count_changes(tracks: Mapping[str, MaskTrack]) -> Iterator[RotoProblem]:
    """Frames at which objects of several are not there and nothing says why."""
    missing: dict[int, list[str]] = {}
    for label, track in tracks.items():
        if len(tracks) < 2 or not any(fact.area for fact in track.facts):
            continue
        for first, last, sudden in _absences(label, track.facts, tracks):
            for number in range(first, last + 1) if sudden else ():
                missing.setdefault(number, []).append(label)
    for first, last in _runs(sorted(missing)):
        names = sorted({label for number in range(first, last + 1) for label in missing[number]})
        many = ", ".join(repr(name) for name in names)
        least = min(len(tracks) - len(missing[number]) for number in range(first, last + 1))
        text = (
            f"{least} of {len(tracks)} objects are there; {many} went or came in the open. An object may have got two "
            f"names, or two objects one: compare frames {max(first - 1, 0)} and {last + 1}."
        )
        yield _problem("", "count-change", first, last, text)
