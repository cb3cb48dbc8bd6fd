"""What authors write, with a base and without.  Checked by `make types`, never run."""

from collections.abc import AsyncIterator
from typing import assert_type

from junto.advisors import MemoryAdvisor
from junto.core import (
    Advisor,
    AdvisorLike,
    ChatClient,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Event,
    EventHook,
    EventStream,
    Finish,
    FinishReason,
    ModelStream,
    Next,
    Observation,
    Observer,
    Outcome,
    RunContext,
    SupportsAfter,
    SupportsAround,
    SupportsBefore,
    SupportsHook,
    SupportsObserver,
    SupportsOnClose,
    SupportsOnEvent,
    SupportsOpen,
    TextDelta,
    advisor,
    place,
)
from junto.core.memory import ConversationKey, KeyLike, MemoryStore, Turn, check_key


class Before:
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request.with_system("Be brief.")


class Answers:
    def before(self, asked: ChatRequest, run: RunContext) -> ChatRequest | ChatResponse:
        return ChatResponse.of("Hello!") if asked.user_text == "Hello" else asked


class Around:
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        assert_type(next(request), EventStream)
        async for event in next(request):
            assert_type(event, Event)
            yield event


class OnEvent:
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return event


class Open:
    def open(self, ctx: RunContext) -> EventHook:
        return OnEvent().on_event

    def observer(self, ctx: RunContext) -> Observer | None:
        def observe(observation: Observation) -> None:
            assert_type(observation.advisor, str)

        return observe


class After:
    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return response.with_metadata(seen=True)


class OnClose:
    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        assert_type(outcome.response, ChatResponse)


class WithTheBase(Advisor):
    name = "with-the-base"
    order = 100
    runs_before = ("memory",)

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return response


async def steers(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
    async for event in next(request):
        yield event


@advisor(name="decorated", order=500)
async def decorated(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
    async for event in next(request):
        yield event


@advisor.on_event
def one_hook(event: Event, ctx: RunContext) -> Event:
    return event


class Structural:
    provider = "structural"

    def __init__(self, model: str) -> None:
        self.model = model

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield TextDelta(request.user_text)
        yield Finish(FinishReason.STOP)

    async def aclose(self) -> None: ...


class Batches(ChatModel):
    provider = "batches"

    def __init__(self) -> None:
        self.model = "one"

    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        yield [TextDelta(request.user_text), Finish(FinishReason.STOP)]


class Store:
    def __init__(self) -> None:
        self.rows: list[tuple[ConversationKey, Turn]] = []

    async def load(self, key: KeyLike, limit: int) -> list[Turn]:
        wanted = check_key(key)
        return [turn for owner, turn in self.rows if owner == wanted][-limit:]

    async def append(self, key: KeyLike, turn: Turn) -> None:
        self.rows.append((check_key(key), turn))

    async def clear(self, key: KeyLike) -> None:
        self.rows.clear()

    async def conversations(self, tenant: str = "") -> tuple[str, ...]:
        return tuple({key.conversation for key, _ in self.rows if key.tenant == tenant})


def each_hook_has_a_protocol() -> None:
    """One of them is enough to be an advisor."""
    before: list[SupportsBefore] = [Before(), Answers(), WithTheBase()]
    around: SupportsAround = Around()
    open_: SupportsOpen = Open()
    observers: list[SupportsObserver] = [Open(), WithTheBase()]
    on_event: SupportsOnEvent = OnEvent()
    after: SupportsAfter = After()
    on_close: SupportsOnClose = OnClose()
    hooks: list[SupportsHook] = [*before, around, open_, on_event, after, on_close]
    given: list[AdvisorLike] = [*hooks, steers, decorated, one_hook, "memory", WithTheBase()]
    placed = [place("memory", order=7), place(Before(), before="memory"), place(steers)]

    assert_type(decorated, Advisor)
    assert_type(one_hook, Advisor)
    assert len(observers) == 2
    client = ChatClient(Structural("a"), advisors=[*given, *placed])
    client.mutate(advisors=given, without=given).explain(advisors=given, without=given)
    client.prompt().advisors(*given).without(*given)
    client.stream("Why?", advisors=given, without=given)


def each_role_has_a_protocol() -> None:
    """A model and a store need no base, and a model may have one."""
    models: list[ChatModel] = [Structural("a"), Batches()]
    store: MemoryStore = Store()

    MemoryAdvisor(store)
    for model in models:
        assert_type(model.stream(ChatRequest("Hello")), ModelStream)
