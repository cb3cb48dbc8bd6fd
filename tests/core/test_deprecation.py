"""What goes away says so in good time, and names what to use instead."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from junto.core import warn_deprecated


def old() -> None:
    warn_deprecated("old()", instead="new()", since="0.3", gone="0.5")


def test_it_names_the_replacement_and_the_version_of_removal() -> None:
    with pytest.warns(DeprecationWarning, match="old") as caught:
        old()

    (one,) = caught
    assert str(one.message) == (
        "old() is deprecated since version 0.3, and is gone in 0.5: use new()"
    )


def test_it_points_at_the_caller_of_what_is_deprecated() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old()

    assert Path(caught[0].filename) == Path(__file__)
    assert "        old()" in Path(__file__).read_text().splitlines()[caught[0].lineno - 1]


@pytest.mark.parametrize("gone", ["0.4", "0.3", "0.2"])
def test_two_minor_versions_are_the_least(gone: str) -> None:
    with pytest.raises(ValueError, match=rf"lives until 0\.5 at least, not until {gone}"):
        warn_deprecated("x", instead="y", since="0.3", gone=gone)


@pytest.mark.parametrize("gone", ["0.5", "0.13", "1.0"])
def test_later_or_in_the_next_major_version_will_do(gone: str) -> None:
    with pytest.warns(DeprecationWarning, match=gone):
        warn_deprecated("x", instead="y", since="0.3", gone=gone)


@pytest.mark.parametrize("version", ["1", "0.3.1", "soon", "", "0.x"])
def test_a_version_has_two_numbers(version: str) -> None:
    with pytest.raises(ValueError, match="a version is written major"):
        warn_deprecated("x", instead="y", since=version, gone="9.0")
