"""The whole stage with networks that know nothing: it must end in an error with a remedy, never in a camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.pipeline.runner import run_job
from shared.artifacts import StageResult
from shared.errors import EngineUnavailable, SolveError
from shared.messages import JobRequest, Progress
from tests.learned.tiny_models import save_efficientloftr, save_lightglue

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample" / "clip.mp4"


class _Silent:
    def progress(self, progress: Progress) -> None:
        return None

    def notice(self, sentence: str) -> None:
        return None

    def stage_done(self, result: StageResult) -> None:
        return None

    def is_cancelled(self) -> bool:
        return False


def solve(shot: Path, weights: Path, **values: object) -> tuple[StageResult, ...]:
    params = {
        "ingest": {"frame_end": 6},
        "solve": {"engine": "sfm-learned", "quality": "low", "weights": str(weights), **values},
    }
    request = JobRequest(shot=str(shot), footage=str(SAMPLE), stages=("solve",), params=params, device="cpu")
    return run_job(request, _Silent())


@pytest.mark.parametrize("matcher", ["efficientloftr", "lightglue-superpoint"])
def test_networks_that_know_nothing_give_an_error_and_no_camera(matcher: str, tmp_path: Path) -> None:
    save_efficientloftr(tmp_path / "weights")
    save_lightglue(tmp_path / "weights")
    with pytest.raises(SolveError) as error:
        solve(tmp_path / "shot", tmp_path / "weights", matcher=matcher, allow_non_commercial=True)
    assert error.value.message and error.value.remedy
    assert not (tmp_path / "shot/camera/extrinsics.json").exists()


def test_missing_weights_stop_the_job_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors"):
        solve(tmp_path / "shot", tmp_path / "weights")
