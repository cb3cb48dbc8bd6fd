"""What a guard lets in and out, and what happens when it does not."""

from __future__ import annotations

import logging
from typing import Any, get_args

import pytest

from junto.advisors import (
    Block,
    GuardAdvisor,
    GuardBlockedError,
    MemoryAdvisor,
    ReasoningAdvisor,
    Replace,
    SafeGuardAdvisor,
    Verdict,
    window,
)
from junto.advisors.guard.mode import Mode, OnBlock
from junto.core import (
    AdvisorContractError,
    AssistantMessage,
    ChatClient,
    ChatResponse,
    Choice,
    CustomEvent,
    Event,
    Finish,
    FinishReason,
    ImagePart,
    ReasoningDelta,
    ReasoningPart,
    Restart,
    Source,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    ToolMessage,
    ToolResult,
    Usage,
    UsageUpdate,
    UserMessage,
)
from junto.core.testing import ScriptedModel, Step

NO = "I cannot answer that."
MODES: list[Mode] = ["buffer", window(8), window(8, every=3), "observe"]
every_mode = pytest.mark.parametrize("mode", MODES, ids=repr)
blocking_mode = pytest.mark.parametrize("mode", MODES[:3], ids=repr)


def check(text: str) -> Verdict:
    if "secret" in text:
        return Block("the rule")
    return Replace(text.replace("4711", "####")) if "4711" in text else None


async def later(text: str) -> Verdict:
    return check(text)


async def ask(guard: GuardAdvisor, script: Any, prompt: Any = "?") -> tuple[str, ChatResponse]:
    model = ScriptedModel(script)
    async with ChatClient(model, advisors=[guard]).stream(prompt) as stream:
        shown = "".join([piece async for piece in stream.text()])
        response = await stream.response()
    assert model.open_streams == 0
    return shown, response


@every_mode
async def test_what_is_fine_passes_as_it_is(mode: Mode) -> None:
    events: list[Event] = [
        Source("https://example.org"),
        ReasoningDelta("so", shown="<think>so", signature="x"),
        ReasoningDelta("", shown="</think>"),
        TextDelta("Good"),
        CustomEvent("mine", 1),
        TextDelta(" morning"),
        ToolCallDelta(0, "1", "look", "{}"),
        ToolResult("1", "look", "found"),
        TextDelta("!"),
        UsageUpdate(Usage(output_tokens=3)),
        Finish(FinishReason.LENGTH, {"request_id": "r"}),
    ]
    plain = await ChatClient(ScriptedModel(events)).call("?")

    shown, response = await ask(GuardAdvisor(check, mode), events)

    assert (shown, response) == (plain.display_text, plain)


@blocking_mode
@pytest.mark.parametrize("kind", [check, later])
async def test_a_blocked_question_is_not_asked(mode: Mode, kind: Any) -> None:
    model = ScriptedModel("never")
    client = ChatClient(model, advisors=[GuardAdvisor(kind, mode)])

    response = await client.call("the secret?")

    assert model.requests == []
    assert (response.text, response.finish_reason) == (NO, FinishReason.CONTENT_FILTER)
    assert response.metadata == {
        "guard": "guard",
        "guard_where": "input",
        "guard_action": "blocked",
        "guard_reason": "the rule",
        "short_circuited_by": "guard",
    }


@pytest.mark.parametrize(
    "message", [UserMessage("secret"), ToolMessage("secret", call_id="1")], ids=["user", "tool"]
)
async def test_every_message_from_outside_is_checked(message: Any) -> None:
    request = [message, AssistantMessage("so"), UserMessage("and?")]

    _, response = await ask(GuardAdvisor(check), "fine", request)

    assert response.text == NO


async def test_the_applications_own_messages_are_not_checked() -> None:
    request = [SystemMessage("never say secret"), AssistantMessage("secret"), UserMessage("hi")]

    _, response = await ask(GuardAdvisor(check), "fine", request)

    assert response.text == "fine"


