"""The runner of the tests: blocks printed whole, failures and crashes counted and named, the right exit code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from build_steps import environments, journal, lanes, layers, layout, testing
from build_steps.lanes import Count, Job, Output
from build_steps.layout import BuildError

FILES = {
    "good": "def test_one(): pass\ndef test_two(): pass\n",
    "bad": "import pytest\ndef test_one(): pass\ndef test_two(): assert 0, 'seen in the block'\n"
    "@pytest.mark.skip\ndef test_three(): pass\n",
    "crash": "import os, signal\ndef test_one(): pass\ndef test_two(): os.kill(os.getpid(), signal.SIGSEGV)\n"
    "def test_three(): pass\n",
    "broken": "import no_such_module_here\n",
    "teardown": "import pytest\n@pytest.fixture\ndef shaky():\n    yield\n    assert 0\n"
    "def test_one(shaky): assert 0\ndef test_two(shaky): pass\n",
    "hang": "import threading\ndef test_one(): threading.Event().wait()\n",
}

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs layers of `FILES` with this Python; returns the exit code."""
    for name, text in FILES.items():
        folder = tmp_path / "tests" / name
        folder.mkdir(parents=True)
        (folder / "test_it.py").write_text(text, encoding="utf-8")
    here = Path(sys.executable)

    def run_layers(*names: str, ready: Callable[[], Path] = lambda: here, **options: object) -> int:
        monkeypatch.setattr(layers, "ROOT", tmp_path)
        monkeypatch.setattr(layers, "BEGIN_FIRST", names)
        monkeypatch.setattr(testing, "_steps", lambda options: {layout.base_environment().name: ready})
        return testing.run(layers.Options(layers=names, **options))  # type: ignore[arg-type]

    return run_layers


