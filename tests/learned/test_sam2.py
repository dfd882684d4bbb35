"""SAM 2, and the tracker in SAM 3, through a clip: the masks are the library's own, and little is remembered."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto.propagation import MemoryStore
from backend.roto_learned import clip as clip_module
from backend.roto_learned import roto_frames
from backend.roto_learned.clip import Clip, FollowedObject, competed, confidence_of, follow, frames, plate_size
from backend.roto_learned.keep import ObjectFolder
from backend.roto_learned.memory import kept_bytes
from backend.roto_learned.prompts import told
from backend.roto_learned.sam2 import SAM2_FAMILY, SAM3_FAMILY, Family, Followed, Sam2, load_sam2
from shared.errors import JobCancelled
from shared.roto_params import RotoParams
from shared.roto_prompts import Stroke
from tests.learned.tiny_roto_models import SIDE, save_sam2, save_sam3

CPU = torch.device("cpu")
SIZE = (48, 80)
COUNT = 20
NUMBERS = tuple(range(1001, 1001 + COUNT))

Picture = NDArray[np.uint8]
Told = Mapping[str, Mapping[int, Hints]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weights")
    save_sam2(folder)
    save_sam3(folder)
    return folder


@pytest.fixture(scope="module")
def network(weights: Path) -> Sam2:
    return load_sam2(weights / "sam2.1-hiera-tiny", CPU, lambda sentence: None)


def picture(number: int) -> Picture:
    """Another texture in every frame: what is mixed up between frames shows."""
    coarse = np.random.default_rng(number).integers(0, 256, (6, 10, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC))


def clicked(*points: tuple[float, float], off: tuple[float, float] | None = None) -> Hints:
    return Hints(include=np.array(points), exclude=np.zeros((0, 2)) if off is None else np.array([off]))


def boxed(*box: float) -> Hints:
    return Hints(boxes=np.array([box]))


def clip(count: int = COUNT, every: int = 0, checkpoint: Any = lambda what, done, total: None) -> Clip:
    return Clip(NUMBERS[:count], picture, SIZE, every, checkpoint)


def followed(network: Sam2, folder: Path, hints: Told, here: Clip | None = None) -> dict[str, list[Followed]]:
    here = here or clip()
    objects = [FollowedObject(label, said, ObjectFolder(folder / label)) for label, said in hints.items()]
    follow(network, here, objects)
    return {one.label: [one.folder.get(index) for index in range(len(here.numbers))] for one in objects}


def by_the_library(network: Sam2, inputs: Mapping[int, Any], first: int, mask: bool = False) -> list[Any]:
    """An object's logits by the library alone: one session that holds the whole clip and forgets nothing."""
    family = network._family
    modeling: Any = importlib.import_module(f"transformers.models.{family.module}")
    kind = getattr(modeling, f"{family.prefix}InferenceSession")
    video = torch.stack([network.pixels(picture(number)) for number in NUMBERS])
    session = kind(video=video, dtype=torch.float32, max_vision_features_cache_size=1)
    index = session.obj_id_to_idx(7)
    for frame, given in inputs.items():
        (session.add_mask_inputs if mask else session.add_point_inputs)(index, frame, given)
        session.obj_with_new_inputs = [7]
        network.network(session, frame_idx=frame)
    found: dict[int, Any] = {}
    for backward in (False, True):
        for out in network.network.propagate_in_video_iterator(session, start_frame_idx=first, reverse=backward):
            found.setdefault(out.frame_idx, out.pred_masks[0, 0].numpy())
    return [found[frame] for frame in range(COUNT)]


def points(side: int, *rows: tuple[float, float, int]) -> dict[str, torch.Tensor]:
    """Plate px to the network's."""
    scale = (side / SIZE[1], side / SIZE[0])
    return {
        "point_coords": torch.tensor([[[[x * scale[0], y * scale[1]] for x, y, _ in rows]]], dtype=torch.float32),
        "point_labels": torch.tensor([[[label for _, _, label in rows]]], dtype=torch.int32),
    }


