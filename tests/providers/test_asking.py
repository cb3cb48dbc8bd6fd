"""What every streaming provider shares: how a question is posted."""

from collections.abc import AsyncIterator

import pytest

from junto.core import ChatError, ProtocolError, QuotaError, RateLimitedError, Secret
from junto.providers.asking import post_question
from junto.providers.failures import Origin, Rule, Verdict, judge_by
from junto.providers.transport import Clock, Exchange, Timeouts, Transport

from ..standin import GONE, Reply, StandIn

KEY = "sk-0123456789abcdef-secret"
JSON = {"Content-Type": "application/json"}
RULES = (Rule.of(Verdict(QuotaError, "billing"), "no_money"),)


def origin_of(key: str | None) -> Origin:
    return Origin(
        "polly",
        "127.0.0.1",
        None if key is None else Secret(key),
        judge=lambda failure: judge_by(failure, RULES),
    )


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    await transport.aclose()


async def post(transport: Transport, server: StandIn, key: str | None = KEY) -> Exchange:
    clock = Clock(Timeouts())
    origin = origin_of(key)
    return await post_question(
        transport, server.url, b"{}", headers=JSON, origin=origin, clock=clock
    )


async def test_a_question_goes_out_with_the_key(transport: Transport) -> None:
    async with StandIn(Reply([b"data: 1\n\n"])) as server:
        exchange = await post(transport, server)
        exchange.close()

    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


async def test_a_service_that_asks_for_no_key_gets_none(transport: Transport) -> None:
    async with StandIn(Reply([b"data: 1\n\n"])) as server:
        exchange = await post(transport, server, None)
        exchange.close()

    assert "Authorization" not in server.asked[0].headers


async def test_a_refusal_is_an_error_of_its_kind_with_what_the_headers_say(
    transport: Transport,
) -> None:
    body = b'{"error": {"code": "busy", "message": "slow down, ' + KEY.encode() + b'"}}'
    headers = {**JSON, "Retry-After": "3", "X-Request-Id": "r-1"}
    async with StandIn(Reply([body], 429, headers)) as server:
        with pytest.raises(RateLimitedError) as caught:
            await post(transport, server)

    error = caught.value
    assert str(error) == "slow down, … (429 busy)"
    assert (error.status, error.code, error.kind) == (429, "busy", "rate_limit")
    assert (error.retryable, error.retry_after, error.request_id) == (True, 3.0, "r-1")


async def test_a_provider_judges_by_its_own_codes(transport: Transport) -> None:
    async with StandIn(Reply([b'{"code": "no_money"}'], 429, JSON)) as server:
        with pytest.raises(QuotaError) as caught:
            await post(transport, server)

    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply([b"<html>", GONE], 200, {"Content-Type": "text/html"}), ProtocolError),
        (Reply([b"{}", GONE], 302, {"Location": "http://127.0.0.1:9/"}), ProtocolError),
    ],
)
async def test_an_answer_that_cannot_be_ours_frees_its_connection(
    transport: Transport, reply: Reply, error: type[ChatError]
) -> None:
    async with StandIn(reply) as server:
        with pytest.raises(error):
            await post(transport, server)
        await server.asked[0].gone.wait()
