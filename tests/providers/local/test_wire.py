"""What llama.cpp is asked."""

from __future__ import annotations

from typing import Any

import pytest

from junto.core import (
    AssistantMessage,
    ChatOptions,
    ChatRequest,
    ImagePart,
    ReasoningPart,
    RejectedRequestError,
    SystemMessage,
    TextPart,
    Tool,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from junto.providers.local.template import Template, Thinking, read_template
from junto.providers.local.thinking import thinking_grammar
from junto.providers.local.wire import Body, request_body

TOOLS = (Tool("one", "First", {"type": "object"}), Tool("two"))


def body(*messages: Any, template: Template = Template(), **options: Any) -> Body:  # noqa: B008
    request = ChatRequest(messages or "Hi", options=ChatOptions(**options))
    sampling = {"temperature": 0.2, "top_k": 20}
    return request_body(request, model="tiny", template=template, sampling=sampling)


def test_a_system_text_is_always_sent_and_comes_first() -> None:
    assert body().values["messages"] == [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hi"},
    ]
    own = body(UserMessage("Hi"), SystemMessage("Be brief."), SystemMessage("Be kind."))
    assert own.values["messages"][0]["content"] == "Be brief.\n\nBe kind."
    assert len(own.values["messages"]) == 2


def test_options_replace_what_suits_the_model_and_extra_replaces_both() -> None:
    values = body(temperature=0, stop="x", seed=7, max_tokens=9, extra={"min_p": 0.1}).values
    wanted = {"temperature": 0, "top_k": 20, "stop": ["x"], "seed": 7, "max_tokens": 9}
    assert {key: values[key] for key in wanted} == wanted
    assert values["min_p"] == 0.1


@pytest.mark.parametrize("name", ["messages", "stream", "n"])
def test_what_junto_needs_cannot_be_set_by_extra(name: str) -> None:
    made = body(extra={name: 5})
    assert made.values.get(name) != 5
    assert [warning.parameter for warning in made.warnings] == [name]


def test_history_keeps_tool_calls_and_answers_and_leaves_thoughts_out() -> None:
    call = ToolCallPart("c1", "one", '{"a": 1}')
    spoken = AssistantMessage([ReasoningPart("hm"), TextPart("Wait."), call])
    _, _, said, result = body(UserMessage("Go"), spoken, ToolMessage("done", call_id="c1")).values[
        "messages"
    ]

    assert said["content"] == "Wait."
    assert said["tool_calls"][0]["function"] == {"name": "one", "arguments": '{"a": 1}'}
    assert result == {"role": "tool", "content": "done", "tool_call_id": "c1"}


def test_pictures_are_refused_by_name() -> None:
    with pytest.raises(RejectedRequestError, match="remove the image"):
        body(UserMessage([ImagePart(url="http://a/b.png"), "What is it?"]))


def test_another_model_is_refused() -> None:
    with pytest.raises(RejectedRequestError, match="LocalModel"):
        body(model="other")
    assert body(model="tiny").warnings == []


def test_a_format_is_sent_as_it_is_or_by_its_word() -> None:
    assert body(response_format="json_object").values["response_format"] == {"type": "json_object"}
    form = {"type": "json_schema", "json_schema": {}}
    assert body(response_format=form).values["response_format"] == form


def test_a_tool_choice_by_name_offers_that_tool_and_begins_the_call() -> None:
    made = body(tools=TOOLS, tool_choice="two", template=Template(tool_tag=True))

    assert [tool["function"]["name"] for tool in made.values["tools"]] == ["two"]
    assert made.values["tool_choice"] == "required"
    assert made.values["messages"][-1] == {"role": "assistant", "content": "<tool_call>\n"}
    assert made.warnings == []


def test_tools_are_warned_of_where_the_template_has_no_place_for_them() -> None:
    made = body(tools=TOOLS, template=Template(tools=False))

    assert [w.parameter for w in made.warnings] == ["tools"]
    assert made.values["tools"]


def test_a_model_that_cannot_be_held_to_a_tool_is_warned_of() -> None:
    assert [w.parameter for w in body(tools=TOOLS, tool_choice="required").warnings] == [
        "tool_choice"
    ]


def test_a_tool_choice_that_is_not_offered_is_refused() -> None:
    with pytest.raises(RejectedRequestError, match="three"):
        body(tools=TOOLS, tool_choice="three")


def test_thinking_is_off_by_default() -> None:
    made = body()
    assert "grammar" not in made.values
    assert not made.split


@pytest.mark.parametrize(("question", "word"), [("Why?", "step by step"), ("为什么？", "一步一步")])
def test_a_model_is_asked_to_think_in_the_language_of_the_question(
    question: str, word: str
) -> None:
    made = body(UserMessage(question), thinking=True)
    assert word in made.values["messages"][0]["content"]
    assert made.values["grammar"] == thinking_grammar()
    assert made.split


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"tools": TOOLS}, "tools"),
        ({"response_format": "json_object"}, "format"),
        ({"extra": {"grammar": "root ::= [ab]"}}, "grammar"),
    ],
)
def test_a_thought_gives_way_to_what_needs_the_grammar_itself(
    options: dict[str, Any], word: str
) -> None:
    made = body(thinking=True, **options)
    assert [w.parameter for w in made.warnings] == ["thinking"]
    assert word in made.warnings[0].message
    assert not made.split


@pytest.mark.parametrize("think", [True, False, None])
def test_a_model_with_a_switch_is_switched(think: bool | None) -> None:
    made = body(thinking=think, template=Template(Thinking.SWITCH))
    assert made.values["chat_template_kwargs"] == {"enable_thinking": bool(think)}
    assert not made.split


def test_a_model_that_always_thinks_warns_when_it_should_not() -> None:
    made = body(thinking=False, template=Template(Thinking.ALWAYS))
    assert [w.parameter for w in made.warnings] == ["thinking"]


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("{{ m }}", Template(tools=False)),
        ("{{ m }} {{ tools }}", Template()),
        ("{{ tools }}<tool_call>", Template(tool_tag=True)),
        ("{{ tools }}<think>", Template(Thinking.ALWAYS)),
        ("{{ tools }}<think>{% if enable_thinking %}", Template(Thinking.SWITCH)),
    ],
)
def test_the_template_inside_a_file_tells_how_the_model_thinks(
    tmp_path: Any, text: str, template: Template
) -> None:
    key = b"tokenizer.chat_template"
    value = (8).to_bytes(4, "little") + len(text).to_bytes(8, "little") + text.encode()
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + bytes(20) + key + value + b"enable_thinking elsewhere")
    assert read_template(path) == template


@pytest.mark.parametrize("budget", [2, 3, 59, 60, 200, 299, 300, 5000])
def test_a_thought_never_has_more_characters_than_its_budget_has_tokens(budget: int) -> None:
    grammar = thinking_grammar(budget)
    lines = 1 + int(grammar.split("{0,")[1].split("}")[0])
    line = 2 + int(grammar.split("{0,")[2].split("}")[0])  # a first one, more, and its end
    assert lines * line + lines - 1 <= budget
