"""Multi-view stereo on solved cameras: dense depth without weights, torch on the processor or a GPU.

The flow of a frame: choose.py picks source views by parallax; sweep.py matches them on planes of constant inverse depth
at half resolution (Collins, "A space-sweep approach to true multi-image matching", CVPR 1996), with the better half of
the sequence at every pixel (Kang, Szeliski, Chai, CVPR 2001) and semi-global smoothing (Hirschmueller, TPAMI 2008);
refine.py follows the surface at full resolution, in PatchMatch's manner (Bleyer et al., BMVC 2011; Galliani et al.,
ICCV 2015); consistency.py keeps what the neighbours' maps confirm (Schoenberger et al., ECCV 2016); fill.py closes the
holes and marks them; stream.py runs this over a clip with a bounded window of frames in memory.
"""