async def test_a_replaced_question_keeps_its_media() -> None:
    image = ImagePart(url="https://example.org/i.png")
    model = ScriptedModel("fine")
    client = ChatClient(model, advisors=[GuardAdvisor(check)])

    await client.call(UserMessage(["my pin is ", image, "4711"]))

    assert model.requests[0].messages == (UserMessage(["my pin is ####", image]),)


@blocking_mode
@pytest.mark.parametrize("kind", [check, later])
@pytest.mark.parametrize("reason", [True, False])
async def test_a_blocked_answer_becomes_a_refusal(mode: Mode, kind: Any, reason: bool) -> None:
    delta = ReasoningDelta if reason else TextDelta
    script = [delta("This is the sec"), delta("ret of it"), TextDelta("..."), Source("s")]

    shown, response = await ask(GuardAdvisor(kind, mode), script)

    assert "secret" not in shown
    assert response.messages == (AssistantMessage(NO),)
    assert (response.sources, response.finish_reason) == ((), FinishReason.CONTENT_FILTER)
    assert response.metadata["guard_where"] == ("reasoning" if reason else "text")


async def test_the_model_is_closed_before_the_refusal_goes_out() -> None:
    model = ScriptedModel([TextDelta("a secret"), TextDelta(" more"), TextDelta("and more")])
    client = ChatClient(model, advisors=[SafeGuardAdvisor(["secret"])])

    async with client.stream("?") as stream:
        async for event in stream:
            if event == TextDelta(NO):
                assert model.open_streams == 0
        assert (await stream.response()).text == NO
    assert model.requests


async def test_what_was_shown_is_void_and_the_reader_is_told() -> None:
    guard = GuardAdvisor(check, window(8))
    async with ChatClient(ScriptedModel("Well, the secret is"), advisors=[guard]).stream("?") as s:
        events = [event async for event in s]

    assert "".join(e.text for e in events[:-3] if isinstance(e, TextDelta)) == "Well, t"
    assert events[-3:-1] == [Restart("blocked by guard"), TextDelta(NO)]
    assert isinstance(events[-1], Finish)


async def test_stop_leaves_what_was_shown_and_ends_there() -> None:
    guard = GuardAdvisor(check, window(8), on_block="stop")

    shown, response = await ask(guard, "Well, the secret is")

    assert shown == response.text == "Well, t"
    assert response.finish_reason is FinishReason.CONTENT_FILTER


async def test_stop_refuses_where_no_text_was_shown() -> None:
    guard = GuardAdvisor(check, window(2), on_block="stop")

    _, response = await ask(guard, [ReasoningDelta("I think, secret"), TextDelta("never")])

    assert response.messages == (AssistantMessage(NO),)


@blocking_mode
@pytest.mark.parametrize("where", ["input", "text", "reasoning"])
async def test_raise_raises_and_says_where_and_why_but_not_what(mode: Mode, where: str) -> None:
    delta = ReasoningDelta if where == "reasoning" else TextDelta
    model = ScriptedModel([delta("the secret"), TextDelta("more")])
    guard = GuardAdvisor(check, mode, on_block="raise")

    with pytest.raises(GuardBlockedError) as caught:
        await ChatClient(model, advisors=[guard]).call("secret?" if where == "input" else "?")

    error = caught.value
    assert (error.advisor, error.where, error.reason) == ("guard", where, "the rule")
    assert "secret" not in str(error)
    assert model.open_streams == 0


@blocking_mode
@pytest.mark.parametrize("kind", [check, later])
async def test_a_replaced_answer_is_what_everybody_gets(mode: Mode, kind: Any) -> None:
    memory = MemoryAdvisor()
    model = ScriptedModel([TextDelta("It is 47"), TextDelta("11, "), TextDelta("you know.")])
    client = ChatClient(model, advisors=[GuardAdvisor(kind, mode), memory])

    response = await client.call("?", conversation_id="c")

    assert response.text == "It is ####, you know."
    [turn] = await memory.store.load("c", 1)
    assert turn.messages[-1] == AssistantMessage("It is ####, you know.")


