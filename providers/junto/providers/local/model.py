"""A chat model on this machine."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any

from attrs import frozen

from junto.core import ChatRequest, ModelStream

from .answer import AnswerReader
from .cache import locate, model_name
from .catalogue import CATALOGUE
from .runtime import Runtime, RuntimeSettings
from .slots import Slots
from .template import Template, read_template
from .wire import request_body

__all__ = ["LocalModel"]


@frozen
class _Loaded:
    runtime: Runtime
    template: Template


class LocalModel:
    """A GGUF file, run by llama.cpp on this machine's processor.

    Nothing is loaded before the first request, and nothing is ever downloaded: where the
    file is missing, the error says how to fetch it.  The model runs in a process of its
    own, so that neither loading nor generating holds up an event loop.

    Args:
        name: A name of the catalogue or of the cache, or the path of a GGUF file.
            Without one, the environment's ``JUNTO_LOCAL_MODEL``, then the default.
        slots: How many streams run at once; more wait for their turn.
        context_tokens: The longest conversation of one stream, its answer included.
        threads: How many processors to keep busy; all but one by default.
        thinking: Whether the model thinks where a request does not say.

    Raises:
        ValueError: A number is out of range.
    """

    provider = "local"

    def __init__(
        self,
        name: str | os.PathLike[str] | None = None,
        *,
        slots: int = 2,
        context_tokens: int = 4096,
        threads: int | None = None,
        thinking: bool = False,
    ) -> None:
        count = _default_threads() if threads is None else threads
        numbers = {"slots": slots, "context_tokens": context_tokens, "threads": count}
        for parameter, number in numbers.items():
            if number < 1:
                raise ValueError(f"{parameter} is at least 1, not {number}")
        self.model: str = model_name(name)
        self.slots = slots
        self.context_tokens = context_tokens
        self.threads = count
        self.thinking = thinking
        self._name = name
        entry = CATALOGUE.get(self.model)
        self._sampling: Mapping[str, Any] = entry.sampling if entry else {}
        self._slots = Slots(slots)
        self._shared = _Shared()

    def __repr__(self) -> str:
        return f"LocalModel({self.model!r})"

    async def load(self) -> None:
        """Load the model now, instead of at the first request.

        Raises:
            ModelFileError: The file is missing or cannot be used.
            MissingExtraError: llama.cpp, or the system library that it needs, is missing.
        """
        await self._loaded()

    async def stream(self, request: ChatRequest) -> ModelStream:
        """Ask, and yield the answer as it comes; see :class:`~junto.core.ChatModel`.

        Closing the stream stops the model at its next token.  Closing does not wait for
        it; the place that the stream took is free when it has happened.

        Raises:
            ModelFileError: The file is missing or cannot be used.
            MissingExtraError: llama.cpp, or the system library that it needs, is missing.
            RejectedRequestError: The request is too long, or holds what the model cannot take.
            InterruptedStreamError: The model's process ended, or the model was closed.
        """
        loaded = await self._loaded()
        body = request_body(
            request,
            model=self.model,
            template=loaded.template,
            thinking=self.thinking,
            sampling=self._sampling,
        )
        if body.warnings:
            yield body.warnings
        reader = AnswerReader(self.model, split=body.split)
        await self._slots.acquire()
        job = loaded.runtime.submit(body.values, self._slots.release)
        try:
            while not reader.done:
                events = reader.read(await job.take())
                if events:
                    yield events
        finally:
            job.cancel()

    async def aclose(self) -> None:
        """Stop the model's process and free its memory.  Again does nothing.

        A stream that is still running ends with an error; a later one loads the model anew.
        """
        if not self._shared.empty:
            await asyncio.to_thread(self._shared.close)

    async def _loaded(self) -> _Loaded:
        return await self._shared.get(self._load)

    def _load(self) -> _Loaded:
        path = locate(self._name)
        settings = RuntimeSettings(
            path=path,
            threads=self.threads,
            slots=self.slots,
            context_tokens=self.context_tokens,
        )
        template = read_template(path)
        return _Loaded(Runtime(settings), template)


class _Shared:
    """What all streams share, on whatever event loop: the loaded model, or its loading."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._loading: Future[_Loaded] | None = None

    async def get(self, load: Callable[[], _Loaded]) -> _Loaded:
        with self._lock:
            if self._loaded is not None:
                if self._loaded.runtime.alive:
                    return self._loaded
                self._loaded = None
            loading = self._loading
            if loading is None:
                loading = self._loading = Future()
                # From here on nobody's cancellation takes it away from the others.
                loading.set_running_or_notify_cancel()
                args = (load, loading)
                name = "junto-local-load"
                threading.Thread(target=self._run, args=args, name=name, daemon=True).start()
        return await asyncio.wrap_future(loading)

    @property
    def empty(self) -> bool:
        return self._loaded is None and self._loading is None

    def close(self) -> None:
        with self._lock:
            loading, loaded = self._loading, self._loaded
            self._loaded = None
        if loading is not None:
            wait([loading])
            with self._lock:
                loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.runtime.stop()

    def _run(self, load: Callable[[], _Loaded], loading: Future[_Loaded]) -> None:
        loaded: _Loaded | None = None
        error: BaseException | None = None
        try:
            loaded = load()
        except BaseException as raised:  # noqa: BLE001  handed to whoever waits
            error = raised
        with self._lock:
            self._loading, self._loaded = None, loaded
        if loaded is not None:
            loading.set_result(loaded)
        elif error is not None:
            loading.set_exception(error)


def _default_threads() -> int:
    """All processors that this process may use but one, which the application keeps."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 2) - 1)
