"""Checks of secrets: the key goes into one header, and nowhere else."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any, cast

from ..kits.classes import skip
from ..kits.loops import claim
from ..wire import Reply, Server, Stage
from .base import ANSWER, Bench, Checks, Heard, failure, said

__all__ = ["KeepingChecks"]

_DEPTH = 6
_HINT = "keep it as a Secret, and reveal it in the one line that builds the header"


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.__dict__} {record.exc_text}")


class KeepingChecks(Checks):
    """What the author's key is, nobody learns."""

    def test_the_key_is_sent_in_a_header(self) -> None:
        """And neither in the URL nor in the body."""
        ((asked, _),) = self.sent(self._request())
        held = [name for name, value in asked.headers.items() if self.key in value]
        hint = "make the model with self.key, or declare key = ''"
        claim(held, f"no header has the key: {hint}")
        claim(self.key not in asked.path, "the key stands in the URL, which servers log")
        claim(self.key.encode() not in asked.body, "the key stands in the body")

    def test_the_model_does_not_show_the_key(self) -> None:
        """Neither its ``repr`` nor any attribute of it, before a request and after one."""
        self._request()

        async def main(bench: Bench) -> None:
            for when in ("before a request", "after one"):
                model: Any = bench.model
                for text in (repr(model), str(model), f"{model}"):
                    claim(self.key not in text, f"repr or str of the model shows the key: {_HINT}")
                for path, text in _shown("model", model):
                    claim(self.key not in text, f"{path} shows the key {when}: {_HINT}")
                (await bench.hear()).well()

        self.run(self.bench(ANSWER), main)

    def test_errors_do_not_show_the_key(self) -> None:
        """Also not if the service says it in its own text."""
        for where, error in self._failures():
            texts = f"{error} {error!r} {vars(error)!r} {error.args!r}"
            claim(self.key not in texts, f"{where} shows the key: scrub it")

    def test_tracebacks_do_not_show_the_key(self) -> None:
        """Also not with the locals of each frame, as crash reporters collect them."""
        for where, error in self._failures(quoting=False):
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            frames = _frames_with(told, self.key)
            claim(not frames, f"{where}: locals of {', '.join(frames)} show the key: {_HINT}")

    def test_logs_do_not_show_the_key(self) -> None:
        """Whatever is logged at any level, by anybody, while the model is asked."""
        lines = _Lines()
        root = logging.getLogger()
        level = root.level
        root.addHandler(lines)
        root.setLevel(logging.DEBUG)
        try:
            self.hear(ANSWER)
            self._failures()
        finally:
            root.setLevel(level)
            root.removeHandler(lines)
        told = [line for line in lines.lines if self.key in line]
        claim(not told, f"{len(told)} lines of a log show the key")

    def test_events_do_not_show_the_key(self) -> None:
        """Neither they nor the metadata of the finish."""
        self._request()
        (heard,) = self.hear(ANSWER)
        heard.well()
        claim(self.key not in repr(heard.events), "an event shows the key")

    def test_redirects_do_not_get_the_key(self) -> None:
        """Another host does not learn it, and a redirect is no empty answer."""
        self._request()
        for status in (301, 302, 303, 307, 308):
            other = Server(self.streamed(ANSWER))
            try:
                self._redirected(status, other)
            finally:
                other.close()

    def test_cookies_are_not_kept(self) -> None:
        """A request knows nothing of the one before, also not by the service's cookie."""
        cookie = {"Set-Cookie": "contract=1; Path=/"}
        bench = self.bench(self.reply(self.records(ANSWER), headers=cookie))

        async def main(_: Bench) -> None:
            for _time in range(2):
                (await bench.hear()).well()

        self.run(bench, main)
        kept = [asked for asked in bench.server.asked if "cookie" in asked.headers]
        claim(not kept, "the service's cookie comes back with the next request")

    def _request(self) -> Any:
        self.needs("http")
        if not self.key:
            skip("key = '' is declared")
        return self.request()

    def _failures(self, *, quoting: bool = True) -> list[tuple[str, Exception]]:
        """Everything that goes wrong, with the key in what the service says."""
        self._request()
        refusal, told = self.dialect.refusal(failure(401)), self.dialect.failure(failure(500))
        if quoting:
            key = f"Bearer {self.key} is wrong, {self.key}".encode()
            refusal = refusal.replace(failure(401).message.encode(), key)
            told = told.replace(failure(500).message.encode(), key)
        begun = self.records(said("x"))[:1]
        replies = {
            "a 401 that quotes the key": self.refused(401, refusal),
            "a 500": self.refused(500),
            "a lost connection": Reply([Stage.CUT]),
            "a lost stream": self.reply([*begun, Stage.CUT]),
            "an error in the stream": self.reply([*begun, told]),
            "a malformed record": self.reply([*begun, *self.dialect.malformed()[:1]]),
            "no HTTP": Reply([b""], kind="text/html"),
        }
        heard = zip(replies, self.hear(*replies.values()), strict=True)
        return [(where, one.error) for where, one in heard if one.error is not None]

    def _redirected(self, status: int, other: Server) -> None:
        async def main(bench: Bench) -> Heard:
            async with other:
                return await bench.hear()

        target = other.url + self.dialect.prefix
        reply = self.refused(status, b"", headers={"Location": target})
        heard = self.run(self.bench(reply), main)
        for asked in other.asked:
            got = [*asked.headers.values(), asked.path, repr(asked.body)]
            leaked = any(self.key in text for text in got)
            claim(not leaked, f"a redirect by {status} took the key to another host")
        if not other.asked:
            heard.failed(f"a redirect by {status}")


def _frames_with(told: traceback.TracebackException, key: str) -> list[str]:
    found: list[str] = []
    chain: list[traceback.TracebackException] = [told]
    while chain:
        one = chain.pop()
        for frame in one.stack:
            names = [n for n, value in (frame.locals or {}).items() if key in value]
            found += [f"{frame.name}() ({name})" for name in names]
        context = None if one.__suppress_context__ else one.__context__
        chain += [other for other in (one.__cause__, context) if other is not None]
    return found


def _shown(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each attribute of an object and of what it holds, and what it shows of itself."""
    seen: set[int] = set()
    waiting: list[tuple[str, object, int]] = [(name, value, 0)]
    while waiting:
        path, one, depth = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | MethodType):
            continue
        seen.add(id(one))
        if isinstance(one, str | bytes):
            yield path, repr(one)
        elif depth < _DEPTH:
            waiting += [(f"{path}{key}", inner, depth + 1) for key, inner in _inside(one)]


def _inside(one: object) -> Iterator[tuple[str, Any]]:
    if isinstance(one, Mapping):
        table: dict[Any, Any] = {**cast("Any", one)}
        yield from ((f"[{key!r}]", inner) for key, inner in table.items())
    elif isinstance(one, list | tuple | set | frozenset):
        items = list(cast("Iterable[Any]", one))
        yield from ((f"[{i}]", inner) for i, inner in enumerate(items))
    else:
        for name in [*getattr(one, "__dict__", {}), *_slots(type(one))]:
            inner = getattr(one, name, None)
            if inner is not None:
                yield f".{name}", inner


def _slots(kind: type[Any]) -> Iterator[str]:
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
