"""The cases of error_rows.txt."""

from pathlib import Path

from attrs import frozen

from junto.core import (
    AuthenticationError,
    ContentFilteredError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    UnavailableError,
)

__all__ = ["ROWS", "Row"]

Meaning = tuple[type[ProviderError], bool, float | None]

MINUTE = 60
MEANINGS: dict[str, Meaning] = {
    "bad_request": (RejectedRequestError, False, None),
    "stream_required": (RejectedRequestError, False, None),
    "context_length": (RejectedRequestError, False, None),
    "wrong_path": (RejectedRequestError, False, None),
    "model_not_found": (RejectedRequestError, False, None),
    "not_found": (RejectedRequestError, False, None),
    "conflict": (RejectedRequestError, False, None),
    "bad_media": (RejectedRequestError, False, None),
    "bad_media, again": (RejectedRequestError, True, None),
    "file_pending": (RejectedRequestError, True, MINUTE),
    "content_filter": (ContentFilteredError, False, None),
    "billing": (QuotaError, False, None),
    "auth": (AuthenticationError, False, None),
    "permission": (AuthenticationError, False, None),
    "rate_limit": (RateLimitedError, True, MINUTE),
    "rate_limit, soon": (RateLimitedError, True, None),
    "overloaded, too fast": (RateLimitedError, True, None),
    "overloaded": (UnavailableError, True, None),
    "server": (UnavailableError, True, None),
    "server, never": (UnavailableError, False, None),
    "timeout": (UnavailableError, True, None),
    "network": (UnavailableError, True, None),
    "network, never": (UnavailableError, False, None),
}


@frozen
class Row:
    """One error.

    Attributes:
        status: Of HTTP, or in the stream's comment.
        native: The native code; may be empty.
        compatible: That of the compatible mode; empty where it has none.
        kind: As the error has it.
        means: Class, whether to try again, and after how many seconds.
        message: The text.
    """

    status: int
    native: str
    compatible: str
    kind: str
    means: Meaning
    message: str

    def __str__(self) -> str:
        return f"{self.status} {self.native} {self.message[:60]}"

    @property
    def needs_status(self) -> bool:
        """Without a status it would not be known, or mean something else."""
        codeless = not self.native and not self.message.startswith("<")
        return codeless or (self.status, self.native) == (400, "Throttling.AllocationQuota")


def _read() -> list[Row]:
    rows: list[Row] = []
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            status, natives, compatible, kind, message = map(str.strip, line.split("|"))
            rows += [
                Row(int(status), native, compatible, kind.split(",")[0], MEANINGS[kind], message)
                for native in natives.split(", ")
            ]
    return rows


ROWS = _read()
