"""A name, a function or an instance: whatever a client can ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    ChatClient,
    ChatError,
    ChatRequest,
    Event,
    PluginError,
    SyncChatClient,
    TextDelta,
)
from junto.core.testing import ScriptedModel

from .conftest import Installed


async def parrot(request: ChatRequest) -> AsyncIterator[Event]:
    yield TextDelta(request.user_text)


async def test_a_name_makes_the_model() -> None:
    async with ChatClient("scripted:Hello there") as client:
        assert isinstance(client.model, ScriptedModel)
        assert (await client.call("?")).text == "Hello there"


@pytest.mark.parametrize("text", ["a: b", "Why? Because", "a?b", "a?=b", "what?1=2"])
async def test_colons_and_question_marks_may_be_part_of_a_models_name(text: str) -> None:
    assert (await ChatClient(f"scripted:{text}").call("?")).text == text


def test_parameters_stand_behind_the_model_or_the_provider() -> None:
    both: Any = ChatClient("dashscope:qwen-plus?region=intl&strict=true").model
    one: Any = ChatClient("dashscope?region=intl").model

    assert (both.model, both.base_url) == ("qwen-plus", one.base_url)
    assert "intl" in one.base_url
    assert one.model == "qwq-plus"


async def test_a_function_is_a_model() -> None:
    client = ChatClient(parrot)

    assert (await client.call("Polly")).text == "Polly"
    assert (client.model.provider, client.model.model) == ("function", "parrot")
    assert str(client.explain()).endswith("model function:parrot")
    assert client.mutate(model=parrot).model.model == "parrot"


def test_a_function_is_a_model_of_the_synchronous_client_too() -> None:
    with SyncChatClient(parrot) as client:
        assert client.call("Polly").text == "Polly"


async def no_stream(request: ChatRequest) -> str:
    return "text"


def no_argument() -> None: ...


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (no_stream, "model no_stream has the wrong signature: it is async and has no yield"),
        (no_argument, r"write async def model\(request\), with a yield"),
        (ScriptedModel, "the model is the class ScriptedModel: make an instance of it"),
        (7, "a ChatClient asks a ChatModel, a function or 'provider:model', not 7"),
    ],
)
def test_what_is_no_model_is_refused_with_what_is(model: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        ChatClient(model)


@pytest.mark.parametrize("value", ["zz_made:Model", "zz_made:make", "zz_made:ready", "zz_made:f"])
async def test_an_entry_point_is_a_class_a_factory_a_model_or_a_function(
    installed: Installed, value: str
) -> None:
    installed.distribution("zz-made", {"providers": {"zz": value}})
    installed.module(
        "zz_made",
        """
        from junto.core.testing import ScriptedModel as Model
        from junto.core import TextDelta
        def make(text="made"): return Model(text)
        ready = Model("ready")
        async def f(request): yield TextDelta("function")
        """,
    )
    asked = "zz:x" if value in {"zz_made:Model", "zz_made:make"} else "zz"

    answer = (await ChatClient(asked).call("?")).text

    assert answer == {"zz_made:ready": "ready", "zz_made:f": "function"}.get(value, "x")
    if asked == "zz":
        with pytest.raises(PluginError, match="ready as it is, and takes no parameters"):
            ChatClient("zz:x")


def test_a_provider_that_needs_a_model_says_how(installed: Installed) -> None:
    installed.distribution("zz-more", {"providers": {"zz": "zz_more:Model"}})
    installed.module("zz_more", "class Model:\n    def __init__(self, model): ...")

    with pytest.raises(PluginError, match=r"missing a required argument: 'model' \(try 'zz:…'\)"):
        ChatClient("zz")
    with pytest.raises(PluginError, match="has no parameter 'model'; there are none"):
        ChatClient("zz:small?model=large")


def test_what_the_provider_says_passes_unchanged(installed: Installed) -> None:
    installed.distribution("zz-no", {"providers": {"zz": "zz_no:Model"}})
    installed.module(
        "zz_no",
        """
        from junto.core import ChatError
        def Model(model=""): raise ChatError("no key")
        """,
    )
    with pytest.raises(ChatError, match=r"^no key$") as raised:
        ChatClient("zz")

    assert type(raised.value) is ChatError


class TestOwnership:
    async def test_a_client_closes_the_model_that_it_made_and_no_other(self) -> None:
        mine = Counting("x")
        async with ChatClient(mine):
            pass
        assert mine.closed_times == 0

    async def test_a_mutated_client_does_not_close_what_it_shares(
        self, installed: Installed
    ) -> None:
        announce_counting(installed)
        client = ChatClient("zz", advisors=["zz"])
        other = client.mutate(system="s", advisors=["zz?name=another"])
        advisors: list[Any] = [entry.advisor for entry in other.chain.entries]
        shared, own = advisors

        await other.aclose()
        assert (own.closed_times, shared.closed_times) == (1, 0)
        assert model_of(client).closed_times == 0

        await client.aclose()
        assert (own.closed_times, shared.closed_times) == (1, 1)
        assert model_of(client).closed_times == 1

    async def test_all_are_closed_even_if_one_cannot_be(self, installed: Installed) -> None:
        announce_counting(installed)
        client = ChatClient("zz", advisors=["zz?name=a&fails=yes", "zz?name=b"])

        with pytest.raises(OSError, match="stuck"):
            await client.aclose()

        assert [entry.advisor.closed_times for entry in client.chain.entries] == [1, 1]  # type: ignore[attr-defined]
        assert model_of(client).closed_times == 1


class Counting(ScriptedModel):
    closed_times = 0

    async def aclose(self) -> None:
        self.closed_times += 1


def announce_counting(installed: Installed) -> None:
    groups = {"providers": {"zz": "zz_count:Model"}, "advisors": {"zz": "zz_count:Ad"}}
    installed.distribution("zz-count", groups)
    installed.module(
        "zz_count",
        """
        from junto.core import Advisor
        from junto.core.testing import ScriptedModel
        class Closes:
            closed_times = 0
            fails = False
            async def aclose(self):
                self.closed_times += 1
                if self.fails: raise OSError("stuck")
        class Model(Closes, ScriptedModel): ...
        class Ad(Closes, Advisor):
            def __init__(self, name: str = "counting", fails: bool = False):
                self.name, self.fails = name, fails
            async def before(self, request, ctx): return request
        """,
    )


def model_of(client: ChatClient) -> Any:
    return client.model
