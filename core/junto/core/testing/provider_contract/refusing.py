"""Checks of errors in place of an answer: each is of the right kind, and says what it knows."""

from __future__ import annotations

import math
from typing import Any

from ...errors import (
    AuthenticationError,
    ChatConnectionError,
    ChatError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    RejectedRequestError,
    TransportError,
    UnavailableError,
)
from ..kits.loops import claim
from ..wire import Reply, Stage
from .base import ANSWER, REQUEST_ID, TEXT, Bench, Checks, Heard, failure

__all__ = ["RefusingChecks"]

_PAGE = b"<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"
_WAITS = ("soon", "-5", "nan", "inf", "1e999", "Thu, 01 Jan 1970 00:00:00 GMT", "")


class RefusingChecks(Checks):
    """A request that is refused fails at once, with an error of the tree."""

    def test_400_is_a_rejected_request(self) -> None:
        """Sent again as it is, it fails again."""
        self._refused(400, RejectedRequestError, retryable=False)

    def test_401_is_an_authentication_error(self) -> None:
        """The key is wrong."""
        self._refused(401, AuthenticationError, retryable=False)

    def test_403_is_an_authentication_error(self) -> None:
        """The key may not do this."""
        self._refused(403, AuthenticationError, retryable=False)

    def test_404_is_a_rejected_request(self) -> None:
        """There is no such model."""
        self._refused(404, RejectedRequestError, retryable=False)

    def test_429_is_rate_limited(self) -> None:
        """Too fast: later the same may succeed."""
        self._refused(429, RateLimitedError, retryable=True)

    def test_500_is_unavailable(self) -> None:
        """Trouble of the service's own."""
        self._refused(500, UnavailableError, retryable=True)

    def test_503_is_unavailable(self) -> None:
        """The same."""
        self._refused(503, UnavailableError, retryable=True)

    def test_retry_after_is_told(self) -> None:
        """Seconds to wait, where the service says so."""
        reply = self.refused(429, headers={"Retry-After": "7"})
        (heard,) = self.hear(reply)
        error = heard.failed("a 429 with Retry-After", ProviderError)
        claim(error.retry_after == 7, f"of Retry-After: 7 came retry_after={error.retry_after!r}")

    def test_a_senseless_retry_after_is_none(self) -> None:
        """What is no number of seconds to wait counts as not said."""
        heard = self.hear(*[self.refused(429, headers={"Retry-After": wait}) for wait in _WAITS])
        for wait, one in zip(_WAITS, heard, strict=True):
            seconds = one.failed(f"Retry-After: {wait}", RateLimitedError).retry_after
            sane = seconds is None or (math.isfinite(seconds) and seconds >= 0)
            claim(sane, f"of Retry-After: {wait} came retry_after={seconds!r}")

    def test_an_error_has_the_request_id(self) -> None:
        """The service's id of the request, from header or body."""
        self.needs("request_ids")
        (heard,) = self.hear(self.refused(500))
        got = heard.failed("a 500", ProviderError).request_id
        hint = "or declare request_ids = False"
        claim(got == REQUEST_ID, f"the request id {REQUEST_ID!r} became {got!r}: {hint}")

    def test_an_error_says_what_the_service_said(self) -> None:
        """Its text for people is in the message, and the status beside it."""
        (heard,) = self.hear(self.refused(400))
        said, message = failure(400).message, str(heard.failed("a 400", ProviderError))
        claim(said in message, f"the service said {said!r}, the error says {message!r}")

    def test_the_message_of_an_error_is_clean(self) -> None:
        """Whatever the service writes: at most 500 characters, and none that control."""
        body = self.dialect.refusal(failure(400)).replace(
            failure(400).message.encode(), b"line\\nforged \\u001b[31m\\u202e" + b"x" * 5000
        )
        (heard,) = self.hear(self.refused(400, body))
        message = str(heard.failed("an error with a long text", ProviderError))
        claim(len(message) <= 500, f"the message has {len(message)} characters")
        claim(message.isprintable(), f"the message has characters that control: {message!r}")

    def test_an_error_page_in_html_is_an_error(self) -> None:
        """A gateway's page says nothing, its status does."""
        reply = self.refused(503, _PAGE, kind="text/html")
        (heard,) = self.hear(reply)
        self._is(heard, "a page in HTML", UnavailableError, 503, retryable=True)

    def test_an_error_without_a_body_is_an_error(self) -> None:
        """The same for one that has none."""
        (heard,) = self.hear(self.refused(500, b""))
        self._is(heard, "an empty body", UnavailableError, 500, retryable=True)

    def test_an_error_with_an_odd_body_is_an_error(self) -> None:
        """JSON of another shape, and what is no text at all."""
        bodies = (b"[]", b'"no"', b"5", b'{"error": "no"}', b'{"error": null}', b"\xff\xfe{", b"{")
        heard = self.hear(*[self.refused(500, body) for body in bodies])
        for body, one in zip(bodies, heard, strict=True):
            self._is(one, f"the body {body!r}", UnavailableError, 500, retryable=True)

    def test_a_refused_request_is_not_sent_again(self) -> None:
        """Retrying is for an advisor, who knows what the reader was shown."""
        self.needs("http")
        if self.retries:
            return
        for status in (400, 401, 429, 500, 503):
            self._once(self.refused(status), f"after a {status}")
        self._once(Reply([Stage.CUT]), "after a connection that was lost")

    def test_a_connection_lost_before_the_answer_is_told(self) -> None:
        """No headers come, but the end of the connection."""
        for stage in (Stage.CUT, Stage.RESET):
            (heard,) = self.hear(Reply([stage]))
            heard.failed("a connection that was lost before the answer", TransportError)

    def test_nobody_listening_is_a_connection_error(self) -> None:
        """No connection can be made."""
        bench = self.bench(ANSWER)
        bench.close()

        async def main() -> Heard:
            try:
                return await bench.hear()
            finally:
                await bench.model.aclose()

        self.play(main).failed("a port where nobody listens", ChatConnectionError)

    def test_a_page_in_place_of_an_answer_is_told(self) -> None:
        """A 200 with a page is no empty answer."""
        (heard,) = self.hear(Reply([_PAGE], kind="text/html", sized=True))
        heard.failed("a page with status 200", ChatError)

    def test_a_good_answer_follows_a_refusal(self) -> None:
        """The model is as usable as before."""
        refused, heard = self.hear(self.refused(500), ANSWER)
        refused.failed("a 500", UnavailableError)
        text = heard.well("the answer after a refusal").text
        claim(text == TEXT, f"after a refusal {TEXT!r} became {text!r}")

    def _refused(self, status: int, kind: type[ProviderError], *, retryable: bool) -> None:
        for how, request in (("a stream", self.request()), ("a call", self.request(stream=False))):
            (heard,) = self.hear(self.refused(status), request=request)
            self._is(heard, f"a {status} for {how}", kind, status, retryable=retryable)

    def _is(
        self, heard: Heard, where: str, kind: type[ProviderError], status: int, *, retryable: bool
    ) -> None:
        error: Any = heard.failed(where, kind)
        claim(not isinstance(error, ProtocolError), f"{where} became a ProtocolError")
        claim(error.status == status, f"{where}: the status {status} became {error.status!r}")
        claim(
            error.retryable is retryable,
            f"{where}: retryable is {error.retryable}, not {retryable}",
        )

    def _once(self, reply: Reply, where: str) -> None:
        async def main(bench: Bench) -> int:
            await bench.hear()
            return len(bench.server.asked)

        count = self.run(self.bench(reply, ANSWER), main)
        hint = "leave that to an advisor, or declare retries = True"
        claim(count == 1, f"{where} the request was sent {count} times: {hint}")
