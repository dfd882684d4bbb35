"""Depth maps of any engine brought into agreement along the solved camera: calmer, and not less accurate.

surfaces.py holds a frame's map; sight.py asks one map about another's pixels; noise.py measures how far maps lie apart;
fill.py closes holes;
fuse.py takes the robust common depth of a window; stream.py runs rounds of it over a clip.
"""
