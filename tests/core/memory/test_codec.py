"""Turns as JSON: without loss, with a version, and nothing revived that is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    AssistantMessage,
    AudioPart,
    FinishReason,
    ImagePart,
    ReasoningPart,
    StoreFormatError,
    TextPart,
    ToolCallPart,
    ToolMessage,
    Usage,
    UserMessage,
    VideoPart,
)
from junto.core.memory import (
    FIRST,
    ConversationKey,
    Turn,
    TurnStatus,
    check_key,
    hash_input,
    path_to,
    turn_from_json,
    turn_to_json,
)

texts = st.text(st.characters(codec=None))
maybe = st.none() | texts
media = st.sampled_from([ImagePart, AudioPart, VideoPart])
parts = st.one_of(
    st.builds(TextPart, texts, cache=st.booleans()),
    st.builds(ReasoningPart, texts, shown=maybe, signature=maybe),
    st.builds(ToolCallPart, texts, texts, texts),
    st.builds(lambda kind, url, how: kind(url=url, media_type=how), media, texts, maybe),
    st.builds(lambda kind, data: kind(data=data, media_type="a/b"), media, st.binary()),
    st.builds(ImagePart, url=texts, cache=st.booleans(), extra=st.just({"min_pixels": [4]})),
    st.builds(VideoPart, frames=st.lists(st.builds(ImagePart, url=texts)), extra=st.just({})),
)
messages = st.one_of(
    st.builds(UserMessage, st.lists(parts)),
    st.builds(AssistantMessage, st.lists(parts)),
    st.builds(ToolMessage, st.lists(parts), call_id=texts, name=texts, is_error=st.booleans()),
)
counts = st.none() | st.integers(0, 10**12)
turns = st.builds(
    Turn,
    st.text("abc", min_size=1),
    st.lists(messages, max_size=3),
    st.lists(messages, max_size=3),
    finish_reason=st.none() | st.sampled_from(FinishReason),
    usage=st.builds(Usage, input_tokens=counts, image_tokens=counts, estimated=st.booleans()),
    status=st.sampled_from(TurnStatus),
    parent=st.none() | st.just("") | st.text("abc"),
    metadata=st.dictionaries(st.text("abc"), st.integers() | st.booleans() | st.text("abc")),
    seq=st.none() | st.integers(1),
    created=st.none() | st.floats(0, 1e12),
)


@given(turns)
def test_any_turn_comes_back_from_plain_ascii(turn: Turn) -> None:
    text = turn_to_json(turn)
    again = turn_from_json(text)

    assert text.isascii()
    assert "\n" not in text
    assert (again, again.seq, again.created) == (turn, turn.seq, turn.created)


def test_two_surrogates_in_a_row_stay_two() -> None:
    turn = Turn("1", [UserMessage("\ud83d\ude00 and 😀")])

    assert turn_from_json(turn_to_json(turn)) == turn


def changed(**changes: Any) -> str:
    body = json.loads(turn_to_json(Turn("1", [UserMessage("a")])))
    return json.dumps({**body, **changes})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed(v=2), "has version 2, and this junto reads versions up to 1: use a newer junto"),
        (changed(v=0), "version 0, which there never was"),
        (changed(v=True), "version True"),
        (changed(v="1"), "version '1'"),
        (changed(input=[{"role": "root", "parts": []}]), "unknown role 'root'"),
        (changed(input=[{"role": "user", "parts": [{"type": "os.system"}]}]), "'os.system'"),
        (changed(input=[{"role": "user", "parts": [{"type": "text", "text": 1}]}]), "int where"),
        (changed(input=[{"role": "tool", "parts": []}]), "call_id"),
        (changed(status="odd"), "odd"),
        (changed(finish="odd"), "odd"),
        ("{}", "'v'"),
        ("[]", "no turn"),
        ("", "no turn"),
        ("{", "no turn"),
        ("[" * 100_000, "no turn"),
        ('{"v": ' + "1" * 5000 + "}", "no turn"),
        (b"\xff", "no turn"),
    ],
)
def test_what_is_no_turn_of_ours_is_a_typed_error(text: str | bytes, told: str) -> None:
    with pytest.raises(StoreFormatError) as caught:
        turn_from_json(text)

    assert told in str(caught.value)


def test_what_a_later_minor_version_adds_is_passed_over() -> None:
    assert turn_from_json(changed(mood="good", usage={"odd_tokens": 1})).id == "1"


def test_metadata_that_json_cannot_say_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError):
        turn_to_json(Turn("1", [], metadata={"a": object()}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        turn_to_json(Turn("1", [], metadata={"a": float("nan")}))


def test_the_hash_tells_inputs_apart() -> None:
    same = [hash_input([UserMessage("a")]), hash_input([UserMessage([TextPart("a")])])]

    assert same[0] == same[1]
    assert same[0] != hash_input([UserMessage("b")])
    assert same[0] != hash_input([AssistantMessage("a")])


def test_digests_of_keys_do_not_meet() -> None:
    keys = [("a", "bc"), ("ab", "c"), ("", "abc"), ("1:a", "b"), ("é", "b")]
    digests = {ConversationKey(conversation, tenant).digest() for tenant, conversation in keys}

    assert len(digests) == len(keys)
    assert all(len(digest) == 64 for digest in digests)
    assert check_key("abc").digest() == ConversationKey("abc").digest()


def test_a_path_follows_parents_and_ends_where_they_do() -> None:
    def turn(name: str, parent: str | None = None) -> Turn:
        return Turn(name, [], parent=parent)

    log = [turn("a"), turn("b"), turn("c", "a"), turn("d"), turn("e", FIRST), turn("f", "gone")]

    def path(turn_id: str | None) -> str:
        return "".join(one.id for one in path_to(log, turn_id))

    assert [path(name) for name in "abcdef"] == ["a", "ab", "ac", "acd", "e", "f"]
    assert path(None) == "f"
    assert path(FIRST) == path("never") == ""
    assert path_to([turn("a", "b"), turn("b", "a")]) == [turn("a", "b"), turn("b", "a")]