def test_everything_passes(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("good", "good") == 0
    said = capfd.readouterr().out
    assert said.splitlines()[-1] == "4 passed, 0 failed, 0 skipped"
    assert said.count("== good ==") == said.count("good: 2 ok, 0 bad, 0 left out") == 2


def test_one_layer_is_followed_as_it_runs(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("good") == 0
    assert re.search(r"== good ==.*2 passed.*good: 2 ok.*2 passed, 0 failed", capfd.readouterr().out, re.DOTALL)


def test_failures_are_counted_named_and_printed_in_their_block(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("bad", "good", "teardown") == 1
    said = capfd.readouterr().out
    assert said.splitlines()[-1] == "3 passed, 3 failed, 1 skipped"
    assert re.search(r"note: bad: .*test_it\.py::test_two\n", said)
    assert re.search(r"note: teardown: .*test_it\.py::test_one\n", said), "failed twice, counted once"
    block = said[said.index("== bad ==") : said.index("bad: 1 ok, 1 bad, 1 left out")]
    assert "seen in the block" in block and "== good ==" not in block and "== teardown ==" not in block


def test_a_crash_fails_and_says_where(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("crash") == 1
    captured = capfd.readouterr()
    said = captured.out + captured.err
    assert captured.out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"
    assert re.search(r"note: crash: pytest crashed with SIGSEGV in \S*test_it\.py::test_two after 1 tests", said)
    assert "Fatal Python error: Segmentation fault" in said, "the stacks of its threads are shown"


def test_a_file_that_cannot_be_imported_fails(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("broken") == 1
    said = capfd.readouterr().out
    assert said.splitlines()[-1] == "0 passed, 1 failed, 0 skipped" and "no_such_module_here" in said


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the runner's clock shows: tests do not wait, and a busy computer does not make them late."""
    shown = [0.0]
    monkeypatch.setattr(lanes, "time", SimpleNamespace(monotonic=lambda: shown[0]))
    monkeypatch.setattr(lanes, "_LOOK_S", 0.02)
    return shown


def test_what_hangs_is_ended(
    run: Run, clock: list[float], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    begin = (
        f"import pathlib, threading\ndef test_one(): pathlib.Path({str(hangs)!r}).touch(); threading.Event().wait()\n"
    )
    (tmp_path / "tests/hang/test_it.py").write_text(begin, encoding="utf-8")
    monkeypatch.setattr(lanes, "LANES", 1)  # the clock is everybody's

    def run_fast() -> None:
        while not over.wait(0.01):
            clock[0] += layers.SILENCE_S * hangs.exists()

    over, fast = threading.Event(), threading.Thread(target=run_fast)
    fast.start()
    try:
        assert run("good", "hang") == 1
    finally:
        over.set()
        fast.join()
    said = capfd.readouterr().out
    assert re.search(r"note: hang: stopped after \d+ s without a test that ended in \S*test_it\.py::test_one", said)
    assert said.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


def test_what_goes_on_is_not_ended(tmp_path: Path, clock: list[float]) -> None:
    """Far longer than the silence that is allowed, but never silent."""
    life, turns = tmp_path / "life", 16
    life.touch()

    def seen() -> int:
        """The process writes again when it has been seen, and then it is later by most of the silence."""
        size = life.stat().st_size
        clock[0] = 1.5 * size
        (tmp_path / str(size)).touch()
        return size

    watched = SimpleNamespace(is_file=lambda: True, stat=lambda: SimpleNamespace(st_size=seen()))
    busy = (
        "import pathlib, sys, time\nlife = pathlib.Path(sys.argv[1])\n"
        f"for turn in range({turns}):\n"
        "    while not (life.parent / str(turn)).exists(): time.sleep(0.01)\n"
        "    with life.open('a') as file: file.write('x')\n"
    )
    command = [sys.executable, "-c", busy, str(life)]
    assert lanes.Processes().run(command, Output(None), {}, 2.0, watched)[0] == 0  # type: ignore[arg-type]
    assert clock[0] >= 1.5 * (turns - 1)


def test_without_a_sign_of_life_the_whole_time_counts() -> None:
    command = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    with pytest.raises(subprocess.TimeoutExpired):
        lanes.Processes().run(command, Output(None), {}, 0.3)


def test_a_layer_without_its_environment_fails_and_the_others_go_on(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    def missing() -> Path:
        raise BuildError("no network\nand more about it")

    assert run("good", ready=missing) == 1
    assert "note: good: could not run: no network\n" in capfd.readouterr().out


def test_a_thread_that_outlives_its_tests_fails_the_blender_layer(tmp_path: Path) -> None:
    """Run with this Python in the place of Blender's: the wrapper needs nothing of bpy."""
    left = "import threading\ndef test_one(): threading.Thread(target=threading.Event().wait, name='left').start()\n"
    codes = {}
    for name, text in (("left", left), ("clean", FILES["good"])):
        (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
        wrapper = str(layout.ROOT / "build_steps" / "pytest_in_bpy.py")
        command = [sys.executable, wrapper, str(tmp_path / f"test_{name}.py"), "-q", "-p", "no:cacheprovider"]
        codes[name] = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert codes["clean"].returncode == 0 and "still alive" not in codes["clean"].stdout
    assert codes["left"].returncode == 1
    assert "threads still alive after the tests: left" in codes["left"].stdout


def test_no_test_at_all_is_not_success(run: Run) -> None:
    assert run("good", keyword="nothing_like_it") == 1


def test_blocks_do_not_mix_and_lanes_are_used(capfd: pytest.CaptureFixture[str]) -> None:
    both = threading.Barrier(2, timeout=120)

    def job(name: str) -> Job:
        def talk(output: Output) -> Count:
            for line in range(20):
                output.say(f"{name} {line}")
                both.wait()  # one line of each, in turn: they do run at once
            return Count(passed=1)

        return Job(name, talk)

    total = lanes.run_jobs([job("first"), job("second")], 2, lanes.Processes())
    assert total.passed == 2
    lines = [line for line in capfd.readouterr().out.splitlines() if re.fullmatch(r"(first|second) \d+", line)]
    names = [line.split()[0] for line in lines]
    assert len(names) == 40 and len(set(names[:20])) == len(set(names[20:])) == 1


def test_an_interrupt_ends_what_runs() -> None:
    processes, begun = lanes.Processes(), threading.Event()
    codes: list[int] = []

    def run() -> None:
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        begun.set()
        codes.append(processes.run(command, Output(None), {}, 60.0)[0])

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    while not processes._running and thread.is_alive():
        threading.Event().wait(0.01)
    processes.end()
    thread.join()
    assert codes == [-signal.SIGTERM]
    with pytest.raises(BuildError, match="interrupted"):
        processes.run([sys.executable, "-c", ""], Output(None), {}, 60.0)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="signals of a POSIX system")
def test_a_cancelled_run_leaves_no_test_process(run: Run, tmp_path: Path) -> None:
    """As CI ends a run: SIGTERM to build.py alone."""
    pid = tmp_path / "pid"
    hang = f"import os, pathlib, threading\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
    (tmp_path / "tests/hang/test_it.py").write_text(hang + FILES["hang"], encoding="utf-8")

    def cancel() -> None:
        while not (pid.is_file() and pid.read_text()) and main.is_alive():
            pause.wait(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    pause = threading.Event()
    main, canceller = threading.main_thread(), threading.Thread(target=cancel, daemon=True)
    canceller.start()
    with pytest.raises(KeyboardInterrupt):
        run("hang", "good")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not tell")
def test_processor_time_is_that_of_the_job() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    code, cpu_s = lanes.Processes().run([sys.executable, "-c", busy], Output(None), {}, 60.0)
    assert code == 0 and 0.3 <= cpu_s < 30.0, "seconds, and not thousandths"


def test_a_journal_cut_by_a_crash_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    assert journal.read(path) == journal.Journal(0, 0, 0)
    path.write_text('["begins", "a"]\n["passed", "a"]\n["ends", "a"]\n["begins", "b"]\n["begi', encoding="utf-8")
    assert journal.read(path) == journal.Journal(1, 0, 0, (), ("b",))


def test_every_layer_is_begun_and_has_its_environment() -> None:
    assert sorted(layers.BEGIN_FIRST) == sorted(layers.LAYERS)
    locks = {names: layers.base_plan(names).locks for names in (("lint",), ("unit",), ("quality", "gpu"))}
    assert locks[("lint",)] == ("base.lock", "test.lock")
    assert locks[("unit",)] == ("base.lock", "torch.lock", "test.lock")
    assert locks[("quality", "gpu")] == ("base.lock", "torch.lock", "learned.lock", "test.lock")
    assert [plan.locks[0] for plan in layers.bpy_plans(layers.Options(bpy=("5.0.1",)))] == ["bpy-5.0.1.lock"]
    assert not layers.bpy_plans(layers.Options(layers=("unit",)))


def test_test_environments_are_not_compiled_ahead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(environments, "run_quietly", lambda command, *_, **__: commands.append(list(command)))
    for plan in (environments.base_plan(tests=True), environments.base_plan()):
        folder = tmp_path / str(len(commands))
        folder.mkdir()
        environments._install(environments.Plan(folder, plan.pythons, plan.locks, "A test"), None)
    installs = [command for command in commands if "install" in command]
    assert ["--no-compile" in command for command in installs] == [True, False]
