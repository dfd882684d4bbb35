"""The extension's zip: complete, the same every time, with a wheel that any Blender can use."""

from __future__ import annotations

import io
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from build_steps import layout, packaging
from build_steps.layout import BuildError

MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaging.package(tmp_path_factory.mktemp("package"))


def test_holds_what_the_extension_needs(package: Path) -> None:
    names = set(zipfile.ZipFile(package).namelist())
    wanted = {
        "blender_manifest.toml", "__init__.py", "shared/client.py", "backend/__main__.py", "build.py",
        "build_steps/environments.py", "requirements/base.lock",
    }  # fmt: skip
    assert wanted <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or name.startswith("tests/")]


def test_is_small_and_holds_nothing_compiled(package: Path) -> None:
    """Wheels are looked into: what is compiled for one Python or system serves no other Blender."""
    archive = zipfile.ZipFile(package)
    held = {name: archive.read(name) for name in archive.namelist()}
    for name in [name for name in held if name.endswith(".whl")]:
        inner = zipfile.ZipFile(io.BytesIO(held[name]))
        held |= {f"{name}/{entry}": inner.read(entry) for entry in inner.namelist()}
    magic = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\x00asm", b"!<arch>")
    assert not [name for name, data in held.items() if data.startswith(magic)]
    assert not [name for name in held if name.endswith((".so", ".pyd", ".dll", ".dylib", ".pyc", ".a", ".o"))]
    assert package.stat().st_size < MOST_BYTES


def test_manifest_has_this_version_and_the_real_wheel(package: Path) -> None:
    archive = zipfile.ZipFile(package)
    manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert manifest["version"] == layout.version() == package.stem.removeprefix("backlot-")
    (wheel,) = manifest["wheels"]
    assert wheel.removeprefix("./") in archive.namelist()
    assert wheel.endswith("-py3-none-any.whl")


def test_same_bytes_every_time(package: Path, tmp_path: Path) -> None:
    assert packaging.package(tmp_path).read_bytes() == package.read_bytes()


def test_wheel_is_pure_python_and_works(tmp_path: Path) -> None:
    name, wheel = packaging.pure_msgpack_wheel()
    (tmp_path / name).write_bytes(wheel)
    names = zipfile.ZipFile(io.BytesIO(wheel)).namelist()
    assert not [entry for entry in names if entry.endswith((".so", ".pyd", ".pyx"))]
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / name)!r}); import msgpack, msgpack.fallback; "
        "assert msgpack.Packer is msgpack.fallback.Packer; "
        "assert msgpack.unpackb(msgpack.packb([1, {'a': b'x'}])) == [1, {'a': b'x'}]; print(msgpack.__file__)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert str(tmp_path) in done.stdout


def test_pip_accepts_the_wheel(tmp_path: Path) -> None:
    name, wheel = packaging.pure_msgpack_wheel()
    (tmp_path / name).write_bytes(wheel)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(tmp_path / "t")]
    subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    assert (tmp_path / "t/msgpack/fallback.py").is_file()


GOOD = """
schema_version = "1.0.0"
id = "backlot"
version = "1.0.0"
name = "Backlot"
tagline = "A line"
maintainer = "Someone"
type = "add-on"
blender_version_min = "4.2.0"
license = ["SPDX:GPL-3.0-or-later"]
wheels = ["./wheels/a-1-py3-none-any.whl"]
"""
FILES = {"wheels/a-1-py3-none-any.whl": b""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("tagline = ", "tag = "), "lacks tagline"),
        (('"A line"', '"A line."'), "full stop"),
        (("a-1-py3-none-any", "b-1-py3-none-any"), "not in the zip"),
        (("id = ", "id : "), "cannot be read"),
    ],
)
def test_a_wrong_manifest_is_refused(change: tuple[str, str], message: str) -> None:
    packaging.check_manifest(GOOD, FILES)
    with pytest.raises(BuildError, match=message):
        packaging.check_manifest(GOOD.replace(*change), FILES)


def test_a_compiled_wheel_is_refused() -> None:
    name = "wheels/a-1-cp311-cp311-linux_x86_64.whl"
    with pytest.raises(BuildError, match="pure-Python"):
        packaging.check_manifest(GOOD.replace("wheels/a-1-py3-none-any.whl", name), {name: b""})


def test_manifest_is_filled() -> None:
    manifest = tomllib.loads(packaging.filled_manifest(GOOD, "7.8.9", "m-2-py3-none-any.whl"))
    assert (manifest["version"], manifest["wheels"]) == ("7.8.9", ["./wheels/m-2-py3-none-any.whl"])


def test_the_copy_in_the_extension_says_what_it_can_do(package: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(package).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "build.py"), "demo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "knows setup, models and doctor" in done.stderr
    asked = subprocess.run([sys.executable, str(tmp_path / "build.py"), "--help"], capture_output=True, check=False)
    assert asked.returncode == 0