@blocking_mode
async def test_a_replaced_thought_is_printed_as_the_old_one_and_loses_its_seal(mode: Mode) -> None:
    thought = ReasoningDelta("hm 4711 < or so", signature="seal")
    client = ChatClient(
        ScriptedModel([thought, TextDelta("ok")]),
        advisors=[GuardAdvisor(check, mode), ReasoningAdvisor()],
    )

    response = await client.call("?")

    assert response.display_text == "<think>hm #### < or so</think>ok"
    parts = [part for part in response.message.parts if isinstance(part, ReasoningPart)]
    assert [part.signature for part in parts] == [None]


async def test_a_replacement_reaches_across_tool_rounds_in_a_buffer() -> None:
    script: list[Step] = [
        TextDelta("47"),
        ToolCallDelta(0, "1", "look", "{}"),
        ToolResult("1", "look", "found"),
        TextDelta("11"),
    ]

    _, response = await ask(GuardAdvisor(check), script)

    assert response.text == "####"
    assert [type(message) for message in response.messages] == [
        AssistantMessage,
        ToolMessage,
        AssistantMessage,
    ]


async def test_what_would_change_what_has_left_is_blocked() -> None:
    def forgetful(text: str) -> Verdict:
        return Replace("x") if text.endswith("!") else None

    _, response = await ask(GuardAdvisor(forgetful, window(2)), "one two three!")

    assert response.text == NO
    assert response.metadata["guard_reason"] == "what was to be replaced is longer than the window"


async def test_a_passage_is_found_across_thoughts_and_tools() -> None:
    script: list[Step] = [
        TextDelta("sec"),
        ReasoningDelta("hm"),
        ToolCallDelta(0, "1", "look", "{}"),
        TextDelta("ret"),
    ]

    shown, response = await ask(SafeGuardAdvisor(["secret"]), script)

    assert (shown, response.text) == (NO, NO)


@pytest.mark.parametrize("mode", ["buffer", window(200)], ids=repr)
async def test_memory_never_holds_what_was_blocked(mode: Mode) -> None:
    memory = MemoryAdvisor()
    client = ChatClient(
        ScriptedModel("Here is a secret"),
        advisors=[SafeGuardAdvisor(["secret"], mode=mode), memory],
    )

    await client.call("tell me the secret", conversation_id="c")
    assert not await memory.store.load("c", 9)
    await client.call("?", conversation_id="c")

    turns = await memory.store.load("c", 9)
    assert [turn.messages for turn in turns] == [(UserMessage("?"), AssistantMessage(NO))]


async def test_memory_holds_the_refusal_also_of_an_answer_that_was_stopped() -> None:
    memory = MemoryAdvisor()
    model = ScriptedModel("The secret is out, and so on.")

    await ChatClient(model, advisors=[SafeGuardAdvisor(["secret"]), memory]).call(
        "?", conversation_id="c"
    )

    [turn] = await memory.store.load("c", 9)
    assert turn.messages == (UserMessage("?"), AssistantMessage(NO))


async def test_a_restart_from_further_in_begins_anew() -> None:
    script = [TextDelta("sec"), Restart("again"), TextDelta("ret and so on")]

    shown, response = await ask(SafeGuardAdvisor(["secret"]), script)

    assert shown == response.text == "ret and so on"


@pytest.mark.parametrize("sides", ["input", "output"])
async def test_one_side_alone(sides: Any) -> None:
    guard = SafeGuardAdvisor(["secret"], sides=sides)

    _, response = await ask(guard, "the secret", "the secret?")
    _, other = await ask(guard, "fine" if sides == "output" else "the secret", "?")

    assert response.metadata["guard_where"] == ("input" if sides == "input" else "text")
    assert other.text == ("fine" if sides == "output" else "the secret")


