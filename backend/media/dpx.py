"""The header of a DPX file (SMPTE ST 268:2014): transfer, depth, pixel aspect, rate. Pixels are decoded by
libav."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction

from .timing import parse_rate

HEADER_BYTES = 2048
_UNDEFINED = 0xFFFFFFFF
_TRANSFERS = {1: "printing-density", 2: "linear", 3: "log", 5: "smpte240m", 6: "bt709", 7: "bt601", 8: "bt601"}


@dataclass(frozen=True)
class DpxHeader:
    """transfer: "" where user-defined or unspecified. rate: None when the header has none."""

    width: int
    height: int
    bits: int
    transfer: str
    pixel_aspect: float
    rate: Fraction | None

    @property
    def is_log(self) -> bool:
        return self.transfer in ("printing-density", "log")


def read_header(data: bytes) -> DpxHeader | None:
    """The header at the start of a file's bytes, None when they are no DPX."""
    order = {b"SDPX": ">", b"XPDS": "<"}.get(data[:4])
    if order is None or len(data) < HEADER_BYTES:
        return None
    width, height = struct.unpack_from(order + "II", data, 772)
    across, down = struct.unpack_from(order + "II", data, 1628)
    known = _UNDEFINED not in (across, down) and across > 0 and down > 0
    rates = [struct.unpack_from(order + "f", data, place)[0] for place in (1724, 1940)]
    rate = next((r for r in rates if math.isfinite(r) and 1.0 <= r <= 1000.0), None)
    return DpxHeader(
        width=width,
        height=height,
        bits=data[803],
        transfer=_TRANSFERS.get(data[801], ""),
        pixel_aspect=across / down if known else 1.0,
        rate=parse_rate(f"{rate:.4f}") if rate is not None else None,
    )
