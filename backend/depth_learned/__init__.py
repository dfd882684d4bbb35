"""Depth networks with public weights, aligned to the solved points.

The flow of a clip: choice.py picks a model that is there and allowed; networks.py runs it in chunks of frames
(inputs.py and outputs.py are the library's own pre- and post-processing, without torchvision) and predictions.py keeps
its maps on disk. sparse.py says which solved points a frame sees; fits.py finds each frame's scale (and shift) from
them, links.py what relates neighbouring frames where there are none, smoothing.py the likeliest parameters of every
frame. clip.py then applies them frame by frame: edges.py keeps depth edges sharp, confidence.py says how far each pixel
can be trusted. scale.py turns a metric model into a proposal for the world's scale.
"""
