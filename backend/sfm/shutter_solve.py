"""A solve with a rolling shutter: the readout that is known, or the one that the tracks speak for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .frames import Floats
from .refine import Refined, RefineSettings, choose_lens, refine
from .rolling_shutter import ReadoutStep, readout_step, rectified
from .scene import Scene
from .tracks import Tracks

_TURNS = 12
_WIDE_TURNS = 3
"""Turns in which observations may be twice as far off: until the readout is about right, they are."""

_STILL = 0.002
"""Change of the readout, share of a frame, that ends the turns."""

_LONGEST = 1.2


@dataclass(frozen=True)
class Shutter:
    """readout_ms: from the first row to the last when it is known, else None. fps: frames a second. height: of the
    plate, px. choose_lens: whether the distortion is the solve's to choose."""

    readout_ms: float | None
    fps: float
    height: int
    choose_lens: bool

    def facts(self, share: float, sd: float) -> dict[str, float]:
        """A readout, share of the time between two frames, and its standard deviation, for the report."""
        frame_ms = 1000.0 / self.fps
        return {"readout_ms": share * frame_ms, "readout_ms_sd": sd * frame_ms, "readout_share": share}


def with_shutter(
    plain: Refined, settings: RefineSettings, shutter: Shutter, checkpoint: Callable[[], None]
) -> Refined:  # fmt: skip
    """The solve with its rows read in turn. plain: solved as if they were read at once; it comes back as it is, with
    a readout of 0, when the readout is to be estimated and the tracks do not speak for one: by the Bayesian information
    criterion, spread over the points as in `choose_lens`."""
    turns = _Turns(plain, settings, shutter, checkpoint)
    if shutter.readout_ms is not None:
        share = shutter.readout_ms * shutter.fps / 1000.0
        found, _ = turns.run(share)
        return replace(found, facts={**plain.facts, **shutter.facts(share, 0.0)})
    found, estimate = turns.run(None)
    if estimate.speaks_for_itself(found):
        return replace(found, facts={**plain.facts, **shutter.facts(estimate.share, estimate.sd)})
    return replace(plain, facts={**plain.facts, **shutter.facts(0.0, estimate.sd)})


@dataclass(frozen=True)
class _Estimate:
    share: float
    sd: float

    def speaks_for_itself(self, done: Refined) -> bool:
        """Whether the cost that the readout saves is worth one more parameter."""
        seen = done.scene.known[done.tracks.track] & done.scene.posed[done.tracks.frame]
        observations = max(int(seen.sum()), 2)
        thinned = len(np.unique(done.tracks.track[seen])) / observations
        return bool((self.share / max(self.sd, 1e-12)) ** 2 * thinned > np.log(observations))


class _Turns:
    """Rectifies, adjusts and steps the readout until all rest."""

    def __init__(
        self, plain: Refined, settings: RefineSettings, shutter: Shutter, checkpoint: Callable[[], None]
    ) -> None:  # fmt: skip
        self._raw = plain.everything
        self._settings, self._shutter, self._checkpoint = replace(settings, rounds=1), shutter, checkpoint
        self._scene, self._bundle = plain.scene, plain.bundle
        if shutter.choose_lens:
            # What was chosen without the shutter may be the shutter's doing.
            lens = replace(plain.scene.lens, k1=0.0, k2=0.0, p1=0.0, p2=0.0)
            self._scene = replace(plain.scene, lens=lens)
            free = replace(plain.bundle.free, k1=False, k2=False, tangential=False)
            self._bundle = replace(plain.bundle, free=free)

    def run(self, known: float | None) -> tuple[Refined, _Estimate]:
        readout = known or 0.0
        done, step = self._turn(readout, wide=True), ReadoutStep(0.0, 0.0)
        for turn in range(_TURNS):
            before = self._scene
            if known is None:
                step = self._step(done, readout)
                readout = float(np.clip(readout + step.step, -_LONGEST, _LONGEST))
                if turn == 0 and not _Estimate(readout, step.sd).speaks_for_itself(done):
                    return done, _Estimate(readout, step.sd)
            if turn == _WIDE_TURNS and self._shutter.choose_lens:
                self._scene, self._bundle = choose_lens(self._scene, done.tracks, self._bundle, self._checkpoint)
            done = self._turn(readout, wide=turn < _WIDE_TURNS)
            if turn > _WIDE_TURNS and abs(step.step) < _STILL and self._rests(before):
                break
        return replace(done, measured=self._raw.xy), _Estimate(readout, step.sd)

    def _turn(self, readout: float, *, wide: bool) -> Refined:
        tracks = rectified(self._scene, self._raw, self._raw.xy, readout, self._shutter.height)
        settings = replace(self._settings, px=2.0 * self._settings.px) if wide else self._settings
        done = refine(self._scene, tracks, settings, self._bundle, self._checkpoint)
        self._scene = done.scene
        return done

    def _step(self, done: Refined, readout: float) -> ReadoutStep:
        measured = _of(self._raw, done.tracks)
        return readout_step(done.scene, done.tracks, measured, readout, self._shutter.height, self._bundle)

    def _rests(self, before: Scene) -> bool:
        """Whether the last turn moved the cameras by less than a thousandth of the way from frame to frame."""
        posed = before.posed & self._scene.posed
        moved = np.linalg.norm(before.centres[posed] - self._scene.centres[posed], axis=1)
        step = np.linalg.norm(np.diff(self._scene.centres[posed], axis=0), axis=1)
        return bool(np.median(moved) <= 1e-3 * max(float(np.median(step)), 1e-12))


def _of(raw: Tracks, chosen: Tracks) -> Floats:
    """The pixels [M, 2] of raw's observations that are left in `chosen`."""
    keys = raw.track * raw.frames + raw.frame
    wanted = chosen.track * chosen.frames + chosen.frame
    return raw.xy[np.searchsorted(keys, wanted)]
