"""Sensor widths of named cameras, for turning a lens's millimetres into pixels.

Widths are of the photosites that are recorded in the named mode, in millimetres, from the makers'
published data sheets. A mode that crops the sensor is narrower: enter its width by hand.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sensor:
    """`key` is the stable name used on the wire; `width_mm` is horizontal."""

    key: str
    label: str
    width_mm: float


SENSORS: tuple[Sensor, ...] = (
    Sensor("full-frame", "Full frame 35 mm stills", 36.0),
    Sensor("super35", "Super 35 (4-perf film)", 24.89),
    Sensor("apsc-canon", "APS-C (Canon)", 22.3),
    Sensor("apsc", "APS-C (Sony, Nikon, Fujifilm)", 23.5),
    Sensor("micro-four-thirds", "Micro Four Thirds", 17.3),
    Sensor("one-inch", "1-inch type", 13.2),
    Sensor("super16", "Super 16 film", 12.52),
    Sensor("arri-alexa-mini-16x9", "ARRI Alexa Mini 16:9", 23.76),
    Sensor("arri-alexa-mini-open-gate", "ARRI Alexa Mini Open Gate", 28.25),
    Sensor("arri-alexa-lf-open-gate", "ARRI Alexa LF / Mini LF Open Gate", 36.70),
    Sensor("arri-alexa-35-open-gate", "ARRI Alexa 35 Open Gate", 27.99),
    Sensor("red-komodo-6k", "RED Komodo 6K", 27.03),
    Sensor("red-v-raptor-8k-vv", "RED V-Raptor 8K VV", 40.96),
    Sensor("sony-venice-6k", "Sony Venice 6K", 36.2),
    Sensor("sony-fx3", "Sony FX3 / FX6 / A7S III", 35.6),
    Sensor("blackmagic-pocket-4k", "Blackmagic Pocket 4K", 18.96),
    Sensor("blackmagic-pocket-6k", "Blackmagic Pocket 6K", 23.10),
    Sensor("blackmagic-ursa-mini-46k", "Blackmagic URSA Mini Pro 4.6K", 25.34),
    Sensor("canon-c300-iii", "Canon C300 III / C70", 26.2),
)


def width_mm(key: str) -> float | None:
    """The width of a preset, or None for an unknown key."""
    return next((sensor.width_mm for sensor in SENSORS if sensor.key == key), None)
