"""Messages, requests, responses, options, usage, secrets and errors are plain values."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import unicodedata
from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    AssistantMessage,
    ChatConnectionError,
    ChatError,
    ChatOptions,
    ChatRequest,
    ChatResponse,
    ChatTimeoutError,
    FinishReason,
    ImagePart,
    InterruptedStreamError,
    ProviderError,
    RateLimitedError,
    ReasoningDelta,
    ReasoningPart,
    Secret,
    SystemMessage,
    TextDelta,
    TextPart,
    ToolCallPart,
    ToolMessage,
    Usage,
    UserMessage,
    clean_text,
    collect,
    errors,
)

# Messages


def test_a_message_takes_text_parts_or_several_of_both() -> None:
    image = ImagePart(url="http://x/y.png")

    assert UserMessage("a").parts == (TextPart("a"),)
    assert UserMessage("").parts == ()
    assert UserMessage(image).parts == (image,)
    assert UserMessage(["look: ", image]).parts == (TextPart("look: "), image)
    assert UserMessage(["look: ", image]).text == "look: "


@pytest.mark.parametrize("content", [None, 3, [3], b"bytes", [None], object()])
def test_a_message_takes_nothing_else(content: Any) -> None:
    with pytest.raises(TypeError, match="a message holds text or parts"):
        UserMessage(content)


def test_reasoning_is_not_text() -> None:
    message = AssistantMessage([ReasoningPart("hm", shown="<hm>"), "Yes", ToolCallPart("1", "f")])

    assert (message.text, message.reasoning, message.display_text) == ("Yes", "hm", "<hm>Yes")
    assert message.tool_calls == (ToolCallPart("1", "f"),)
    assert message.without_reasoning().parts == message.parts[1:]


def test_media_has_a_url_or_data_with_a_type() -> None:
    for wrong in ({}, {"url": "x", "data": b"y", "media_type": "image/png"}, {"data": b"y"}):
        with pytest.raises(ValueError, match="ImagePart"):
            ImagePart(**wrong)
    assert "data" not in repr(ImagePart(data=b"y", media_type="image/png"))


def test_values_are_frozen_equal_and_hashable() -> None:
    message = UserMessage("a")
    with pytest.raises(FrozenInstanceError):
        message.parts = ()  # type: ignore[misc]

    assert message == UserMessage("a")
    assert repr(message) != repr(SystemMessage("a"))
    assert len({message, UserMessage("a")}) == 1
    assert hash(ChatRequest("a", options=ChatOptions(extra={"x": [1]}))) is not None


# Requests and responses


def test_a_request_is_made_of_text_a_message_or_messages() -> None:
    assert ChatRequest("a").messages == (UserMessage("a"),)
    assert ChatRequest(UserMessage("a")) == ChatRequest([UserMessage("a")])
    with pytest.raises(TypeError, match=r"UserMessage\('…'\), not str"):
        ChatRequest(["a"])  # type: ignore[list-item]


def test_a_request_is_changed_into_another() -> None:
    request = ChatRequest([SystemMessage("old"), UserMessage("a"), UserMessage("b")])

    assert request.with_system("new").system == "new"
    assert request.with_system("new").messages[1:] == request.messages[1:]
    assert (request.system, request.user_text) == ("old", "b")
    assert request.with_options(top_p=0.5).options.top_p == 0.5
    assert ChatRequest([]).user_text == ""


def test_a_response_has_the_text_of_all_its_messages() -> None:
    response = ChatResponse(
        messages=[AssistantMessage("a"), ToolMessage("4", call_id="1"), AssistantMessage("b")],
        metadata={"model": "m", "request_id": "r"},
    )

    assert (response.text, response.message.text) == ("ab", "b")
    assert (response.model, response.request_id) == ("m", "r")
    assert response.with_metadata(k=1).metadata == {"model": "m", "request_id": "r", "k": 1}
    with pytest.raises(TypeError):
        response.metadata["k"] = 1  # type: ignore[index]


def test_another_text_keeps_the_reasoning() -> None:
    response = collect([ReasoningDelta("hm"), TextDelta("a"), TextDelta("b")]).with_text("c")

    assert (response.text, response.reasoning) == ("c", "hm")
    assert ChatResponse.of("x").finish_reason is FinishReason.STOP


# Options


def test_unset_is_not_false() -> None:
    base = ChatOptions(thinking=True, top_p=0.5, stop="END", extra={"a": 1})
    merged = base.merged(ChatOptions(thinking=False, extra={"b": 2}))

    assert (merged.thinking, merged.top_p, merged.stop) == (False, 0.5, ("END",))
    assert merged.extra == {"a": 1, "b": 2}
    assert base.merged(None) is base


def test_options_show_what_is_set() -> None:
    assert repr(ChatOptions()) == "ChatOptions()"
    shown = repr(ChatOptions(thinking=False, top_p=0.5, extra={"a": 1}))
    assert shown == "ChatOptions(top_p=0.5, thinking=False, extra={'a': 1})"


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(
        TypeError, match="'temprature' is not an option: did you mean 'temperature'"
    ):
        ChatOptions.of(temprature=1)
    with pytest.raises(TypeError, match="pass it as extra"):
        ChatOptions().with_(qqqq=1)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"temperature": 3}, ValueError),
        ({"temperature": "1"}, TypeError),
        ({"top_p": True}, TypeError),
        ({"max_tokens": 0}, ValueError),
        ({"max_tokens": 1.5}, TypeError),
        ({"seed": -1}, ValueError),
        ({"presence_penalty": -3}, ValueError),
    ],
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        ChatOptions(**options)


def test_a_providers_own_options_survive_plain_ones() -> None:
    from attrs import frozen

    @frozen(kw_only=True)
    class Own(ChatOptions):
        search: bool | None = None

    for merged in (
        Own(search=True).merged(ChatOptions(top_p=0.5)),
        ChatOptions(top_p=0.5).merged(Own(search=True)),
    ):
        assert merged == Own(search=True, top_p=0.5)


# Usage


def test_usage_that_nobody_knows_is_none_and_never_zero() -> None:
    total = Usage(input_tokens=1) + Usage(input_tokens=2, output_tokens=3, estimated=True)

    assert total == Usage(input_tokens=3, output_tokens=3, estimated=True)
    assert (Usage() + Usage()).total_tokens is None
    assert evolve(total, estimated=False).input_tokens == 3


# Secrets


def test_a_secret_is_masked_wherever_it_might_be_shown() -> None:
    secret = Secret("sk-0123456789abcdef3f9a")

    assert secret.reveal() == "sk-0123456789abcdef3f9a"
    for shown in (repr(secret), str(secret), f"{secret}", repr([secret]), repr(vars_of(secret))):
        assert "0123" not in shown
    assert repr(secret) == "Secret(sk-…3f9a)"
    assert repr(Secret("short")) == "Secret(…)"


def vars_of(thing: object) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in dir(thing) if not name.startswith("__")}


def test_a_secret_cannot_be_pickled_and_compares_by_its_text() -> None:
    secret = Secret("a" * 20)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)

    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    assert secret == Secret("a" * 20) != Secret("b" * 20)
    assert len({secret, Secret("a" * 20)}) == 1


# Errors

ERRORS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value)
    and issubclass(value, ChatError)
    and not value.__name__.startswith("_")
]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    tree = errors.__doc__.split("::")[1].split("Bad arguments")[0]
    drawn = {word for word in re.findall(r"\w+", tree) if word.endswith("Error")}

    assert {error.__name__ for error in ERRORS} <= drawn


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
def test_every_error_needs_no_argument_and_can_be_copied(error: type[ChatError]) -> None:
    made = error("what")

    assert str(made) == str(copy.copy(made)) == "what"
    assert str(pickle.loads(pickle.dumps(made))) == "what"
    assert str(error()) == ""


def test_errors_are_what_the_standard_library_calls_them() -> None:
    assert issubclass(ChatConnectionError, ConnectionError)
    assert issubclass(ChatTimeoutError, TimeoutError)
    assert issubclass(InterruptedStreamError, OSError)
    assert RateLimitedError().retryable
    assert not ProviderError().retryable
    assert ProviderError(retryable=True).retryable


@given(st.text(max_size=3000), st.integers(1, 600))
def test_error_text_is_one_short_line_without_control_characters(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)

    assert len(cleaned) <= limit
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in cleaned)
    assert len(str(ChatError(text))) <= 500
