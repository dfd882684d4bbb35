"""What all depth engines share: cameras, maps on disk, the way between plate and working pixels, files of the shot.

The flow of a clip: an engine yields a `FrameDepth` for every frame with a pose (frame.py, in the working pixels of
working.py); each goes into a `DepthStore` (store.py) at once, so that a stopped stage continues; the maps are made
consistent in windows, read from one store and written to the next; finally they are brought back to the plate's
pixels (resample.py) and written as the shot's files (outputs.py, normals.py, video.py).
"""
