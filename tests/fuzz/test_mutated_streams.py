"""Whatever a service sends, the laws of reading it hold; `make fuzz` looks for more."""

import random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from .laws import CHECKS
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
