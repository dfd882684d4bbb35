"""Plate files: fast PNG encoding, and telling a whole file from a broken one.

Measured on 1080p camera frames (one core): zlib's adaptive search at level 1 costs 129 ms a frame, the
horizontal filter with Huffman coding alone 58 ms for files 5 % larger. Writing them is what ingest waits for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from shared.errors import InternalError

_FAST = [
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
]  # fmt: skip
_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"


def encode_png(image: NDArray[Any]) -> memoryview:
    """The bytes of a PNG file for [H,W] grey or [H,W,3] BGR, uint8 or uint16. Lossless."""
    done, data = cv2.imencode(".png", image, _FAST)
    if not done:
        raise InternalError(f"A picture of shape {image.shape} could not be encoded as PNG.")
    return memoryview(data)  # type: ignore[arg-type]


def is_whole_png(path: Path) -> bool:
    """Whether a plate file ends as a PNG does. A file that was renamed but not yet on disk when the
    machine lost power is empty or ends in zeros."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < len(_END) + 8:
                return False
            file.seek(size - len(_END))
            return file.read() == _END
    except OSError:
        return False
