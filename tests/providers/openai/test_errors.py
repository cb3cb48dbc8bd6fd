"""Codes and messages of OpenAI and of the servers that speak its protocol become right errors."""

import json
from typing import Any

import pytest

from junto.core import (
    AuthenticationError,
    ChatConnectionError,
    ChatRequest,
    ContentFilteredError,
    Finish,
    FinishReason,
    InterruptedStreamError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    UnavailableError,
)
from junto.providers.chat_completions import CompletionReader
from junto.providers.failures import Origin
from junto.providers.openai import OpenAIModel, OpenAIOptions

from ...standin import ABORT, GONE, Reply, StandIn
from ..hearing import hear
from .conftest import KEY, url_of

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
REFUSED = RejectedRequestError


def event(payload: Any, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(payload)}\n\n".encode()


def says(text: str = "", *, index: int = 0, finish: str | None = None) -> bytes:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]})


def request_of(options: OpenAIOptions) -> ChatRequest:
    return ChatRequest("hi", options=options)


def error_of(code: Any, kind: str = "", message: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "error", "kind", "retryable"),
    [
        # OpenAI
        (429, error_of("insufficient_quota", "insufficient_quota"), QuotaError, "billing", False),
        (429, error_of("rate_limit_exceeded", "tokens"), RateLimitedError, "rate_limit", True),
        (429, error_of("billing_hard_limit_reached"), QuotaError, "billing", False),
        (401, error_of("invalid_api_key"), AuthenticationError, "auth", False),
        (401, error_of(None, "invalid_request_error"), AuthenticationError, "auth", False),
        (
            403,
            error_of("unsupported_country_region_territory"),
            AuthenticationError,
            "permission",
            False,
        ),
        (404, error_of("model_not_found"), REFUSED, "model_not_found", False),
        (404, error_of(None, "invalid_request_error", "Invalid URL"), REFUSED, "not_found", False),
        (400, error_of("context_length_exceeded"), REFUSED, "context_length", False),
        (400, error_of("content_filter"), ContentFilteredError, "content_filter", False),
        (400, error_of("content_policy_violation"), ContentFilteredError, "content_filter", False),
        (
            400,
            error_of("unsupported_parameter", "invalid_request_error"),
            REFUSED,
            "bad_request",
            False,
        ),
        (400, error_of("invalid_image_url"), REFUSED, "bad_request", False),
        (500, error_of(None, "server_error"), UnavailableError, "server", True),
        (503, error_of(None, "service_unavailable"), UnavailableError, "overloaded", True),
        # Azure OpenAI
        (404, error_of("DeploymentNotFound"), REFUSED, "model_not_found", False),
        # DeepSeek
        (
            402,
            error_of("invalid_request_error", "unknown_error", "Insufficient Balance"),
            QuotaError,
            "billing",
            False,
        ),
        (
            401,
            error_of("invalid_request_error", "authentication_error"),
            AuthenticationError,
            "auth",
            False,
        ),
        # OpenRouter
        (
            402,
            {"error": {"code": 402, "message": "Insufficient credits"}},
            QuotaError,
            "billing",
            False,
        ),
        (
            403,
            {"error": {"code": 403, "message": "Your input was flagged"}},
            ContentFilteredError,
            "content_filter",
            False,
        ),
        (
            502,
            {"error": {"code": 502, "message": "Provider returned error"}},
            UnavailableError,
            "server",
            True,
        ),
        # Ollama
        (
            404,
            error_of(None, "api_error", 'model "x" not found, try pulling it first'),
            REFUSED,
            "model_not_found",
            False,
        ),
        (404, {"error": "model 'x' not found"}, REFUSED, "model_not_found", False),
        # vLLM
        (
            404,
            error_of(404, "NotFoundError", "The model `x` does not exist."),
            REFUSED,
            "model_not_found",
            False,
        ),
        (401, {"error": "Unauthorized"}, AuthenticationError, "auth", False),
        # DashScope's compatible mode
        (400, error_of("data_inspection_failed"), ContentFilteredError, "content_filter", False),
        # Gemini
        (
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "API key not valid",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ],
            AuthenticationError,
            "auth",
            False,
        ),
        # FastAPI
        (
            422,
            {"detail": [{"loc": ["body", "n"], "msg": "too big"}]},
            REFUSED,
            "bad_request",
            False,
        ),
        (405, {"detail": "Method Not Allowed"}, REFUSED, "bad_request", False),
    ],
)
async def test_the_table(  # noqa: PLR0917  a row
    server: StandIn,
    model: OpenAIModel,
    status: int,
    body: Any,
    error: type[ProviderError],
    kind: str,
    retryable: bool,
) -> None:
    server.will(Reply([json.dumps(body).encode()], status, JSON))
    found = (await hear(model)).error

    assert isinstance(found, ProviderError)
    assert (type(found), found.kind, found.retryable) == (error, kind, retryable)
    assert found.status == status


