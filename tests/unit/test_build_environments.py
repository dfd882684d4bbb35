"""Environments from locks: idempotent, repaired, honest about what is missing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from build_steps import environments, layout, pythons
from build_steps.layout import BuildError

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A requirements/ folder with an empty lock: an environment that needs no download."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "empty.lock").write_text("# nothing\n", encoding="utf-8")
    monkeypatch.setattr(layout, "REQUIREMENTS", folder)
    monkeypatch.setattr(environments, "ATTEMPTS", 1)
    monkeypatch.setattr("build_steps.console.cache_root", lambda: tmp_path / "cache")
    return folder


def plan(tmp_path: Path, *locks: str, check: str = "pass") -> environments.Plan:
    return environments.Plan(tmp_path / "env", (HERE,), locks or ("empty.lock",), "A test", check)


def test_made_once_then_left_alone(tmp_path: Path, requirements: Path, bare: Path) -> None:
    wanted = plan(tmp_path)
    shutil.copytree(bare, wanted.folder, symlinks=True)
    python = environments.ensure(wanted)
    made = python.stat().st_ctime_ns, (wanted.folder / environments.STAMP).stat().st_mtime_ns
    assert environments.is_ready(wanted)
    assert environments.ensure(wanted) == python
    assert (python.stat().st_ctime_ns, (wanted.folder / environments.STAMP).stat().st_mtime_ns) == made


def test_a_changed_lock_is_installed_again(tmp_path: Path, requirements: Path, bare: Path) -> None:
    wanted = plan(tmp_path)
    shutil.copytree(bare, wanted.folder, symlinks=True)
    environments.ensure(wanted)
    (requirements / "empty.lock").write_text("# still nothing\n", encoding="utf-8")
    assert not environments.is_ready(wanted)
    environments.ensure(wanted)
    assert environments.is_ready(wanted)


def test_a_half_made_environment_is_repaired(tmp_path: Path, requirements: Path) -> None:
    wanted = plan(tmp_path)
    (wanted.folder / "bin").mkdir(parents=True)
    (wanted.folder / "pyvenv.cfg").write_text("home = /nowhere\n", encoding="utf-8")
    environments.ensure(wanted)
    assert environments.is_ready(wanted)


def test_a_failed_install_leaves_no_stamp_and_says_how_to_go_on(tmp_path: Path, requirements: Path, bare: Path) -> None:
    shutil.copytree(bare, tmp_path / "env", symlinks=True)
    (requirements / "wrong.lock").write_text("backlot-has-no-such-package==0\n", encoding="utf-8")
    wanted = plan(tmp_path, "empty.lock", "wrong.lock")
    with pytest.raises(BuildError, match="run the same command again") as caught:
        environments.ensure(wanted, offline=tmp_path)
    assert "backlot-has-no-such-package" in str(caught.value)
    assert not environments.is_ready(wanted)
    assert environments.read_stamp(wanted.folder) == {}
    environments.ensure(plan(tmp_path))


def test_an_environment_that_does_not_work_is_not_called_ready(tmp_path: Path, requirements: Path, bare: Path) -> None:
    shutil.copytree(bare, tmp_path / "env", symlinks=True)
    wanted = plan(tmp_path, check="import no_such_module_here")
    with pytest.raises(BuildError, match="no_such_module_here"):
        environments.ensure(wanted)
    assert not environments.is_ready(wanted)


def test_an_extra_stays_when_only_the_base_is_asked_for(tmp_path: Path, requirements: Path, bare: Path) -> None:
    shutil.copytree(bare, tmp_path / "env", symlinks=True)
    (requirements / "extra.lock").write_text("# an extra\n", encoding="utf-8")
    environments.ensure(plan(tmp_path, "empty.lock", "extra.lock"))
    (requirements / "empty.lock").write_text("# newer\n", encoding="utf-8")
    environments.ensure(plan(tmp_path, "empty.lock"))
    assert environments.is_ready(plan(tmp_path, "empty.lock", "extra.lock"))


def test_no_suitable_python_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_candidates", lambda versions: iter([Path("/no/python")]))
    with pytest.raises(BuildError, match=r"Motion capture needs Python 3\.11 or 3\.12 .*none was found"):
        pythons.find(layout.MOCAP_PYTHONS, "Motion capture")


def test_this_python_is_found_first() -> None:
    assert pythons.find((HERE,), "A test").exists()


def test_unknown_bpy_version_names_the_known_ones() -> None:
    with pytest.raises(BuildError, match=r"bpy 9\.9\.9.*4\.5\.15"):
        environments.bpy_plan("9.9.9")


def test_clients_find_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared import environment

    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    environments.record_for_clients(Path(sys.executable))
    found = environment.find(tmp_path / "home")
    assert found is not None
    assert (found.python, found.source, found.version) == (sys.executable, str(layout.ROOT), layout.version())


@pytest.mark.parametrize("lock", sorted(path.name for path in (layout.ROOT / "requirements").glob("*.lock")))
def test_locks_pin_exactly_and_once(lock: str) -> None:
    lines = (layout.ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(line.count("==") == 1 and " " not in line for line in pins)
    names = [line.split("==")[0].lower().replace("_", "-") for line in pins]
    assert len(set(names)) == len(names)


def test_blender_environments_hold_no_msgpack() -> None:
    for lock in (layout.ROOT / "requirements").glob("bpy-*.lock"):
        assert "msgpack" not in lock.read_text(encoding="utf-8").replace(
            "# Test tools of the Blender environments. No msgpack", ""
        )


def test_stamp_that_is_damaged_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / environments.STAMP).write_text("{", encoding="utf-8")
    assert environments.read_stamp(tmp_path) == {}
    (tmp_path / environments.STAMP).write_text(json.dumps([1]), encoding="utf-8")
    assert environments.read_stamp(tmp_path) == {}
