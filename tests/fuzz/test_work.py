"""No stream takes more work than its length, times something that is the same for all lengths."""

import pytest

from junto.providers.failures import Failure

from .shapes import CUMULATIVE, DRIPS, FRAMES, SHAPES, TOOLS
from .work import work_of


@pytest.mark.parametrize("name", SHAPES)
def test_a_stream_that_is_longer_takes_so_much_more_work_and_not_its_square(name: str) -> None:
    # A read costs a lot, however small it is: it takes many to see what they cost together.
    size, times = (500, 4) if name in DRIPS else (3_000, 6)
    if name in FRAMES | TOOLS | CUMULATIVE:
        size, times = 8_000, 16

    small, large = (work_of(SHAPES[name](length)) for length in (size, size * times))

    assert large < 1.25 * times * small


def test_patterns_for_errors_never_see_a_long_text() -> None:
    failure = Failure(code="AccessDenied." * 10**6, type="x" * 10**6, message="bearer " * 10**6)

    assert max(len(failure.code), len(failure.type), len(failure.message)) == 4000
