"""Providers that take a refusal for something else, and the checks that find it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from junto.core import (
    AuthenticationError,
    ChatConnectionError,
    ChatRequest,
    ProviderError,
    RejectedRequestError,
    UnavailableError,
)

from .broken_providers import found_by
from .tiny_provider import Tiny
from .tiny_wire import Connection


class _Misjudges(Tiny):
    status = 0
    kind: type[ProviderError] = ProviderError

    def kind_of(self, status: int) -> type[ProviderError]:
        return self.kind if status == self.status else super().kind_of(status)


@found_by("403_is_an_authentication_error", says="not AuthenticationError")
class TakesForbiddenForRejected(_Misjudges):
    status, kind = 403, RejectedRequestError


@found_by(
    "an_error_page_in_html_is_an_error",
    "an_error_without_a_body_is_an_error",
    "an_error_with_an_odd_body_is_an_error",
    says="JSONDecodeError",
)
class TrustsTheBody(Tiny):
    def message_of(self, body: bytes, status: int) -> str:
        return self.scrub(str(json.loads(body)["error"]["message"]))


@found_by("a_senseless_retry_after_is_none", says="ValueError")
class TrustsRetryAfter(Tiny):
    def wait_of(self, headers: Mapping[str, str]) -> float | None:
        return float(headers["retry-after"]) if "retry-after" in headers else None


@found_by("retry_after_is_told", says="came retry_after=None")
class IgnoresRetryAfter(Tiny):
    def wait_of(self, headers: Mapping[str, str]) -> float | None:
        return None


@found_by("an_error_says_what_the_service_said", says="the error says 'status 400'")
class HidesTheMessage(Tiny):
    def message_of(self, body: bytes, status: int) -> str:
        return f"status {status}"


@found_by(
    "a_refused_request_is_not_sent_again",
    "a_good_answer_follows_a_refusal",
    says="the request was sent 2 times",
)
class AsksAgain(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        connection = await super().open(request)
        if connection.status < 500:
            return connection
        await self.free(connection)
        return await super().open(request)


@found_by(
    "a_connection_lost_before_the_answer_is_told",
    "nobody_listening_is_a_connection_error",
    says="raised ConnectionResetError",
)
class LetsSystemErrorsPass(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        try:
            return await super().open(request)
        except ChatConnectionError:
            raise ConnectionResetError("reset") from None


@found_by("400_is_a_rejected_request", says="not RejectedRequestError")
class TakesRejectedForTrouble(_Misjudges):
    status, kind = 400, UnavailableError


@found_by("401_is_an_authentication_error", says="not AuthenticationError")
class TakesAWrongKeyForRejected(_Misjudges):
    status, kind = 401, RejectedRequestError


@found_by("404_is_a_rejected_request", says="not RejectedRequestError")
class TakesMissingForForbidden(_Misjudges):
    status, kind = 404, AuthenticationError


@found_by("429_is_rate_limited", "a_senseless_retry_after_is_none", says="not RateLimitedError")
class TakesTooFastForRejected(_Misjudges):
    status, kind = 429, RejectedRequestError


@found_by(
    "500_is_unavailable",
    "an_error_without_a_body_is_an_error",
    "an_error_with_an_odd_body_is_an_error",
    "a_good_answer_follows_a_refusal",
    says="not UnavailableError",
)
class TakesTroubleForAnyError(_Misjudges):
    status, kind = 500, ProviderError


@found_by("503_is_unavailable", "an_error_page_in_html_is_an_error", says="not UnavailableError")
class TakesOverloadForRejected(_Misjudges):
    status, kind = 503, RejectedRequestError


@found_by("an_error_has_the_request_id", says="became None")
class LosesTheIdOfAnError(Tiny):
    async def refusal(self, connection: Connection) -> ProviderError:
        error = await super().refusal(connection)
        error.request_id = None
        return error


class _RawError(RejectedRequestError):
    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message, **facts)  # type: ignore[arg-type]  # as they came
        self.raw = message

    def __str__(self) -> str:
        return self.raw


@found_by("the_message_of_an_error_is_clean", says="the message has .* characters")
class PassesTheMessageRaw(_Misjudges):
    status, kind = 400, _RawError