def same(found: list[Followed], expected: list[Any]) -> bool:
    return all(np.allclose(one.logits, other, rtol=1e-3, atol=1e-3) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("family", [SAM2_FAMILY, SAM3_FAMILY], ids=lambda family: family.title)
def test_two_objects_are_followed_both_ways_as_the_library_does(
    family: Family, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    folder = weights / ("sam2.1-hiera-tiny" if family == SAM2_FAMILY else "sam3")
    network = load_sam2(folder, CPU, lambda sentence: None, family=family)
    side = network.side
    hints = {
        "bag": {1009: clicked((20.0, 12.0), off=(60.0, 40.0)), 1019: boxed(10.0, 5.0, 40.0, 30.0)},
        "dog": {1004: boxed(30.0, 8.0, 70.0, 44.0)},
    }
    found = followed(network, tmp_path, hints)
    bag = {
        8: points(side, (20.0, 12.0, 1), (60.0, 40.0, 0)),
        18: points(side, (10.0, 5.0, 2), (40.0, 30.0, 3)),
    }
    dog = {3: points(side, (30.0, 8.0, 2), (70.0, 44.0, 3))}
    expected = {"bag": by_the_library(network, bag, 8), "dog": by_the_library(network, dog, 3)}
    assert same(found["bag"], expected["bag"]) and same(found["dog"], expected["dog"])
    assert not same(found["dog"], expected["bag"])
    assert not same(found["bag"], by_the_library(network, {8: bag[8]}, 8))  # the second hint counts
    short = dataclasses.replace(network.reach, pointers=network.reach.pointers - 1)
    monkeypatch.setattr(network, "reach", short)  # and so does the oldest frame of the memory
    assert not same(followed(network, tmp_path / "short", {"dog": hints["dog"]})["dog"], expected["dog"])


def test_a_painted_mask_is_followed_as_the_library_does(network: Sam2, tmp_path: Path) -> None:
    painted = np.zeros(SIZE, bool)
    painted[10:30, 20:60] = True
    found = followed(network, tmp_path, {"bag": {1001: Hints(mask=painted)}})["bag"]
    at_side = cv2.resize(painted.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) >= 0.5
    given = torch.from_numpy(at_side.astype(np.float32))[None, None]
    assert same(found, by_the_library(network, {0: given}, 0, mask=True))
    absent = followed(network, tmp_path / "b", {"bag": {1001: Hints(absent=True)}}, clip(2))["bag"]
    assert absent[0].score < 0 and not (absent[0].logits > 0).any()


def test_what_is_remembered_does_not_grow(
    network: Sam2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    held: list[int] = []
    kept: list[tuple[int, int, int]] = []
    step = clip_module._step

    def watched(net: Sam2, here: Clip, one: FollowedObject, index: int, pixels: Any, *, backward: bool) -> Followed:
        found = step(net, here, one, index, pixels, backward=backward)
        (outputs,) = one.session.output_dict_per_obj.values()
        frames_with = [out for out in outputs["non_cond_frame_outputs"].values() if "maskmem_features" in out]
        kept.append((len(outputs["non_cond_frame_outputs"]), len(frames_with), len(outputs["cond_frame_outputs"])))
        held.append(kept_bytes(one.session))
        return found

    monkeypatch.setattr(clip_module, "_step", watched)
    followed(network, tmp_path, {"bag": {1001: clicked((20.0, 12.0))}})
    assert len(held) == COUNT
    assert max(n for n, _, _ in kept) == 16 and max(n for _, n, _ in kept) == 7
    assert held[-1] == held[-2] == held[-3]  # bytes, once the memory is full
    assert kept[-1] == (16, 7, 1)


def test_confident_masks_become_prompts(network: Sam2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hints = {"bag": {1001: clicked((20.0, 12.0))}}
    found = {}
    for sure in (1.1, 0.0):  # a mask is never sure enough, and always
        monkeypatch.setattr(clip_module, "CONFIDENT", sure)
        found[sure] = followed(network, tmp_path / str(sure), hints, clip(14, every=3))["bag"]
    plain, again = found[1.1], found[0.0]
    assert all(np.array_equal(plain[i].logits, again[i].logits) for i in range(4))
    assert not np.allclose(plain[4].logits, again[4].logits, atol=1e-2)


def test_a_hint_of_where_it_is_not_corrects_what_was_followed(network: Sam2, tmp_path: Path) -> None:
    plain = followed(network, tmp_path / "a", {"bag": {1003: clicked((20.0, 12.0))}}, clip(12))["bag"]
    off = {1003: clicked((20.0, 12.0)), 1010: Hints(exclude=np.array([[60.0, 40.0]]))}
    corrected = followed(network, tmp_path / "b", {"bag": off}, clip(12))["bag"]
    changed = [not np.array_equal(a.logits, b.logits) for a, b in zip(plain, corrected, strict=True)]
    assert not any(changed[2:9]) and changed[9] and any(changed[10:])


def test_a_run_that_was_cut_short_goes_on(network: Sam2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "_REMEMBER_EVERY", 4)
    hints = {"bag": {1005: clicked((20.0, 12.0))}}
    whole = followed(network, tmp_path / "a", hints)["bag"]
    looked: list[int] = []
    steps = 0

    def cancel(what: str, done: int, total: int) -> None:
        nonlocal steps
        steps += "forward" in what
        if steps > 14:
            raise JobCancelled("roto was cancelled.")

    with pytest.raises(JobCancelled):
        followed(network, tmp_path / "b", hints, clip(checkpoint=cancel))
    step = clip_module._step

    def counted(net: Sam2, here: Clip, one: FollowedObject, index: int, pixels: Any, *, backward: bool) -> Followed:
        looked.append(index)
        return step(net, here, one, index, pixels, backward=backward)

    monkeypatch.setattr(clip_module, "_step", counted)
    resumed = followed(network, tmp_path / "b", hints)["bag"]
    assert looked == [*range(16, 20), 3, 2, 1, 0]
    assert all(np.array_equal(one.logits, other.logits) for one, other in zip(whole, resumed, strict=True))
    followed(network, tmp_path / "b", hints)
    assert len(looked) == 8  # nothing is done twice


def test_a_smaller_picture_when_memory_is_short(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.roto_learned.following.SIZES", (SIDE, 32))
    run = Sam2.look

    def greedy(self: Sam2, *given: Any, **rest: Any) -> Followed:
        if self.side == SIDE:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(self, *given, **rest)

    monkeypatch.setattr(Sam2, "look", greedy)
    heard: list[str] = []
    job = RotoJob(
        engine="sam2", params=RotoParams(engine="sam2", weights=str(weights)), shot=None,  # type: ignore[arg-type]
        numbers=NUMBERS[:3], width=SIZE[1], height=SIZE[0], picture=picture,
        hints={"bag": {1002: boxed(10.0, 5.0, 40.0, 30.0)}}, texts={}, store=MemoryStore(), scratch=tmp_path,
        device="cpu", checkpoint=lambda what, done, total: None, notice=heard.append,
    )  # fmt: skip
    found = list(roto_frames(job))
    assert [one.number for one in found] == [1001, 1002, 1003]
    assert found[1].state["bag"] in ("prompted", "hidden") and found[0].soft["bag"].shape == SIZE
    assert heard == [f"The device has too little memory for SAM 2 at {SIDE} px: it sees 32 px from now on."]


def test_masks_of_objects_do_not_overlap_and_have_the_plates_size(network: Sam2, tmp_path: Path) -> None:
    hints = {"bag": {1001: clicked((20.0, 12.0))}, "dog": {1001: boxed(10.0, 5.0, 70.0, 40.0)}}
    here = clip(4)
    objects = [FollowedObject(label, said, ObjectFolder(tmp_path / label)) for label, said in hints.items()]
    follow(network, here, objects)
    for index, one in enumerate(frames(here, objects)):
        logits = {o.label: plate_size(o.folder.get(index).logits, SIZE) for o in objects}
        masks = {label: soft >= 0.5 for label, soft in one.soft.items()}
        assert not (masks["bag"] & masks["dog"]).any()
        assert np.array_equal(masks["bag"] | masks["dog"], (logits["bag"] > 0) | (logits["dog"] > 0))
        assert one.soft["bag"].dtype == np.float32


def test_competition_and_confidence() -> None:
    soft = competed({"a": np.array([[2.0, -1.0, 3.0]], np.float32), "b": np.array([[1.0, -2.0, 4.0]], np.float32)})
    assert (soft["a"] >= 0.5).tolist() == [[True, False, False]] and (soft["b"] >= 0.5).tolist() == [
        [False, False, True]
    ]
    assert confidence_of(Followed(np.array([[5.0, -5.0]], np.float32), 10.0)) == pytest.approx(1.0, abs=1e-3)
    assert confidence_of(Followed(np.array([[0.5, 2.0]], np.float32), 10.0)) == pytest.approx(0.5, abs=1e-3)
    assert confidence_of(Followed(np.full((1, 2), -9.0, np.float32), 10.0)) == 0.0


def test_strokes_are_told_as_points_along_them() -> None:
    stroke = Stroke(((10.0, 10.0), (50.0, 10.0)), 3.0, include=False)
    said = told(Hints(include=np.array([[5.0, 5.0]]), strokes=(stroke,)), lambda: picture(1))
    assert said.points is not None and said.labels is not None and not said.correction
    assert said.points[1:, 0].tolist() == [10.0, 20.0, 30.0, 40.0, 50.0] and said.labels.tolist() == [1, 0, 0, 0, 0, 0]
    assert told(Hints(strokes=(stroke,)), lambda: picture(1)).correction