@pytest.mark.parametrize(
    ("body", "error", "kind", "status"),
    [
        (error_of(500, "server_error", "slot"), UnavailableError, "server", 500),
        (error_of("500", "None", "litellm.APIError"), UnavailableError, "server", 500),
        (error_of(400, "exceed_context_size_error"), REFUSED, "context_length", 400),
        (error_of("server_error"), UnavailableError, "server", None),
        (error_of(None, "overloaded_error"), UnavailableError, "overloaded", None),
        (error_of(None, "invalid_request_error"), REFUSED, "bad_request", None),
        (error_of("insufficient_quota"), QuotaError, "billing", None),
        ({"error": {"code": 429, "message": "Too fast"}}, RateLimitedError, "rate_limit", 429),
        ({"error": "it broke"}, UnavailableError, "server", None),
        (
            {"object": "error", "message": "m", "type": "BadRequestError", "code": 400},
            REFUSED,
            "bad_request",
            400,
        ),
        # OpenRouter: a chunk that ends the choice as well
        (
            {
                "id": "gen-1",
                "error": {"code": "server_error", "message": "Provider disconnected"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            },
            UnavailableError,
            "server",
            None,
        ),
    ],
)
@pytest.mark.parametrize("name", ["", "error"])
async def test_an_error_inside_the_stream_carries_the_text_before_it(  # noqa: PLR0917  a row
    server: StandIn,
    model: OpenAIModel,
    body: Any,
    error: type[ProviderError],
    kind: str,
    status: int | None,
    name: str,
) -> None:
    server.will(Reply([says("One, "), says("two"), event(body, name), b"data: [DONE]\n\n"]))
    heard = await hear(model)

    assert isinstance(heard.error, ProviderError)
    assert (type(heard.error), heard.error.kind) == (error, kind)
    assert heard.error.status == status
    assert heard.error.partial_text == heard.text == "One, two"
    assert heard.finish is None


async def test_an_error_as_json_with_status_200_is_an_error(
    server: StandIn, model: OpenAIModel
) -> None:
    body = {"error": "Unexpected endpoint or method. (POST /chat/completions)"}
    server.will(Reply([json.dumps(body).encode()], headers=JSON))
    heard = await hear(model)

    assert isinstance(heard.error, UnavailableError)
    assert "Unexpected endpoint" in str(heard.error)


@pytest.mark.parametrize(
    ("status", "body", "headers", "error", "text"),
    [
        (502, b"<html><title>502 Bad Gateway</title>", HTML, UnavailableError, "502 Bad Gateway"),
        (500, b"Internal Server Error", {"Content-Type": "text/plain"}, UnavailableError, "Inter"),
        (404, b"404 page not found", {"Content-Type": "text/plain"}, REFUSED, "404 page not found"),
        (429, b"", HTML, RateLimitedError, "no reason"),
        (200, b"<html>Log in</html>", HTML, ProtocolError, "text/html"),
    ],
)
async def test_pages_and_plain_texts_are_typed_errors(  # noqa: PLR0917  a row
    server: StandIn,
    model: OpenAIModel,
    status: int,
    body: bytes,
    headers: dict[str, str],
    error: type[Exception],
    text: str,
) -> None:
    server.will(Reply([body], status, headers))
    heard = await hear(model)

    assert type(heard.error) is error
    assert text in str(heard.error)


async def test_the_time_to_wait_is_that_of_the_header(server: StandIn, model: OpenAIModel) -> None:
    body = json.dumps(error_of("rate_limit_exceeded")).encode()
    server.will(Reply([body], 429, {**JSON, "retry-after": "7", "x-request-id": "req_1"}))
    error = (await hear(model)).error

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, error.request_id) == (7, "req_1")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, error_of("invalid_api_key"), ["the key came from api_key=", "127.0.0.1"]),
        (404, {"detail": "Not Found"}, ["base_url=", "/v1"]),
        (404, error_of("model_not_found"), ["model 'm' at 127.0.0.1"]),
        (400, error_of("context_length_exceeded"), ["shorten the conversation", "max_tokens"]),
        (503, error_of(503, "unavailable_error", "Loading model"), ["as soon as the model is"]),
    ],
)
async def test_an_error_says_what_a_person_can_do(
    server: StandIn, model: OpenAIModel, status: int, body: Any, words: list[str]
) -> None:
    server.will(Reply([json.dumps(body).encode()], status, JSON))
    text = str((await hear(model)).error)

    assert [word for word in words if word not in text] == []


