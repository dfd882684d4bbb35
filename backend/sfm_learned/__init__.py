"""Engine `sfm-learned`: tracks from learned feature matches, for the same mapper as engine `sfm`.

Frames are described and matched in pairs by a public model (`lightglue.py`, `efficientloftr.py`), verified and joined
to tracks (`stream.py`, `graph.py`), aligned to sub-pixels (`alignment.py`), and handed to the mapper (`engine.py`).
"""
