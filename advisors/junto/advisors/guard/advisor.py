"""The guard: what may be asked, and what may be answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from operator import is_

from attrs import evolve

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    ContextKey,
    Event,
    Finish,
    FinishReason,
    Logger,
    Message,
    Next,
    Outcome,
    Phase,
    Restart,
    RunContext,
    TextDelta,
    ToolMessage,
    UsageUpdate,
    UserMessage,
    get_logger,
)

from .held import Held
from .mode import Mode, OnBlock, Sides, Window, bound_of, check_mode, check_word
from .rewrite import checked, refused, replaced, rewritten
from .verdict import Block, Check, GuardBlockedError, Verdict, judged

__all__ = ["GuardAdvisor"]

log: Logger = get_logger("junto.guard")

_SIDES = ("reasoning", "text")


class GuardAdvisor(Advisor):
    """Asks a check whether a question may go in, and whether an answer may come out.

    A question is checked before anything further in runs: each user and tool message of
    the request.  A blocked one is never asked, and no advisor further in stores it.

    An answer is checked as ``mode`` says, its text and its reasoning each for itself:

    - ``"buffer"``: as a whole, and nothing leaves before that.
    - ``window(n)``: as it comes.  The last ``n`` characters are held back, so of a
      passage of at most ``n`` characters nothing leaves; for longer ones see
      :class:`~junto.advisors.Window`.  Once something is blocked the model is closed.
    - ``"observe"``: as a whole when it ends, in whatever way.  Everything passes; what was
      found is logged as ``guard.found`` and said in the metadata.

    A blocked answer has the finish reason ``content_filter`` and the metadata ``guard``,
    ``guard_where``, ``guard_action`` and ``guard_reason``.  Memory never gets it.

    Tool calls and their arguments, sources and custom events pass unchecked, and in their
    order: what comes behind held text waits with it.  A thought is held until text follows.

    Args:
        check: From a text to ``None`` (it may pass), ``Block(reason)`` or
            ``Replace(text)``; may be ``async``.  In a window it is asked after each
            character about the text so far.  If it raises, the run fails.
        mode: ``window(n)``, ``"buffer"`` or ``"observe"``.
        sides: ``"input"``, ``"output"`` or ``"both"``.
        on_block: ``"refuse"`` voids what was shown with a :class:`~junto.core.Restart` and
            answers with ``refusal``; ``"stop"`` leaves what was shown and ends there, but
            refuses where no text was shown; ``"raise"`` raises
            :class:`~junto.advisors.GuardBlockedError`.
        refusal: What is answered instead.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain.

    Raises:
        TypeError: For a check that cannot be called, or another mode.
        ValueError: For an unknown word, or an empty refusal.
    """

    role = "guard"

    def __init__(
        self,
        check: Check,
        mode: Mode = "buffer",
        *,
        sides: Sides = "both",
        on_block: OnBlock = "refuse",
        refusal: str = "I cannot answer that.",
        name: str = "guard",
        order: int = Phase.GUARD,
    ) -> None:
        if not callable(check):
            msg = f"a check is a function from a text to a verdict, not {check!r}"
            raise TypeError(msg)
        check_mode(mode)
        check_word("sides", sides, Sides)
        check_word("on_block", on_block, OnBlock)
        if not refusal:
            msg = "a refusal is not empty"
            raise ValueError(msg)
        self.checks: tuple[Check, ...] = (check,)
        self.mode: Mode = mode
        self.sides: Sides = sides
        self.on_block: OnBlock = on_block
        self.refusal = refusal
        self.name = name
        self.order = order
        output = sides != "input"
        self.buffered: bool = output and mode == "buffer"
        self.holds: int = mode.holds if output and isinstance(mode, Window) else 0
        self._found = ContextKey[dict[str, str]](f"{name}.found")

    @property
    def bound(self) -> str:
        """In words, what can leave before a verdict on the answer."""
        return bound_of(self.mode) if self.sides != "input" else "the answer is not checked"

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest | ChatResponse:
        """Check the question."""
        if self.sides == "output":
            return request
        messages: list[Message] = []
        for message in request.messages:
            messages.append(message)
            if not isinstance(message, UserMessage | ToolMessage) or not message.text:
                continue
            verdict = await self._judged(message.text, ctx)
            if verdict is None:
                continue
            if self.mode == "observe":
                ctx[self._found] = self._tell(ctx, "input", "observed", verdict)
                return request
            if isinstance(verdict, Block):
                found = self._blocked(ctx, "input", verdict)
                response = ChatResponse.of(self.refusal, finish_reason=FinishReason.CONTENT_FILTER)
                return response.with_metadata(**found)
            self._tell(ctx, "input", "replaced")
            messages[-1] = rewritten(message, verdict.text)
        unchanged = all(map(is_, messages, request.messages))
        return request if unchanged else request.with_messages(messages)

    def around(self, request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
        """Hold the answer back, in a window."""
        if isinstance(self.mode, Window) and self.sides != "input":
            return self._windowed(self.mode, request, next, ctx)
        return next(request)

    async def _windowed(
        self, mode: Window, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        stream = next(request)
        held, spoken = Held(self.name, self.checks, mode), False
        async for event in stream:
            match event:
                case UsageUpdate() | Restart():
                    if isinstance(event, Restart):
                        held, spoken = Held(self.name, self.checks, mode), False
                    yield event
                    continue
                case Finish():
                    blocked = await held.end()
                case _:
                    blocked = await held.take(event)
            for ready in held.ready():
                spoken = spoken or (isinstance(ready, TextDelta) and bool(ready.text))
                yield ready
            if blocked is not None:
                await stream.aclose()
                found = self._blocked(ctx, *blocked)
                if self.on_block == "refuse" or not spoken:
                    yield Restart(f"blocked by {self.name}")
                    yield TextDelta(self.refusal)
                if isinstance(event, Finish):
                    found = checked(event.metadata, changed=True) | found
                yield Finish(FinishReason.CONTENT_FILTER, found)
                return
            if isinstance(event, Finish):
                for where in held.replaced:
                    self._tell(ctx, where, "replaced")
                known = checked(event.metadata, changed=bool(held.replaced))
                yield event if known == event.metadata else Finish(event.reason, known)

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        """Check the whole answer, in the modes that do."""
        if self.mode == "observe":
            found = await self._observed(response, ctx)
            return response.with_metadata(**found) if found else response
        if not self.buffered:
            return response
        for where in _SIDES:
            text: str = getattr(response, where)
            verdict = await self._judged(text, ctx) if text else None
            if isinstance(verdict, Block):
                found = self._blocked(ctx, where, verdict)
                return refused(response, self.refusal).with_metadata(**found)
            if verdict is not None:
                self._tell(ctx, where, "replaced")
                response = replaced(response, where, verdict.text)
        if "choices" in response.metadata:
            return evolve(response, metadata=checked(response.metadata, changed=False))
        return response

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Observe also what did not finish."""
        if self.mode == "observe" and not outcome.ok:
            await self._observed(outcome.response, ctx)

    async def _observed(self, response: ChatResponse, ctx: RunContext) -> dict[str, str] | None:
        """Report what is found; the first of it."""
        first = ctx.get(self._found)
        for where in () if self.sides == "input" else _SIDES:
            text: str = getattr(response, where)
            verdict = await self._judged(text, ctx) if text else None
            if verdict is not None:
                found = self._tell(ctx, where, "observed", verdict)
                first = first or found
        return first

    async def _judged(self, text: str, ctx: RunContext) -> Verdict:
        try:
            return await judged(self.name, self.checks, text)
        except Exception as error:
            if self.mode != "observe":
                raise
            # Who only watches harms no run.
            kind = type(error).__name__
            log.warning("guard.check_failed", advisor=self.name, error=kind, run_id=ctx.run_id)
            return None

    def _blocked(self, ctx: RunContext, where: str, verdict: Block) -> dict[str, str]:
        """Report a block; raise, if that is the policy."""
        found = self._tell(ctx, where, "blocked", verdict)
        if self.on_block == "raise":
            why = f": {verdict.reason}" if verdict.reason else ""
            msg = f"guard {self.name!r} blocked the {where}{why}"
            raise GuardBlockedError(msg, advisor=self.name, where=where, reason=verdict.reason)
        return found

    def _tell(
        self, ctx: RunContext, where: str, action: str, verdict: Verdict = None
    ) -> dict[str, str]:
        """Log what was found, without the text."""
        found = {"where": where, "action": action}
        if isinstance(verdict, Block) and verdict.reason:
            found["reason"] = verdict.reason
        log.warning("guard.found", advisor=self.name, **found, run_id=ctx.run_id)
        return {"guard": self.name} | {f"guard_{key}": value for key, value in found.items()}

    def __repr__(self) -> str:
        names = [getattr(check, "__name__", None) or str(check) for check in self.checks]
        told = " and ".join(dict.fromkeys(names))
        return f"{type(self).__name__}({told}, mode={self.mode!r}: {self.bound})"
