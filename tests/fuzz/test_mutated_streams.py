"""Whatever a service sends, the laws of reading it hold; `make fuzz` looks for more."""

import random
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from .__main__ import again
from .laws import CHECKS, check
from .mutations import JUNK, mutated, seeds_for
from .shapes import HEAD, call, frame, say

SOME = settings(max_examples=60)
STOP = HEAD + frame({"content": ""}, {"finish_reason": "stop"})
PIECES = (
    *JUNK,
    *(HEAD + say(text) for text in ("a", "", "\ud83d", "\ude00", "é")),
    HEAD + frame({"content": "a", "reasoning_content": "b\ud83d"}),
    HEAD + call("x", index=0),
    HEAD + call("\ud83d", id="a"),
    HEAD + call("{}"),
    HEAD + say("b", choice={"index": 1, "finish_reason": "stop"}),
    STOP,
    STOP.replace(b"\n\n", b"\n"),
    b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n',
    b'data:{"code":"Throttling","message":"sk-0123456789abcdef-secret"}\n\n',
)


@pytest.mark.parametrize("law", CHECKS)
def test_the_laws_hold_for_the_recordings_as_the_fuzzer_begins_with_them(
    law: str, tmp_path: Path
) -> None:
    for body in seeds_for(law).values():
        check(bytes([list(CHECKS).index(law), 0]) + body)
        (tmp_path / "found").write_bytes(body)
        assert again([tmp_path / "found"]) == 0


def test_what_was_found_breaks_its_law_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(body: bytes, chance: random.Random) -> None:
        assert body != b"found"

    monkeypatch.setitem(CHECKS, "native", broken)
    (tmp_path / "crash").write_bytes(b"\0\0found")

    with pytest.raises(AssertionError):
        again([tmp_path / "crash"])


@pytest.mark.parametrize("law", CHECKS)
@given(seed=st.integers(0, 2**32))
@SOME
def test_the_laws_hold_for_spoilt_recordings(law: str, seed: int) -> None:
    chance = random.Random(seed)
    body = mutated(chance.choice(list(seeds_for(law).values())), chance)
    note(repr(body))

    CHECKS[law](body, chance)


@pytest.mark.parametrize("law", CHECKS)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=8), seed=st.integers(0, 20))
@SOME
def test_the_laws_hold_for_anything_in_any_order(law: str, pieces: list[bytes], seed: int) -> None:
    CHECKS[law](b"".join(pieces), random.Random(seed))


@pytest.mark.parametrize("law", CHECKS)
@given(body=st.binary(max_size=60), seed=st.integers(0, 20))
@SOME
def test_the_laws_hold_for_any_bytes(law: str, body: bytes, seed: int) -> None:
    CHECKS[law](body, random.Random(seed))
