"""A public name comes and goes on purpose: the list of them is part of the repository."""

from .names import PINNED, public_names


def test_the_public_names_are_those_that_are_pinned() -> None:
    pinned = PINNED.read_text(encoding="utf-8").split()
    here = public_names()

    told = "say it in docs/changelog.d and pin it: python -m tests.typing"
    assert sorted(set(here) - set(pinned)) == [], f"new: {told}"
    assert sorted(set(pinned) - set(here)) == [], f"gone, which breaks plugins: {told}"
    assert pinned == here
