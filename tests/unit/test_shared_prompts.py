"""`roto/prompts.json`: what it keeps, and what it refuses and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidRequest, ShotCorrupt
from shared.roto_prompts import (
    NO_PROMPTS,
    FramePrompt,
    LabelPrompts,
    RotoPrompts,
    Stroke,
    painted_mask,
    read_prompts,
    require_label,
    write_prompts,
)
from shared.shot import ShotFolder

_SAID = RotoPrompts(
    labels={
        "Ana": LabelPrompts(
            color=(1.0, 0.5, 0.0),
            frames={
                "12": FramePrompt(
                    include=((10.5, 20.0),),
                    exclude=((3.0, 4.0),),
                    boxes=((1.0, 2.0, 30.0, 40.0),),
                    strokes=(Stroke(((5.0, 5.0), (9.0, 5.0)), 3.5, include=False),),
                    mask=painted_mask("Ana", 12),
                ),
                "2": FramePrompt(absent=True),
                "5": FramePrompt(),
            },
        ),
        "lamp": LabelPrompts(moving=False, text="a lamp"),
    }
)


def test_prompts_come_back_as_they_were_written(tmp_path: Path) -> None:
    shot = ShotFolder(tmp_path)
    assert read_prompts(shot) == NO_PROMPTS
    written = write_prompts(shot, _SAID)
    assert (written.revision, write_prompts(shot, written).revision) == (1, 2)
    assert read_prompts(shot).labels == _SAID.labels
    assert [path.name for path in shot.roto_dir.iterdir()] == ["prompts.json"]


def test_frames_of_which_something_is_said_come_in_order() -> None:
    assert list(_SAID.labels["Ana"].prompted) == [2, 12]


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        ({"a": {"frames": {"1": {"inclde": [[1, 2]]}}}}, "prompts.json.labels.a.frames.1 has no field 'inclde'"),
        ({"a": {"frames": {"1": {"strokes": [{"points": [[1, 2]], "width": 3, "radius": 1}]}}}}, "no field 'width'"),
        ({"a": {"frames": {"1": {"boxes": [[5, 0, 5, 9]]}}}}, "labels.a.frames.1.boxes[0]"),
        ({"a": {"frames": {"1": {"strokes": [{"points": [[1, 2]], "radius": 0}]}}}}, "strokes[0].radius"),
        ({"a": {"frames": {"1": {"mask": "../../etc/mask.png"}}}}, "frames.1.mask"),
        ({"a": {"frames": {"01": {"include": [[1, 2]]}}}}, "labels.a.frames.01"),
        ({"a": {"frames": {"1": {"include": [[1, 2]], "absent": True}}}}, "frames.1.absent"),
        ({"a": {}, "A": {}}, "labels.A"),
        ({"a": {"color": [2, 0, 0]}}, "labels.a.color"),
        ({"mask": {}}, "The label 'mask' is taken"),
    ],
)
def test_a_wrong_document_is_refused_at_its_place(tmp_path: Path, labels: dict[str, Any], place: str) -> None:
    shot = ShotFolder(tmp_path)
    shot.roto_dir.mkdir()
    shot.prompts.write_text(json.dumps({"version": 1, "labels": labels}))
    with pytest.raises(ShotCorrupt) as caught:
        read_prompts(shot)
    assert place in caught.value.message


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a\\b", "..", "end.", "end ", "con", "LPT1.x", "x" * 65, "a:b"])
def test_names_that_cannot_be_folders_are_no_labels(name: str) -> None:
    with pytest.raises(InvalidRequest):
        require_label(name)


@pytest.mark.parametrize("name", ["person_00", "Anaïs", "left arm", "2nd", "v1.2"])
def test_names_that_can_be_folders_are_labels(tmp_path: Path, name: str) -> None:
    shot = ShotFolder(tmp_path)
    write_prompts(shot, RotoPrompts(labels={name: LabelPrompts()}))
    assert list(read_prompts(shot).labels) == [name]
    (tmp_path / name).mkdir()
