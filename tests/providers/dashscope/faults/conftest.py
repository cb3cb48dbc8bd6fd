"""A bench on which a model meets a server without manners."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from junto.core import ChatRequest
from junto.providers.dashscope import DashScopeModel, Timeouts

from ....standin.raw import RawServer
from ..conftest import KEY, Heard, hear
from .leaks import shown
from .ways import Way

GUARD = 20
"""Seconds after which a test has hung; nothing is measured by it."""
PATIENT = Timeouts(first_event=GUARD, progress=GUARD)


def acquired(model: DashScopeModel) -> list[Any]:
    """The connections of the model that are in use: aiohttp's protocols."""
    keepers = model._service.transport._sessions._keepers.values()
    sessions = [keeper.session for keeper in keepers if keeper.session is not None]
    return [one for session in sessions if session.connector for one in session.connector._acquired]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so that tells nobody."""
    while not condition():  # noqa: ASYNC110  there is no event to wait for
        await asyncio.sleep(0)


class Bench:
    """Asks, and checks what holds after every question, however it ended.

    The text so far is in the error, nothing shows the key, and the connection is free.
    """

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._log = caplog
        self.server = RawServer()

    @asynccontextmanager
    async def open(
        self, way: Way, *scripts: Sequence[Any], **service: Any
    ) -> AsyncIterator[DashScopeModel]:
        """A model and its server; at the end, all connections have gone."""
        service = {"api_key": KEY, "timeouts": PATIENT, **service}
        async with asyncio.timeout(GUARD), RawServer(*scripts) as self.server:
            options: Any = {"base_url": self.server.url, **service}
            async with DashScopeModel("qwen-plus", dialect=way.dialect, **options) as model:
                yield model
                assert acquired(model) == []
                self.check(repr(model), repr(vars(model)))
            await self.server.all_gone()

    async def ask(self, way: Way, *script: Any, **service: Any) -> Heard:
        """Ask once, and hear what comes of it."""
        async with self.open(way, script, **service) as model:
            return await self.hear(model, way)

    async def hear(self, model: DashScopeModel, way: Way, text: str = "hi") -> Heard:
        """Ask a model that is open."""
        heard = await hear(model, ChatRequest(text, stream=way.streamed))
        if heard.error is not None:
            assert getattr(heard.error, "partial_text", "") == heard.text
            assert len(str(heard.error)) <= 500
            if len(heard.text) < 100_000:
                self.check(*shown(heard.error))
        else:
            assert heard.finish is not None
        self.check(self._log.text)
        return heard

    @staticmethod
    def check(*texts: str) -> None:
        """The key is in none of the texts."""
        assert not [text for text in texts if KEY.lower() in text.lower()]


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Iterator[Bench]:
    logging.getLogger("aiohttp").setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    yield Bench(caplog)
    logging.getLogger("aiohttp").setLevel(logging.NOTSET)