async def test_observe_lets_all_pass_and_reports(caplog: pytest.LogCaptureFixture) -> None:
    guard = GuardAdvisor(check, "observe")

    shown, response = await ask(guard, "the secret", "a secret?")

    assert shown == response.text == "the secret"
    assert response.metadata["guard_where"] == "input"
    told = [vars(record)["junto"] for record in caplog.records]
    assert [(t["where"], t["action"], t["reason"]) for t in told] == [
        ("input", "observed", "the rule"),
        ("text", "observed", "the rule"),
    ]
    assert "secret" not in caplog.text


async def test_observe_reports_what_was_left_early_too(caplog: pytest.LogCaptureFixture) -> None:
    model = ScriptedModel("the secret is")

    async with ChatClient(model, advisors=[GuardAdvisor(check, "observe")]).stream("?") as stream:
        async for event in stream:
            if event == TextDelta(" secret"):
                break

    assert [vars(record)["junto"]["where"] for record in caplog.records] == ["text"]


async def test_a_check_that_fails_fails_the_run_but_not_where_it_only_observes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(text: str) -> Verdict:
        raise OSError(text)

    for mode in MODES[:3]:
        with pytest.raises(OSError, match="f"):
            await ask(GuardAdvisor(broken, mode, sides="output"), [TextDelta("fine and so")])
    _, response = await ask(GuardAdvisor(broken, "observe"), "fine")

    assert response.text == "fine"
    assert {record.message.split()[0] for record in caplog.records} == {"guard.check_failed"}


@every_mode
async def test_a_check_that_gives_no_verdict_is_told(mode: Mode) -> None:
    guard = GuardAdvisor(lambda text: True, mode)  # type: ignore[arg-type, return-value]  # the mistake

    if mode == "observe":
        assert (await ask(guard, "fine"))[1].text == "fine"
    else:
        with pytest.raises(AdvisorContractError, match="returned bool; it returns None"):
            await ask(guard, "fine")


async def test_words_and_a_check_work_together() -> None:
    guard = SafeGuardAdvisor(["word"], check, mode=window(20))

    for text in ("a word", "a secret"):
        assert (await ask(guard, text))[1].text == NO
    assert (await ask(guard, "it is 4711, so"))[1].text == "it is ####, so"


async def test_the_line_in_the_log_has_the_runs_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="junto.guard")
    stream = ChatClient(ScriptedModel("secret"), advisors=[GuardAdvisor(check)]).stream("?")

    await stream.response()

    [record] = caplog.records
    assert vars(record)["junto"]["run_id"] == stream.context.run_id


@pytest.mark.parametrize("mode", ["buffer", window(20)])
@pytest.mark.parametrize("side", ["input", "text", "reasoning"])
async def test_a_word_that_a_check_makes_by_replacing_is_blocked(mode: Mode, side: str) -> None:
    def plain(text: str) -> Verdict:
        return Replace(text.replace("**", ""))

    guard = SafeGuardAdvisor(["falcon"], plain, mode=mode)
    delta = ReasoningDelta if side == "reasoning" else TextDelta
    model = ScriptedModel(delta("all is well" if side == "input" else "a fal**con** flies"))
    question = "a fal**con**?" if side == "input" else "?"

    response = await ChatClient(model, advisors=[guard]).call(question)

    assert (response.text, response.reasoning) == (guard.refusal, "")
    assert response.metadata["guard_where"] == side


def test_the_bound_is_in_the_repr() -> None:
    words = ["one", "two", "three"]

    assert repr(SafeGuardAdvisor(words)) == (
        "SafeGuardAdvisor(3 words, mode=window(200): at most 0 characters of a passage up to "
        "200 leak, of one up to 2200 at most its length - 200, of a longer one all)"
    )
    assert repr(GuardAdvisor(check)) == "GuardAdvisor(check, mode='buffer': nothing leaks)"
    assert repr(SafeGuardAdvisor(["one"], check, mode="observe")) == (
        "SafeGuardAdvisor(1 word and check, mode='observe': everything passes, and is reported)"
    )
    assert "not checked" in repr(GuardAdvisor(check, sides="input"))


