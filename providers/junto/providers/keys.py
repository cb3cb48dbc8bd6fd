"""Where a key comes from: an argument, or the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable

from junto.core import AuthenticationError, Secret

__all__ = ["check_key", "find_key"]


def find_key(given: str | Secret | None, variables: Iterable[str]) -> tuple[Secret, str] | None:
    """The key, and where it was found: for the error that says it is wrong.

    White space around a key is dropped, and an empty variable counts as none.

    Args:
        given: As the caller gave it; it goes before all others.
        variables: Of the environment, in the order in which they count.

    Raises:
        AuthenticationError: What is there cannot be a key.
    """
    if given is not None:
        text = given.reveal() if isinstance(given, Secret) else given
        return check_key(text.strip(), "api_key=")
    for name in variables:
        if text := os.environ.get(name, "").strip():
            return check_key(text, name)
    return None


def check_key(text: str, source: str) -> tuple[Secret, str]:
    """Refuse what would break out of a header; the text itself is not shown.

    Raises:
        AuthenticationError: It cannot be a key.
    """
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise AuthenticationError(
            f"the key from {source} is empty, or has characters that no key has",
            kind="bad_key",
        )
    return Secret(text), source
