"""Engines `rtmpose`, `dwpose` and `vitpose`: networks with public weights that see one person's joints in a crop.

choice.py picks a model whose files are there; simcc.py (ONNX) and vitpose.py (transformers) run it on the crops that
boxes.py cuts; engine.py makes keypoints of what they say, and lift.py adds MediaPipe's 3D to them. yolox.py finds
people where neither masks nor MediaPipe do.
"""
