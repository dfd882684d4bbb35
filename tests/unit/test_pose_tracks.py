"""2D evidence of a clip with a worker that is told whom it sees.

Where `.venv-mocap` is set up the real one runs too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.pose import PoseJob, PoseResult, clip, engines, pose_tracks
from backend.pose.apart import alone, found_others, masked_others
from backend.pose.clip import look_at_people
from backend.pose.cuts import cuts_of, gaps
from backend.pose.engines import ready_engine
from backend.pose.job import Mask, Picture
from backend.pose.keypoints import Keypoints
from backend.pose.mediapipe.centres import NAMES, centred
from backend.pose.mediapipe.engine import MediapipeEngine, margins
from backend.pose.mediapipe.merge import merged
from backend.pose.networks.lift import lifted
from backend.pose.places import Place, Search, found_places, place_of, takes
from backend.pose.store import KeypointStore
from backend.pose.support import doubted
from backend.roto.people.environment import VARIABLE
from backend.roto.people.evidence import Look
from backend.roto.people.worker.looks import look_at, mirrored_region
from shared.errors import EngineUnavailable, InvalidRequest, JobCancelled, MalformedMessage, ShotCorrupt
from tests.unit.people_scenes import SIZE, body_mask, mediapipe_is_set_up, person
from tests.unit.pose_people import PX_PER_M, FakeWorker, frame, landmarks, world


@dataclass(frozen=True)
class Params:
    engine: str = "mediapipe"
    pose_mode: str = "balanced"
    model: str = "auto"
    weights: str | None = None
    allow_non_commercial: bool = False


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PoseResult]:
    """Runs a job of `numbers` with a worker."""

    def go(worker: FakeWorker, numbers: Sequence[int], params: Params | None = None, **rest: Any) -> PoseResult:
        monkeypatch.setattr(clip.LazyWorker, "__call__", lambda self: worker)
        monkeypatch.setattr(engines, "mocap_python", lambda: Path("python"))
        rest = {"hands_and_face": False, **rest}
        job = PoseJob(tuple(numbers), frame, 24.0, params or Params(), tmp_path / "store", **rest)
        return pose_tracks(job)

    return go


def walking(*starts: tuple[float, float], frames: int = 8) -> dict[int, list[float]]:
    """People who begin at x and go on by a step for each frame."""
    return {1 + t: [x + step * t for x, step in starts] for t in range(frames)}


def test_two_people_are_two_tracks(run: Callable[..., PoseResult]) -> None:
    result = run(FakeWorker(walking((60.0, 2.0), (180.0, -2.0))), range(1, 9))
    assert list(result.tracks) == ["person_00", "person_01"] and result.engine == "mediapipe"
    for label, x, step in (("person_00", 60.0, 2.0), ("person_01", 180.0, -2.0)):
        track = result.tracks[label]
        assert track.frames == tuple(range(1, 9)) and track.absent == () and track.half_visible == ()
        for t, seen in enumerate(track.keypoints):
            hips = 0.5 * (seen.xy[seen.index("left_hip")] + seen.xy[seen.index("right_hip")])
            assert hips[0] == pytest.approx(x + step * t, abs=1.5)
            assert np.isfinite(seen.sd_px).all() and seen.relative is not None and seen.sd_m is not None


def test_a_clip_without_people_gives_no_tracks(run: Callable[..., PoseResult]) -> None:
    assert dict(run(FakeWorker({}), range(1, 6)).tracks) == {}


def test_who_leaves_is_absent_and_not_invented(run: Callable[..., PoseResult]) -> None:
    people = {number: [60.0] for number in range(1, 6)}
    track = run(FakeWorker(people), range(1, 9)).tracks["person_00"]
    assert track.frames == (1, 2, 3, 4, 5) and track.absent == (6, 7, 8)


def test_nobody_is_followed_across_a_cut(run: Callable[..., PoseResult]) -> None:
    result = run(FakeWorker({number: [60.0] for number in range(1, 9)}), range(1, 9), cuts=[5])
    assert [track.frames for track in result.tracks.values()] == [(1, 2, 3, 4), (5, 6, 7, 8)]
    assert list(takes((3, 4, 5, 6), [3, 5])) == [(3, 4), (5, 6)]


def test_a_cut_is_told_from_a_whip_of_the_camera() -> None:
    assert gaps([0.9, 0.9, 0.02, 0.8, 0.9]) == [3]
    assert gaps([0.9, 0.2, 0.02, 0.03, 0.2, 0.9]) == []
    assert gaps([0.0]) == [1] and gaps([]) == []


def test_takes_of_a_clip_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sets = [cv2.GaussianBlur(rng.integers(0, 256, (144, 240, 3), np.uint8), (0, 0), 5.0) for _ in range(2)]
    takes_of = [cv2.normalize(one, None, 0, 255, cv2.NORM_MINMAX) for one in sets]  # type: ignore[call-overload]

    def shown(number: int) -> Picture:
        return np.asarray(np.roll(takes_of[number >= 5], 2 * number, 1)[:, 20:220])

    job = PoseJob(tuple(range(1, 9)), shown, 24.0, Params(), tmp_path)
    assert cuts_of(job) == (5,) and cuts_of(replace(job, cuts=(3,))) == (3,)


def test_a_run_that_was_stopped_goes_on_where_it_was(run: Callable[..., PoseResult]) -> None:
    people = walking((60.0, 2.0))
    whole = run(FakeWorker(people, noise=0.5), range(1, 9))
    again = FakeWorker(people, noise=0.5)
    same = run(again, range(1, 9))
    assert again.found == [] and again.looked == []
    for one, other in zip(whole.tracks["person_00"].keypoints, same.tracks["person_00"].keypoints, strict=True):
        assert one.names == other.names and one.box == pytest.approx(other.box)
        assert np.array_equal(one.xy, other.xy) and np.array_equal(one.sd_px, other.sd_px)
    run(again, range(1, 9), Params(pose_mode="lightweight"))
    assert again.found == [] and len(again.looked) == 8  # who is where is known, how they look is not


def test_what_was_seen_counts_where_it_was_looked_for(tmp_path: Path) -> None:
    """Another range of frames may join tracks in another way, and other networks find other people."""
    job = PoseJob((1, 2, 3), frame, 24.0, Params(), tmp_path, hands_and_face=False)
    workers = [FakeWorker({number: [60.0] for number in job.numbers}) for _ in range(3)]
    for name, worker in zip(("one", "other", "one"), workers, strict=True):
        found_places(job, Search(name, lambda own=worker: own))  # type: ignore[misc]
    assert [worker.found for worker in workers] == [[1, 2, 3], [1, 2, 3], []]
    here, there = (Place((x - 20.0, 20.0, x + 20.0, 110.0), (x, 70.0, 104.0, 0.0)) for x in (60.0, 90.0))
    engine = MediapipeEngine(lambda: workers[0], "lightweight", hands_and_face=False)
    for places, looks_at in (([here] * 3, 3), ([here, there, here], 1), ([here, there, here], 0)):
        workers[0].looked.clear()
        seen = look_at_people(job, engine, {"anna": dict(zip(job.numbers, places, strict=True))})
        assert len(workers[0].looked) == looks_at and seen["anna"].frames == (1, 2, 3)


def test_a_cancel_stops_between_frames(run: Callable[..., PoseResult]) -> None:
    worker = FakeWorker(walking((60.0, 2.0)))
    heard: list[float] = []

    def cancelled(what: str, done: int, total: int) -> None:
        heard.append(done / total)
        if len(heard) == 12:  # in the fourth frame in which people are looked for
            raise JobCancelled("mocap was cancelled.")

    with pytest.raises(JobCancelled):
        run(worker, range(1, 9), checkpoint=cancelled)
    worker.found.clear()
    run(worker, range(1, 9))
    assert min(worker.found) == 4 and heard == sorted(heard) and heard[-1] < 0.5


def test_masks_say_who_is_where(run: Callable[..., PoseResult]) -> None:
    def masks(label: str, number: int) -> Mask | None:
        if label == "eve" or number == 3:
            return None
        return np.asarray(255 * (body_mask(100.0) > 0.5), np.uint8)

    result = run(FakeWorker({}), range(1, 5), labels=("anna", "eve"), masks=masks)
    assert result.tracks["anna"].frames == (1, 2, 4) and result.tracks["anna"].absent == (3,)
    assert result.tracks["eve"].frames == ()
    assert place_of(np.zeros(SIZE, np.uint8)) is None


def test_an_engine_that_cannot_run_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no python"))
    with pytest.raises(EngineUnavailable) as error:
        ready_engine(Params("auto"))
    assert "--extra mocap" in error.value.remedy
    with pytest.raises(InvalidRequest, match="no engine"):
        ready_engine(Params("openpose"))


# -- what single looks become ---------------------------------------------------------------------------------


def looks(*shifts: float) -> list[Look]:
    return [Look(landmarks(100.0 + shift, 60.0), world(), (100.0, 60.0, 104.0, 0.0), 0.9) for shift in shifts]


def test_the_middle_look_counts_and_their_spread_is_told() -> None:
    one, many = merged(looks(0.0)), merged(looks(-1.0, 0.0, 40.0))
    assert np.allclose(one.xy, many.xy, atol=1e-4) and one.spread_px.max() == 0.0 and many.spread_px.min() > 5.0


def test_centres_lie_within_the_body() -> None:
    relative = np.stack([world()[list(i)].mean(0) for i in _indices()])
    xy = (relative[:, :2] * PX_PER_M + (100.0, 60.0)).astype(np.float32)
    moved, body = centred(xy, relative)
    at = {name: moved[i] - xy[i] for i, name in enumerate(NAMES)}
    assert at["left_shoulder"][1] > 0.5 and at["left_hand"][1] > 0.5  # down from the top; out along the arm
    assert at["left_ear"][0] > 0.5 and at["right_ear"][0] < -0.5
    assert np.allclose(at["left_wrist"], 0.0)
    hips = [NAMES.index("left_hip"), NAMES.index("right_hip")]
    assert np.allclose(body[hips].mean(0), 0.0, atol=1e-6)
    flipped = relative * np.array([-1.0, 1.0, 1.0], np.float32)  # somebody who turns their back has the same body
    assert np.isfinite(centred(xy, flipped.astype(np.float32))[0]).all()


def _indices() -> list[tuple[int, ...]]:
    from backend.pose.names import BLAZEPOSE

    return list(BLAZEPOSE.values())


def test_a_mirrored_look_comes_back_as_the_picture_was() -> None:
    class Networks:
        def look(self, picture: np.ndarray, part: str, region: tuple[float, float, float, float]) -> Look:
            # A mirrored picture shows the same body standing elsewhere, its left where the right one was.
            return Look(landmarks(region[0], region[1]), world(), region, 0.7)

    shown = np.zeros((120, 240, 3), np.uint8)
    plain, turned = look_at(Networks(), shown, "body", [(100.0, 60.0, 104.0, 0.1)] * 2, [False, True])  # type: ignore[arg-type]
    assert plain is not None and turned is not None
    assert np.allclose(plain.landmarks, turned.landmarks, atol=1e-3) and np.allclose(plain.world, turned.world)
    assert turned.refined == pytest.approx((100.0, 60.0, 104.0, 0.1))
    assert mirrored_region((10.0, 5.0, 4.0, 0.3), 100) == (90.0, 5.0, 4.0, -0.3)
    with pytest.raises(MalformedMessage, match="tail"):
        look_at(Networks(), shown, "tail", [], [])  # type: ignore[arg-type]


def test_what_the_pictures_edge_cuts_off_is_not_believed() -> None:
    whole = margins(Place((40.0, 20.0, 80.0, 119.0 - 2.0), (60.0, 70.0, 104.0, 0.0)), (*SIZE, 3))
    assert whole == (0.0, 0.0, SIZE[1], SIZE[0])
    cut = margins(Place((40.0, 20.0, 80.0, 120.0), (60.0, 70.0, 104.0, 0.0)), (*SIZE, 3))
    assert cut[:3] == (0.0, 0.0, SIZE[1]) and cut[3] == pytest.approx(120.0 - 5.2)


# -- people who hide each other -------------------------------------------------------------------------------


def test_others_are_painted_over_and_the_person_is_not() -> None:
    shown = np.full((*SIZE, 3), 90, np.uint8)
    shown[body_mask(100.0) > 0.5] = (200, 40, 40)
    shown[body_mask(115.0) > 0.5] = (40, 60, 200)
    over = body_mask(115.0) > 0.5
    own = (body_mask(100.0) > 0.5) & ~over
    painted = alone(shown, (100.0, 70.0, 104.0, 0.0), over, own)
    assert not (painted == (40, 60, 200)).all(-1).any() and np.array_equal(painted[own], shown[own])
    theirs, mine = found_others(person(60.0), [person(115.0)], SIZE)
    assert theirs is not None and mine is not None
    assert np.array_equal(theirs, over) and np.array_equal(mine, body_mask(60.0) > 0.5)
    assert alone(shown, (20.0, 70.0, 40.0, 0.0), over, own) is shown  # they are elsewhere
    assert masked_others("a", {"a": None}) == (None, None)


def keypoints(xy: np.ndarray, score: float = 0.9) -> Keypoints:
    count = len(NAMES)
    return Keypoints(
        NAMES, xy.astype(np.float32), np.full(count, score, np.float32), np.ones(count, np.float32),
        (80.0, 30.0, 120.0, 110.0), 1.0, np.zeros((count, 3), np.float32), np.full(count, 0.1, np.float32),
    )  # fmt: skip


def test_joints_on_somebody_else_are_not_believed() -> None:
    own, other = body_mask(100.0) > 0.5, body_mask(160.0) > 0.5
    on = np.tile([100.0, 70.0], (len(NAMES), 1))
    assert doubted(keypoints(on), other, own).whole == 1.0
    on[:11, 0] = 160.0
    some = doubted(keypoints(on), other, own)
    assert (some.score < 0.5).sum() == 11 and some.sd_px[0] > 3 * some.sd_px[12] and some.is_half_visible
    on[:, 0] = 160.0
    none = doubted(keypoints(on), other, own)
    assert none.whole == 0.0 and none.sd_m is not None and np.isinf(none.sd_m).all()
    assert doubted(keypoints(on), None, None).whole == 1.0


def test_joints_beside_somebody_in_front_are_less_sure() -> None:
    own, other = np.zeros(SIZE[::-1], np.bool_), np.zeros(SIZE[::-1], np.bool_)
    own[20:100, 60:80], other[20:110, 84:100] = True, True
    xy = np.tile([62.0, 70.0], (len(NAMES), 1))
    xy[:5, 0] = 80.0  # beside the other
    seen = replace(keypoints(xy), box=(60.0, 20.0, 80.0, 100.0))
    behind = doubted(seen, other, own)
    assert (behind.sd_px[:5] > 8.0).all() and np.array_equal(behind.sd_px[5:], seen.sd_px[5:])
    assert behind.sd_m is not None and (behind.sd_m[:5] > 0.17).all() and (behind.sd_m[5:] < 0.17).all()
    other[100:] = False  # stands no nearer to the camera
    assert np.array_equal(doubted(seen, other, own).sd_px, seen.sd_px)


def test_another_networks_joints_get_a_depth_when_both_see_the_same() -> None:
    xy = np.random.default_rng(0).uniform((80, 30), (120, 110), (len(NAMES), 2))
    solid = keypoints(xy)
    flat = Keypoints(NAMES[:17], solid.xy[:17] + 1.0, solid.score[:17], solid.sd_px[:17], solid.box, 1.0)
    both = lifted(flat, solid)
    assert both.relative is not None and len(both.names) == len(NAMES) and set(both.names) == set(NAMES)
    assert np.array_equal(both.xy[:17], flat.xy)
    assert lifted(flat, keypoints(xy + 30.0)).relative is None


def test_a_damaged_store_says_so(tmp_path: Path) -> None:
    store = KeypointStore(tmp_path)
    store.put(7, {}, {})
    assert store.get(7, {}) == {} and store.get(8, {}) is None and store.get(7, {"anna": (0.0, 0.0, 9.0, 0.0)}) is None
    (tmp_path / "frame_0007.msgpack").write_bytes(b"\xc1")
    with pytest.raises(ShotCorrupt, match="frame_0007"):
        store.get(7, {})


@pytest.mark.skipif(not mediapipe_is_set_up(), reason="needs build.py setup --extra mocap")
def test_the_real_networks_see_nobody_in_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0), np.uint8)
    job = PoseJob((1, 2), lambda number: noise, 24.0, Params(pose_mode="lightweight"), tmp_path)
    assert dict(pose_tracks(job).tracks) == {}