def test_what_a_guard_is_stands_in_the_explanation() -> None:
    client = ChatClient(ScriptedModel(""), advisors=[SafeGuardAdvisor(["x"])])

    [one] = client.explain().advisors

    assert (one.role, one.holds, one.buffered, one.phase) == ("guard", 200, False, "GUARD")
    assert GuardAdvisor(check).buffered
    assert not GuardAdvisor(check, sides="input").buffered


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"check": "secret"}, TypeError, "function"),
        ({"mode": 200}, TypeError, "window.n."),
        ({"mode": "windows"}, ValueError, "window.n."),
        ({"sides": "in"}, ValueError, "both, input, output"),
        ({"on_block": "die"}, ValueError, "refuse, stop, raise"),
        ({"refusal": ""}, ValueError, "empty"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    arguments: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        GuardAdvisor(**{"check": check, **arguments})


def test_a_safe_guard_needs_something_to_guard_against() -> None:
    with pytest.raises(ValueError, match="no word"):
        SafeGuardAdvisor()


@pytest.mark.parametrize("on_block", get_args(OnBlock))
async def test_an_input_guard_leaves_the_answer_alone(on_block: OnBlock) -> None:
    guard = GuardAdvisor(check, window(3), sides="input", on_block=on_block)

    assert (await ask(guard, "secret"))[0] == "secret"


THOUGHTS: list[tuple[list[Event], str]] = [
    ([ReasoningDelta("a cab"), TextDelta("x")], "<think>a [..]</think>x"),
    (
        [ReasoningDelta("a cab"), TextDelta("x"), ReasoningDelta("b"), TextDelta("y")],
        "<think>a [..]b</think>xy",
    ),
    ([ReasoningDelta("see </think> cab"), TextDelta("x")], "<think>see <\\/think> [..]</think>x"),
    ([ReasoningDelta("cab"), TextDelta("x")], "<think>[..]</think>x"),
]


@pytest.mark.parametrize(("script", "shown"), THOUGHTS)
async def test_a_thought_that_a_buffering_guard_replaced_is_one_well_formed_block(
    script: list[Event], shown: str
) -> None:
    def check(text: str) -> Verdict:
        return Replace(text.replace("cab", "[..]"))

    client = ChatClient(
        ScriptedModel([*script]), advisors=[ReasoningAdvisor(), GuardAdvisor(check, "buffer")]
    )

    assert (await client.call("?")).display_text == shown


async def test_a_thought_of_which_nothing_is_left_is_not_printed() -> None:
    def check(text: str) -> Verdict:
        return Replace(text.replace("cab", ""))

    client = ChatClient(
        ScriptedModel([ReasoningDelta("cab"), TextDelta("x")]),
        advisors=[ReasoningAdvisor(), GuardAdvisor(check, "buffer")],
    )

    assert (await client.call("?")).display_text == "x"


CHOICES = (Choice(index=1, message=AssistantMessage("another secret")),)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("all is well", {"logprobs"}), ("the secret", set()), ("dial 4711", set())],
    ids=["passed", "blocked", "replaced"],
)
@blocking_mode
async def test_what_no_check_has_seen_does_not_leave_beside_the_answer(
    mode: Mode, text: str, kept: set[str]
) -> None:
    aside = {"choices": CHOICES, "logprobs": [{"token": text}], "tool_info": [text]}
    model = ScriptedModel([TextDelta(text), Finish(FinishReason.STOP, aside)])
    client = ChatClient(model, advisors=[GuardAdvisor(check, mode=mode, refusal=NO)])
    for ask in (client.call, lambda q: client.stream(q).response()):
        response = await ask("hi")

        assert response.metadata.keys() & {"choices", "logprobs"} == kept
        assert ("tool_info" in response.metadata) is bool(kept)
        assert [choice.index for choice in response.choices] == [0]
