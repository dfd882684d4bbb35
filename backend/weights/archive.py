"""Files of models that their authors give away in a zip."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from shared.errors import EngineUnavailable

from .download import Told, download


def download_from_archive(address: str, place: Path, told: Told) -> None:
    """The file named as `place` from the zip at an address, whatever folder of the zip it is in. A download that breaks
    off goes on where it was. Raises `EngineUnavailable`, `DiskFull`."""
    packed = place.with_name(f"{place.name}.zip")
    download(address, packed, told)
    beside = place.with_name(f"{place.name}.partial")
    try:
        with zipfile.ZipFile(packed) as archive:
            inside = next((one for one in archive.namelist() if one.rpartition("/")[2] == place.name), None)
            if inside is None:
                raise zipfile.BadZipFile(f"it holds no {place.name}")
            with archive.open(inside) as file, beside.open("wb") as unpacked:
                shutil.copyfileobj(file, unpacked, 1 << 20)
        beside.replace(place)
    except (OSError, zipfile.BadZipFile) as error:
        raise EngineUnavailable(f"What came from {address} cannot be used: {error}.", "Try again later.") from error
    finally:
        beside.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)
