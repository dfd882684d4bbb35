"""What a file says of its colour, by the names of ITU-T H.273, and which YUV matrix to undo.

A plate keeps the clip's own code values: PQ stays PQ, log stays log. Only the YUV coding and the limited
range are undone, since they are storage, not picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
             10: "xyz", 11: "dci-p3", 12: "display-p3", 22: "ebu3213"}  # fmt: skip
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100",
             10: "log316", 11: "xvycc", 12: "bt1361", 13: "srgb", 14: "bt2020-10", 15: "bt2020-12", 16: "pq",
             17: "smpte428", 18: "hlg"}  # fmt: skip
MATRICES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 8: "ycgco", 9: "bt2020",
            10: "bt2020-cl"}  # fmt: skip
RANGES = {1: "limited", 2: "full"}
HDR_TRANSFERS = {"pq": "pq", "hlg": "hlg"}

SWS_MATRIX = {"bt709": 1, "fcc": 4, "bt601": 5, "smpte240m": 7, "bt2020": 9}
"""SWS_CS_* of libswscale (swscale.h), for the matrices it can undo."""

_LOG_NAMES = re.compile(
    r"\b(s-?log-?[23]?|v-?log|log-?c[34]?|c-?log-?[23]?|d-?log(?:-?m)?|n-?log|f-?log2?|apple[ -]?log|bmd ?film"
    r"|log3g10|redlogfilm|protune ?flat|z-?log2?)\b",
    re.IGNORECASE,
)


def assumed_matrix(width: int, height: int, primaries: str) -> str:
    """The matrix of a file that declares none, as players choose it: BT.2020 by its primaries, BT.601 up
    to standard definition, BT.709 above."""
    if primaries == "bt2020":
        return "bt2020"
    return "bt709" if max(width, height) >= 1280 or min(width, height) > 576 else "bt601"


def named_log(metadata: Mapping[str, str]) -> str:
    """The camera log curve that some metadata value names, such as `S-Log3`; "" when none does."""
    for key, value in metadata.items():
        if re.search(r"comment|description|title|encoder|handler", key, re.IGNORECASE):
            continue  # free text: "backlog" and worse
        found = _LOG_NAMES.search(value)
        if found:
            return found[0]
    return ""
