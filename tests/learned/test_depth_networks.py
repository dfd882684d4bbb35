"""The real depth networks on tiny random checkpoints: loaded from disk, and equal to the library's own processing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForDepthEstimation
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.zoedepth import image_processing_pil_zoedepth as zoe

from backend.depth_learned.choice import choose, load
from backend.depth_learned.clip import frames, prepare
from backend.depth_learned.maps import METRIC, RELATIVE, Picture, RawMap, focal_of
from backend.depth_learned.networks import FAMILIES, NetworkDepth, load_network
from backend.depth_learned.predictions import PredictionStore
from backend.depth_learned.settings import LearnedSettings, Pictures
from backend.depth_learned.sparse import NO_POINTS
from shared.errors import EngineUnavailable, InvalidRequest, OutOfMemory
from tests.learned.tiny_depth_models import SAVERS, save_depth_anything, save_dpt, save_zoedepth

CPU = torch.device("cpu")
SIZE = (90, 160)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(seed: int = 0, size: tuple[int, int] = SIZE) -> Picture:
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((1, 3, size[0] // 6, size[1] // 6)))
    fine = torch.nn.functional.interpolate(coarse, size, mode="bilinear")[0].permute(1, 2, 0)
    return np.asarray(fine.numpy() * 255, np.uint8)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_architecture_loads_from_disk_and_sees_the_picture(family: str, tmp_path: Path) -> None:
    model = load_network(family, family, SAVERS[family](tmp_path), CPU)
    first, second, again = model.predict([picture(0), picture(1), picture(0)])
    assert first.values.ndim == 2 and first.values.dtype == np.float32 and np.isfinite(first.values).all()
    assert first.values.std() > 0 and np.abs(first.values - second.values).max() > 0
    assert np.allclose(first.values, again.values, rtol=1e-4, atol=1e-5)
    assert model.resized(first, SIZE).shape == SIZE and model.resized(first, SIZE).dtype == np.float32
    assert (first.fov_deg is not None) == (family == "depth-pro")
    assert model.kind == (METRIC if family in ("zoedepth", "depth-pro") else RELATIVE)


def test_depth_anything_says_itself_whether_it_is_metric(tmp_path: Path) -> None:
    model = load_network("x", "depth-anything", save_depth_anything(tmp_path, metric=True), CPU)
    (raw,) = model.predict([picture()])
    assert model.kind == METRIC and raw.values.min() >= 0.0 and raw.values.max() <= 20.0


def _resize(values: Any, size: list[int], interpolation: str, antialias: bool) -> Any:
    assert not antialias
    return torch.nn.functional.interpolate(values[None], tuple(size), mode=interpolation, align_corners=False)[0]


def library(folder: Path, processor: Any, shown: Picture, **sizes: Any) -> tuple[Any, Any]:
    """Prepared pixels and the finished map as transformers makes them."""
    network = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    pixels = processor(images=shown, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        found = network(pixel_values=pixels)
        (finished,) = processor.post_process_depth_estimation(found, target_sizes=[shown.shape[:2]], **sizes)
    return pixels[0], finished["predicted_depth"].numpy()


@pytest.mark.parametrize("size", [SIZE, (120, 64)])
@pytest.mark.parametrize("family", ["depth-anything", "dpt", "zoedepth"])
def test_maps_equal_the_librarys(
    family: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ZoeDepth's processor takes one function from torchvision, which is not installed: resizing of a tensor."""
    modes = SimpleNamespace(BICUBIC="bicubic")
    monkeypatch.setattr(zoe, "tvF", SimpleNamespace(resize=_resize, InterpolationMode=modes), raising=False)
    folder, shown = SAVERS[family](tmp_path), picture(2, size)
    said = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    if isinstance(said["size"], int):
        said["size"] = {"height": said["size"], "width": said["size"]}
    kind = zoe.ZoeDepthImageProcessorPil if family == "zoedepth" else DPTImageProcessorPil
    more = {"source_sizes": [size]} if family == "zoedepth" else {}
    pixels, expected = library(folder, kind(**said), shown, **more)
    model = load_network(family, family, folder, CPU)
    ours = FAMILIES[family].prepare(shown, model.plan)
    assert ours.shape == pixels.shape
    step = 1.0 / 255.0 / min(model.plan.std)  # one level of 8 bits, where the library rounds
    assert float((ours - pixels).abs().max()) < 1.5 * step and float((ours - pixels).abs().mean()) < 0.3 * step
    with torch.inference_mode():
        raw = RawMap(model._network(pixel_values=pixels[None]).predicted_depth[0].numpy())
    assert np.allclose(model.resized(raw, size), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_depth_pro_follows_its_focal_length(tmp_path: Path) -> None:
    """Its image processor needs torchvision; this is its arithmetic: canonical inverse depth times width over focal."""
    model = load_network("depth-pro", "depth-pro", SAVERS["depth-pro"](tmp_path), CPU)
    raw = RawMap(np.full((64, 64), 0.5, np.float32), 60.0)
    focal = focal_of(60.0, SIZE[1])
    assert abs(focal - 0.5 * SIZE[1] / np.tan(np.radians(30.0))) < 1e-9
    assert np.allclose(model.resized(raw, SIZE), focal / (0.5 * SIZE[1]), rtol=1e-5)
    assert np.allclose(model.resized(raw, SIZE, 2.0 * focal), 2.0 * focal / (0.5 * SIZE[1]), rtol=1e-5)
    plain = FAMILIES["depth-pro"].prepare(np.full((*SIZE, 3), 255, np.uint8), model.plan)
    assert plain.shape == (3, 128, 128) and torch.allclose(plain, torch.ones(()))


class Narrow:
    """A device with memory for two pictures at once."""

    name, kind, batch = "narrow", RELATIVE, 8

    def __init__(self, inner: NetworkDepth, most: int) -> None:
        self.inner, self.most = inner, most

    def predict(self, pictures: Sequence[Picture]) -> list[RawMap]:
        if len(pictures) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.inner.predict(pictures)

    def resized(self, raw: RawMap, size: tuple[int, int], focal_px: float | None = None) -> Any:
        return self.inner.resized(raw, size, focal_px)


def test_a_full_device_means_smaller_chunks_and_it_is_said(tmp_path: Path) -> None:
    inner = load_network("dpt", "dpt", save_dpt(tmp_path / "dpt"), CPU)
    shown = Pictures(range(1, 8), SIZE, picture)
    said: list[str] = []
    ready = prepare(
        [None] * 7, NO_POINTS, shown, Narrow(inner, 2), LearnedSettings(edges=False), PredictionStore(tmp_path / "a"),
        notice=said.append,
    )  # fmt: skip
    assert [one.number for one in frames(ready)] == list(range(1, 8))
    assert [text.split(": ")[-1] for text in said[:2]] == ["3 from now on.", "1 from now on."]
    with pytest.raises(OutOfMemory, match="one of the frames"):
        prepare([None] * 7, NO_POINTS, shown, Narrow(inner, 0), LearnedSettings(), PredictionStore(tmp_path / "b"))


def test_depth_is_whole_for_every_architecture_without_a_solve(tmp_path: Path) -> None:
    for family, save in SAVERS.items():
        model = load_network(family, family, save(tmp_path / family), CPU)
        shown = Pictures([7, 8], SIZE, lambda index: picture(3))
        ready = prepare(
            [None] * 2, NO_POINTS, shown, model, LearnedSettings(), PredictionStore(tmp_path / f"{family}_")
        )
        for one in frames(ready):
            assert one.depth.shape == SIZE and (one.depth > 0).all() and np.isfinite(one.depth).all()
            assert one.confidence.min() > 0.0 and one.confidence.max() < 0.5
        assert ready.alignment.unit == ("metres" if model.kind == METRIC else "arbitrary")


def test_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    folder = save_zoedepth(tmp_path / "zoe")
    with pytest.raises(EngineUnavailable):
        load_network("depth-anything", "depth-anything", folder, CPU)
    kept = load_file(folder / "model.safetensors")
    kept.pop(next(name for name in kept if name.startswith("metric_head")))
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineUnavailable, match="metric_head"):
        load_network("zoedepth", "zoedepth", folder, CPU)
    dpt = save_dpt(tmp_path / "dpt")
    (dpt / "preprocessor_config.json").write_text('{"size": {"shortest_edge": 3}}', encoding="utf-8")
    with pytest.raises(EngineUnavailable, match="preprocessor_config"):
        load_network("dpt", "dpt", dpt, CPU)


def test_licences_decide_what_auto_takes(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="Small"):
        choose("auto", str(tmp_path), non_commercial=False)
    save_depth_anything(tmp_path / "depth-anything-v2-large")
    with pytest.raises(EngineUnavailable, match="commercial") as refused:
        choose("depth-anything-v2-large", str(tmp_path), non_commercial=False)
    assert "--depth-non-commercial" in refused.value.remedy
    with pytest.raises(EngineUnavailable, match="Small"):
        choose("depth-anything", str(tmp_path), non_commercial=False)
    assert choose("auto", str(tmp_path), non_commercial=True).model.name == "depth-anything-v2-large"
    save_dpt(tmp_path / "dpt-large")
    taken = choose("auto", str(tmp_path), non_commercial=False)
    assert taken.model.name == "dpt-large" and load(taken, "cpu").name == "dpt-large"
    with pytest.raises(EngineUnavailable, match="Depth Pro"):
        choose("depth-pro", str(tmp_path), non_commercial=False)
    with pytest.raises(InvalidRequest, match="no depth model"):
        choose("midas", str(tmp_path), non_commercial=False)
