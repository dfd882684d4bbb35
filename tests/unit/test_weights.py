"""Model weights: where they are looked for, what their licences allow, and how they are fetched."""

from __future__ import annotations

import functools
import http.server
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend import solve_engines
from backend.engines import ENGINES
from backend.weights.fetch import fetch
from backend.weights.folder import non_commercial_allowed, require, state_of, weights_dir
from backend.weights.models import MODELS, model
from shared.errors import EngineUnavailable, InvalidRequest, NoParallax, TooFewFeatures
from shared.stages import SolveParams

FREE, GATED = model("efficientloftr"), model("lightglue-superpoint")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BACKLOT_WEIGHTS", "BACKLOT_ALLOW_NON_COMMERCIAL", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


def test_the_folder_is_the_jobs_then_the_environments_then_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights_dir().name == "weights" and weights_dir().is_absolute()
    monkeypatch.setenv("BACKLOT_WEIGHTS", "/studio/weights")
    assert weights_dir() == Path("/studio/weights")
    assert weights_dir("/job/weights") == Path("/job/weights")


def test_what_is_missing_is_named_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    put(tmp_path / FREE.name, "config.json")
    assert state_of(FREE, tmp_path).missing == ("model.safetensors",)
    with pytest.raises(EngineUnavailable) as error:
        require(FREE, tmp_path, non_commercial=False)
    assert str(tmp_path / FREE.name) in error.value.message and "model.safetensors" in error.value.message
    assert "models --get efficientloftr" in error.value.remedy
    put(tmp_path / FREE.name, *FREE.files)
    assert require(FREE, tmp_path, non_commercial=False) == tmp_path / FREE.name


def test_an_empty_file_counts_as_missing(tmp_path: Path) -> None:
    put(tmp_path / FREE.name, *FREE.files)
    (tmp_path / FREE.name / "model.safetensors").write_bytes(b"")
    assert state_of(FREE, tmp_path).missing == ("model.safetensors",)


def test_non_commercial_weights_need_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / GATED.name, *GATED.files)
    with pytest.raises(EngineUnavailable, match="commercial") as error:
        require(GATED, tmp_path, non_commercial=non_commercial_allowed())
    assert "--allow-non-commercial" in error.value.remedy
    assert require(GATED, tmp_path, non_commercial=non_commercial_allowed(asked=True))
    monkeypatch.setenv("BACKLOT_ALLOW_NON_COMMERCIAL", "1")
    assert require(GATED, tmp_path, non_commercial=non_commercial_allowed())


def test_every_model_says_its_licences_and_belongs_to_an_engine() -> None:
    engines = {info.engine for info in ENGINES}
    assert len({known.name for known in MODELS}) == len(MODELS)
    for known in MODELS:
        assert known.code_licence and known.weights_licence and known.repository and known.engine in engines
        assert known.commercial or known.note
        if known.engine == "sfm-learned":
            assert known.name in {choice.value for choice in _matcher_choices()}
    with pytest.raises(InvalidRequest, match="efficientloftr"):
        model("no such model")


def _matcher_choices() -> tuple[object, ...]:
    from shared.params import specs

    return next(spec.choices for spec in specs(SolveParams) if spec.name == "matcher")


# -- fetching ----------------------------------------------------------------------------------------------


class _Hub(http.server.SimpleHTTPRequestHandler):
    """Serves a folder as the hub does; below /cut it promises more than they send."""

    def log_message(self, format: str, *arguments: object) -> None:
        return None

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length" and "cut" in self.path:
            value = str(int(value) + 5)
        super().send_header(keyword, value)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    for known in MODELS:
        for place in ("", "cut"):
            put(tmp_path / "hub" / place / known.repository / "resolve" / "main", *known.files)
    handler = functools.partial(_Hub, directory=str(tmp_path / "hub"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5.0)


def test_a_model_is_fetched_whole_and_only_once(tmp_path: Path, hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://{hub}")
    heard: list[str] = []
    folder = fetch(FREE, tmp_path / "weights", accept_licence=False, say=heard.append)
    assert state_of(FREE, tmp_path / "weights").ready
    assert sorted(path.name for path in folder.iterdir()) == sorted(FREE.files)
    (folder / "config.json").write_bytes(b"mine")
    fetch(FREE, tmp_path / "weights", accept_licence=False, say=heard.append)
    assert (folder / "config.json").read_bytes() == b"mine"
    assert sum("is there" in line for line in heard) == len(FREE.files)


def test_a_licence_is_accepted_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="non-commercial") as error:
        fetch(GATED, tmp_path, accept_licence=False, say=print)
    assert "--accept-licence" in error.value.remedy
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["nowhere", "cut"])
def test_what_does_not_arrive_leaves_no_file(
    place: str, tmp_path: Path, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://{hub}/{place}")
    with pytest.raises(EngineUnavailable, match="could not be fetched"):
        fetch(FREE, tmp_path / "weights", accept_licence=False, say=print)
    assert not [name for name in FREE.files if (tmp_path / "weights" / FREE.name / name).exists()]


# -- the solve's choice of engines -------------------------------------------------------------------------


class _Context:
    device = "cpu"

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)


def _fails(error: Exception) -> object:
    def run(*arguments: object) -> object:
        raise error

    return run


def test_auto_tries_learned_matches_where_tracking_finds_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    context, marker = _Context(), object()
    monkeypatch.setattr(solve_engines, "solve", _fails(TooFewFeatures("Frame 7 is black.")))
    monkeypatch.setattr(solve_engines, "chosen_model", lambda params: None)
    monkeypatch.setattr(solve_engines, "_learned", lambda *arguments: marker)
    solved, engine = solve_engines.run_engine(SolveParams(), None, None, context)  # type: ignore[arg-type]
    assert solved is marker and engine.name == "sfm-learned"
    assert context.notices == ["Frame 7 is black. Learned matches are tried instead."]


@pytest.mark.parametrize(
    ("engine", "error"),
    [("sfm", TooFewFeatures("black")), ("auto", NoParallax("tripod")), ("auto", TooFewFeatures("x"))],
)
def test_other_failures_stay_what_they_are(
    engine: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKLOT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(solve_engines, "solve", _fails(error))
    with pytest.raises(type(error)):
        solve_engines.run_engine(SolveParams(engine=engine), None, None, _Context())  # type: ignore[arg-type]


def test_an_engine_asked_for_by_name_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as error:
        solve_engines.engine_of(SolveParams(engine="sfm-learned", weights=str(tmp_path)))
    assert error.value.remedy
    assert solve_engines.engine_of(SolveParams()).name == "sfm"


def test_a_file_comes_out_of_its_authors_archive(tmp_path: Path, hub: str) -> None:
    packed = tmp_path / "hub" / "model.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("2023/rtm/end2end.onnx", b"weights")
    about = replace(FREE, files=("end2end.onnx",), archive=f"http://{hub}/model.zip")
    folder = fetch(about, tmp_path / "weights", accept_licence=False, say=print)
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("end2end.onnx", b"weights")]
    other = replace(about, name="other", files=("nothing.onnx",))
    with pytest.raises(EngineUnavailable, match=r"holds no nothing\.onnx"):
        fetch(other, tmp_path / "weights", accept_licence=False, say=print)
    assert not any((tmp_path / "weights" / "other").iterdir())
