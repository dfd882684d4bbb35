"""Engines vitmatte, closed-form and knn: the real loaders and libraries, on small things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VitMatteForImageMatting
from transformers.models.vitmatte.image_processing_pil_vitmatte import VitMatteImageProcessorPil

from backend.matte.clip import FOREGROUND, UNKNOWN
from backend.matte.engines import engine_of
from backend.matte.files import read_alpha
from backend.matte.vitmatte import VitMatte
from shared.errors import EngineUnavailable, InvalidRequest, OutOfMemory
from shared.matte_params import MatteParams
from tests.learned.tiny_matte_model import NAME, save_vitmatte
from tests.unit.matte_scene import disc_scene
from tests.unit.matte_shot import FIRST, run_matte, write_matte_shot

torch.set_num_threads(1)
SCENE = disc_scene(2)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_vitmatte(folder / NAME)
    return folder


def test_the_network_is_given_what_the_library_gives_it(weights: Path) -> None:
    """Compared with the library's own processing of the part of the picture around the band."""
    clip = SCENE.clip(6)
    picture, trimap = clip.picture(0), clip.trimap(0)
    found = VitMatte(weights / NAME, "cpu").alpha(picture, trimap)
    rows, columns = np.nonzero(trimap == UNKNOWN)
    box = (
        slice(max(0, rows.min() - 32), rows.max() + 33),
        slice(max(0, columns.min() - 32), columns.max() + 33),
    )
    given = VitMatteImageProcessorPil()(images=picture[box], trimaps=trimap[box], return_tensors="pt")
    network = VitMatteForImageMatting.from_pretrained(weights / NAME).eval()
    with torch.inference_mode():
        wanted = network(**given).alphas[0, 0].numpy()
    height, width = trimap[box].shape
    band = trimap[box] == UNKNOWN
    np.testing.assert_allclose(found[box][band], wanted[:height, :width][band], atol=0.004)  # 128 is not quite a half
    assert (found[trimap == FOREGROUND] == 1.0).all() and (found[trimap == 0] == 0.0).all()


def test_out_of_memory_cuts_the_picture(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[str] = []
    network = VitMatte(weights / NAME, "cpu", notices.append)
    picture = np.random.default_rng(0).integers(0, 256, (96, 700, 3)).astype(np.uint8)
    trimap = np.full((96, 700), UNKNOWN, np.uint8)
    whole = network.alpha(picture, trimap)
    run, sizes = VitMatte._run, []

    def short(self: VitMatte, part: np.ndarray, known: np.ndarray) -> np.ndarray:
        sizes.append(known.shape[1])
        if known.shape[1] > 400:
            raise torch.OutOfMemoryError("no")
        return run(self, part, known)

    monkeypatch.setattr(VitMatte, "_run", short)
    pieces = network.alpha(picture, trimap)
    assert sizes == [700, 382, 382] and len(notices) == 1
    assert np.abs(pieces - whole).mean() < 0.2
    monkeypatch.setattr(VitMatte, "_run", lambda *arguments: (_ for _ in ()).throw(torch.OutOfMemoryError("no")))
    with pytest.raises(OutOfMemory):
        network.alpha(picture, trimap)


def test_the_stage_runs_it_and_auto_prefers_it(weights: Path, tmp_path: Path) -> None:
    assert engine_of(MatteParams(weights=str(weights))).name == "vitmatte"
    assert engine_of(MatteParams(weights=str(tmp_path))).name == "banded"
    result, _ = run_matte(write_matte_shot(tmp_path / "shot", SCENE), engine="auto", weights=str(weights))
    assert result.engine == "vitmatte" and result.facts["frames"] == 2


def test_what_is_missing_is_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"lacks config\.json"):
        engine_of(MatteParams(engine="vitmatte", weights=str(tmp_path)))
    with pytest.raises(InvalidRequest, match="'other'"):
        engine_of(MatteParams(engine="vitmatte", model="other", weights=str(weights)))


@pytest.mark.parametrize("engine", ["closed-form", "knn"])
def test_the_librarys_solvers(engine: str, tmp_path: Path) -> None:
    scene = disc_scene(1)
    shot = write_matte_shot(tmp_path / "shot", scene)
    result, _ = run_matte(shot, engine=engine)
    found = read_alpha(shot.matte_dir / "head" / f"frame_{FIRST:04d}.png")
    assert result.engine == engine and np.abs(found - scene.alphas[0]).mean() < 0.02
