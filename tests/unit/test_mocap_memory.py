"""What the mocap stage holds of every frame of a clip: a few hundred bytes for each person."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pytest

from backend.mocap.evidence import Evidence
from backend.mocap.kept import KeptBody
from backend.pose import PoseJob, PoseResult, clip, engines, pose_tracks
from backend.pose.places import Search, found_places
from tests.unit.mocap_scene import performance
from tests.unit.pose_people import FakeWorker, frame
from tests.unit.test_pose_tracks import Params, walking

_SHARED = (type, ModuleType, FunctionType, MethodType)
_SHORT, _LONG = 8, 40


def held_bytes(*roots: Any) -> int:
    """Of everything that is reached from these, the data of arrays included."""
    seen: dict[int, Any] = {}
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen[id(one)] = one
        waiting += gc.get_referents(one)
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
    return sum(one.__sizeof__() for one in seen.values())


def per_frame(held: Callable[[int], Any]) -> float:
    """Bytes that each further frame of a clip holds."""
    few, many = (held_bytes(held(count)) for count in (_SHORT, _LONG))
    return (many - few) / (_LONG - _SHORT)


def _job(folder: Path, count: int) -> PoseJob:
    return PoseJob(tuple(range(1, count + 1)), frame, 24.0, Params("mediapipe", "lightweight"), folder / str(count))


def test_the_counter_sees_what_is_held() -> None:
    def held(count: int) -> list[Any]:
        return [(np.zeros(100), {"name": np.zeros(30)[5:]}) for _ in range(count)]

    assert per_frame(held) >= 130 * 8
    assert per_frame(lambda count: Evidence(*(np.zeros((count, 3, k)) for k in (2, 1, 3, 1)))) == 3 * 7 * 8


def test_places_of_people_are_small(tmp_path: Path) -> None:
    def held(count: int) -> Any:
        worker = FakeWorker(walking((60.0, 1.0), (180.0, -1.0), frames=count))
        return found_places(_job(tmp_path, count), Search("fake", lambda: worker))

    assert per_frame(held) < 2 * 150


def test_keypoints_stay_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(count: int) -> PoseResult:
        worker = FakeWorker(walking((60.0, 1.0), frames=count))
        monkeypatch.setattr(clip.LazyWorker, "__call__", lambda self: worker)
        monkeypatch.setattr(engines, "mocap_python", lambda: Path("python"))
        found = pose_tracks(_job(tmp_path, count))
        assert len(found.tracks["person_00"].keypoints[count - 1].xy) > 20
        assert len(found.tracks["person_00"].keypoints[1:]) == count - 1
        return found

    assert per_frame(held) < 150


def test_a_fitted_body_is_small_and_exact() -> None:
    def held(count: int) -> KeptBody:
        return KeptBody.of(performance(count).truth)

    assert per_frame(held) < 400
    shown, kept = performance(_SHORT), held(_SHORT)
    assert np.abs(kept.joints() - shown.joints).max() < 1e-6
    kept.turns[2] = np.nan
    assert np.isnan(kept.part(0, _SHORT).turns[2]).all() and np.isfinite(kept.part(3, _SHORT).turns).all()