async def test_a_refusal_of_a_request_without_a_key_says_where_one_goes(server: StandIn) -> None:
    server.will(Reply([json.dumps(error_of(401, "authentication_error")).encode()], 401, JSON))
    async with OpenAIModel("m", server="vllm", base_url=url_of(server)) as model:
        text = str((await hear(model)).error)

    assert "no key was sent to 127.0.0.1" in text
    assert "VLLM_API_KEY" in text


async def test_a_key_is_never_quoted(server: StandIn, model: OpenAIModel) -> None:
    message = f"Incorrect API key provided: {KEY}. Bearer {KEY}"
    server.will(Reply([json.dumps(error_of("invalid_api_key", "", message)).encode()], 401, JSON))

    assert KEY not in str((await hear(model)).error)


async def test_a_server_that_is_not_there_is_named() -> None:
    error = (await hear(OpenAIModel("m", base_url="http://127.0.0.1:9/v1"))).error

    assert isinstance(error, ChatConnectionError)
    assert "127.0.0.1:9" in str(error)
    assert error.retryable


async def test_comments_between_chunks_are_passed_over(server: StandIn, model: OpenAIModel) -> None:
    beat = b": keep-alive\n\n"
    server.will(
        Reply([beat, b": OPENROUTER PROCESSING\n\n", says("Hi"), beat, says(finish="stop")])
    )
    heard = await hear(model)

    assert (heard.text, heard.error) == ("Hi", None)


async def test_white_space_before_a_whole_answer_is_passed_over(
    server: StandIn, model: OpenAIModel
) -> None:
    choice = {"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}
    server.will(Reply([b"\n\n", b"  \n", json.dumps({"choices": [choice]}).encode()], headers=JSON))
    heard = await hear(model)

    assert (heard.text, heard.error) == ("Hi", None)


async def test_fewer_answers_than_were_asked_for_are_whole_at_a_clean_end(
    server: StandIn, model: OpenAIModel
) -> None:
    server.will(Reply([says("Hi"), says(finish="stop")]))
    options = OpenAIOptions(n=3)
    heard = await hear(model, request_of(options))

    assert (heard.text, heard.error) == ("Hi", None)
    assert isinstance(heard.events[-1], Finish)
    assert heard.events[-1].reason is FinishReason.STOP


@pytest.mark.parametrize(
    "steps",
    [
        [says("Hi"), says("Ho", index=1), says(finish="stop")],
        [says("Hi"), says("Ho", index=1), says(finish="stop", index=1)],
        [says("Hi"), says(finish="stop"), ABORT],
    ],
    ids=["second not ended", "first not ended", "second lost"],
)
async def test_an_answer_that_has_begun_or_may_be_lost_is_missed(
    server: StandIn, model: OpenAIModel, steps: list[Any]
) -> None:
    server.will(Reply(steps))
    heard = await hear(model, request_of(OpenAIOptions(n=2)))

    assert isinstance(heard.error, InterruptedStreamError)
    assert heard.error.partial_text == "Hi"


async def test_leaving_a_stream_frees_its_connection(server: StandIn, model: OpenAIModel) -> None:
    server.will(Reply([says("Hi"), GONE]))
    stream: Any = model.stream(request_of(OpenAIOptions()))
    await anext(stream)
    await stream.aclose()
    await server.asked[0].gone.wait()


def test_what_is_said_of_a_choice_that_nobody_asked_for_is_ignored() -> None:
    reader = CompletionReader(Origin("m", "test"))
    reader.feed(says("Hi") + says("Ho", index=1) + says(finish="stop"))
    finish = reader.end()[-1]

    assert isinstance(finish, Finish)
    assert reader.partial_text == "Hi"
    assert "choices" not in finish.metadata
