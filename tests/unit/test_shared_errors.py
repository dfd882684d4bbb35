"""The error tree travels whole."""

import shared.errors as errors
from shared.errors import BacklotError, NoParallax, by_code, from_wire


def test_every_error_comes_back_as_itself() -> None:
    for code, kind in by_code().items():
        error = from_wire(kind("What happened.", "What to do.", frame=7).to_wire())
        assert type(error) is kind and error.code == code
        assert (error.message, error.remedy, error.details) == ("What happened.", "What to do.", {"frame": 7})


def test_codes_are_stable_names() -> None:
    assert NoParallax("x").code == "no-parallax"
    assert len(by_code()) == sum(
        isinstance(item, type) and issubclass(item, BacklotError) for item in vars(errors).values()
    )


def test_an_unknown_code_is_still_an_error_with_its_words() -> None:
    error = from_wire({"code": "of-tomorrow", "message": "New.", "remedy": "Update."})
    assert type(error) is BacklotError and str(error) == "New. Update."


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {line.split("── ")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "── " in line}
    assert drawn | {"BacklotError"} == {kind.__name__ for kind in by_code().values()}
