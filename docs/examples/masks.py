"""Masks of what is named, without a camera: blender -b --python docs/examples/masks.py -- clip.mp4 person [bag ...]

`person` needs `python3 build.py setup --extra mocap`, other words a network. Prints one JSON line: where masks are.
The exit code is 0 with masks, 1 without.
"""

import json
import sys
from pathlib import Path

from bl_ext.user_default.backlot import api
from bl_ext.user_default.backlot.shared.errors import BacklotError
from bl_ext.user_default.backlot.shared.messages import JobRequest
from bl_ext.user_default.backlot.shared.roto_prompts import LabelPrompts, RotoPrompts, write_prompts
from bl_ext.user_default.backlot.shared.shot import ShotFolder, default_shot_folder


def main(clip: Path, *words: str) -> int:
    shot = default_shot_folder(clip)
    write_prompts(ShotFolder(shot), RotoPrompts(labels={word: LabelPrompts(text=word) for word in words}))
    try:
        # The stages that roto needs, here ingest, run by themselves.
        done = api.run(JobRequest(shot=str(shot), footage=str(clip), stages=("roto",)))
    except BacklotError as error:
        print(json.dumps({"clip": clip.name, "state": "failed", **error.to_wire()}), flush=True)
        return 1
    (roto,) = (result for result in done.results if result.stage == "roto")
    masks = [str(shot / made.path) for made in roto.artifacts if made.kind == "roto"]
    print(json.dumps({"clip": clip.name, "state": "done", "masks": masks}), flush=True)
    return 0


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :]
    sys.exit(main(Path(given[0]).absolute(), *given[1:]))
