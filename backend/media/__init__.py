"""Footage in, frames out: finding clips and image sequences, probing, decoding, and the plate.

    footage.py      a path, folder or pattern -> a video file or an image sequence
    probe.py        -> Clip: everything known of it without decoding more than one frame
    take.py         -> Take: which source frame becomes which plate number, at which rate
    reader.py       -> Picture: the frames in order, each turned upright RGB when asked to
    png.py          plate files
    plate.py        plate files back as arrays, for the stages after ingest

Nothing here holds more than a few frames. Every foreign error becomes one of `shared.errors`.
"""
