"""Stands in for research code: reads request.json, and writes the joints that truth.npz knows.

python external_program.py REQUEST TRUTH MODE, where MODE is ok, unnamed, small (out of memory beyond 8 frames), never
(always out of memory), broken, silent, wrong or slow.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

request_file, truth_file, mode = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
request = json.loads(request_file.read_text())
truth = np.load(truth_file)
folder = request_file.parent
count = len(request["frames"])

with Path(truth_file).with_name("calls.txt").open("a") as calls:
    calls.write(f"{count}\n")
if mode == "slow":
    time.sleep(60)
if mode == "never" or (mode == "small" and count > 8):
    print("torch.OutOfMemoryError: CUDA out of memory.")
    sys.exit(1)
if mode == "broken":
    print("ModuleNotFoundError: No module named 'hmr4d'")
    sys.exit(1)
if mode == "silent":
    sys.exit(0)
if len(list((folder / "frames").glob("*.png"))) != count:
    sys.exit("frames are missing")
if request["people"] and len(list((folder / "masks" / request["people"][0]).glob("*.png"))) != count:
    sys.exit("masks are missing")
rows = [int(np.nonzero(truth["frames"] == number)[0][0]) for number in request["frames"]]
if not np.allclose(np.load(folder / request["cameras"])["K"], truth["K"][rows]):
    sys.exit("cameras are wrong")
people = request["people"] or [f"{count}_b", f"{count}_a"]
result = {}
for number, name in enumerate(people):
    joints = truth["joints"][rows] + [0.0 if request["people"] else 1.2 * number, 0.0, 0.0]
    result[f"{name}/frames"] = np.array(request["frames"]) + (500 if mode == "wrong" else 0)
    result[f"{name}/joints"] = joints
    result[f"{name}/joint_names"] = truth["names"]
np.savez(folder / request["result"], **result)
