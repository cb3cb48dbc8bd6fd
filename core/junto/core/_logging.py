"""The one place that knows structlog.

A library does not configure logging.  Until the application calls
``structlog.configure()`` everything goes to the standard library's loggers of the same
name, because unconfigured structlog prints debug lines to standard output.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Protocol

__all__ = ["Logger", "get_logger", "told_of"]


class Logger(Protocol):
    """What junto asks of a logger: an event's name, and values by keyword."""

    def debug(self, event: str, **values: Any) -> Any: ...
    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...
    def error(self, event: str, **values: Any) -> Any: ...


def get_logger(name: str) -> Logger:
    """A logger that asks at each line whether the application uses structlog."""
    return _LateLogger(name)


def told_of(error: BaseException) -> dict[str, str]:
    """What a line says of an error: its class, and where it was raised.

    Not its message and no traceback: either may hold a question, an answer or a key.
    """
    values = {"error": type(error).__name__}
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is not None:
        code = traceback.tb_frame.f_code
        values["raised_at"] = f"{code.co_filename}:{traceback.tb_lineno} in {code.co_qualname}"
    return values


class _LateLogger:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"get_logger({self._name!r})"

    def debug(self, event: str, **values: Any) -> None:
        self._log(logging.DEBUG, event, values)

    def info(self, event: str, **values: Any) -> None:
        self._log(logging.INFO, event, values)

    def warning(self, event: str, **values: Any) -> None:
        self._log(logging.WARNING, event, values)

    def error(self, event: str, **values: Any) -> None:
        self._log(logging.ERROR, event, values)

    def is_enabled_for(self, level: int) -> bool:
        """Whether a line of that level goes anywhere, as far as is known; as structlog's."""
        structlog = sys.modules.get("structlog")
        if structlog is not None and structlog.is_configured():
            return True
        return logging.getLogger(self._name).isEnabledFor(level)

    def _log(self, level: int, event: str, values: dict[str, Any]) -> None:
        # An application that configured structlog has imported it.
        structlog = sys.modules.get("structlog")
        if structlog is not None and structlog.is_configured():
            method = logging.getLevelName(level).lower()
            bound = structlog.get_logger(self._name)
            # An async bound logger has a synchronous one inside.
            getattr(getattr(bound, "sync_bl", bound), method)(event, **values)
            return
        logger = logging.getLogger(self._name)
        if logger.isEnabledFor(level):
            exc_info = values.pop("exc_info", None)
            line = " ".join([event, *(f"{key}={_value(v)}" for key, v in values.items())])
            extra = {"event": event, "junto": values}
            logger.log(level, "%s", line, exc_info=exc_info, extra=extra, stacklevel=3)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    if text.isascii() and text.isprintable() and text and not set(text) & set(" \"'="):
        return text
    return ascii(text)
