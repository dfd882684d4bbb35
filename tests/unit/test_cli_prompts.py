"""Hints on the command line: order matters, what cannot be read is refused, the shot's prompts keep the rest."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from backend.cli import run
from backend.cli.main import main
from backend.cli.prompts import add_prompt_flags, labels_of, merged, remember, spoken
from shared.errors import InvalidRequest
from shared.messages import JobRequest
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, read_prompts, write_prompts
from shared.shot import ShotFolder
from tests.unit.roto_shot import FIRST, write_footage

KNOWN = RotoPrompts(
    labels={
        "bag": LabelPrompts(
            color=(1.0, 0.0, 0.0),
            frames={"5": FramePrompt(include=((1.0, 1.0),)), "9": FramePrompt(include=((2.0, 2.0),))},
        ),
        "dog": LabelPrompts(moving=False, frames={"5": FramePrompt(boxes=((0.0, 0.0, 9.0, 9.0),))}),
    }
)


def words(*arguments: str) -> tuple[tuple[str, str], ...]:
    parser = argparse.ArgumentParser()
    add_prompt_flags(parser)
    return spoken(parser.parse_args(arguments))


def said(*arguments: str, known: RotoPrompts | None = None) -> RotoPrompts:
    return merged(known or RotoPrompts(), labels_of(words(*arguments)), lambda: FIRST)


def test_what_follows_a_label_belongs_to_it() -> None:
    found = said(
        "--label", "bag", "--bbox", "1,2,30,40", "--points", "5,6,+;7,8,-;9.5,1", "--frame", "12", "--static",
        "--label", "dog", "--bbox=-4,0,5,6;10,10,20,20",
    ).labels  # fmt: skip
    assert list(found) == ["bag", "dog"]
    bag = FramePrompt(include=((5.0, 6.0), (9.5, 1.0)), exclude=((7.0, 8.0),), boxes=((1.0, 2.0, 30.0, 40.0),))
    assert found["bag"] == LabelPrompts(moving=False, frames={"12": bag})
    boxes = ((-4.0, 0.0, 5.0, 6.0), (10.0, 10.0, 20.0, 20.0))
    assert found["dog"] == LabelPrompts(frames={str(FIRST): FramePrompt(boxes=boxes)})


def test_what_follows_a_frame_is_said_of_it() -> None:
    found = said("--label", "bag", "--frame", "3", "--bbox", "1,2,3,4", "--frame", "8", "--absent").labels["bag"]
    assert found.frames == {"3": FramePrompt(boxes=((1.0, 2.0, 3.0, 4.0),)), "8": FramePrompt(absent=True)}
    assert said("--bbox", "1,2,3,4").labels["object"].frames.keys() == {str(FIRST)}


def test_words_are_a_label_each() -> None:
    found = said("--prompt", "person, red  bag").labels
    assert {name: label.text for name, label in found.items()} == {"person": "person", "red bag": "red bag"}


def test_the_shots_other_prompts_stay() -> None:
    found = said("--label", "bag", "--points", "3,3", "--frame", "9", "--label", "dog", "--moving", known=KNOWN).labels
    assert found["bag"].frames == {
        "5": FramePrompt(include=((1.0, 1.0),)), "9": FramePrompt(include=((3.0, 3.0),))
    }  # fmt: skip
    assert found["bag"].color == (1.0, 0.0, 0.0)
    assert found["dog"].moving and found["dog"].frames == KNOWN.labels["dog"].frames


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bbox", "1,2,3"), r"--bbox 1,2,3 cannot be read"),
        (("--bbox", "5,2,3,9"), "is empty"),
        (("--points", "a,b,+"), "cannot be read"),
        (("--points", "1,nan,+"), "cannot be read"),
        (("--frame", "x", "--bbox", "1,2,3,4"), "not a plate number"),
        (("--label", "a/b", "--bbox", "1,2,3,4"), "cannot be a label"),
        (("--label", "mask", "--bbox", "1,2,3,4"), "taken"),
        (("--label", "bag"), "nothing of 'bag'"),
        (("--label", "bag", "--bbox", "1,2,3,4", "--frame", "3", "--frame", "8"), "nothing of 'bag' at frame 8"),
        (("--frame", "3", "--absent", "--frame", "3", "--bbox", "1,2,3,4"), "given twice"),
        (("--bbox", "1,2,3,4", "--absent"), "absent"),
        (("--prompt", " , "), "names nothing"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        said(*arguments)


def test_the_document_is_written_once_and_can_begin_anew(tmp_path: Path) -> None:
    shot = ShotFolder(tmp_path)
    write_prompts(shot, KNOWN)
    given = words("--label", "bag", "--points", "3,3", "--frame", "9")
    assert remember(shot, given, lambda: FIRST).revision == 2
    assert remember(shot, given, lambda: FIRST).revision == 2
    anew = remember(shot, (*words("--new-prompts"), *given), lambda: FIRST)
    assert anew.revision == 3 and list(anew.labels) == ["bag"] and list(anew.labels["bag"].frames) == ["9"]
    assert read_prompts(shot) == anew


def test_run_puts_the_prompts_into_the_shot_and_brings_the_stage_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[JobRequest] = []
    monkeypatch.setattr(run, "run_here", lambda request, as_json: asked.append(request) or 0)
    footage, shot = write_footage(tmp_path / "clip"), ShotFolder(tmp_path / "clip_backlot")
    assert main(["run", str(footage), "-s", "solve", "--label", "bag", "--bbox", "1,2,3,4"]) == 0
    assert asked[0].stages == ("solve", "roto")
    assert list(read_prompts(shot).labels["bag"].frames) == [str(FIRST)], "the number that ingest will give it"
    main(
        ["run", str(footage), "-s", "interactive", "--frame-start", str(FIRST + 2), "--label", "dog", "--points", "1,2"]
    )
    assert asked[1].stages == ("roto",)
    assert list(read_prompts(shot).labels["dog"].frames) == [str(FIRST + 2)]
    before = shot.prompts.read_bytes()
    assert main(["run", str(footage), "--label", "bag", "--bbox", "1,2,3"]) == 2
    assert shot.prompts.read_bytes() == before and len(asked) == 2
