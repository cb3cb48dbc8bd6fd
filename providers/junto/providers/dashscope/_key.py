"""Where the key comes from: an argument, the environment, or the vendor's key file."""

from __future__ import annotations

import os
from pathlib import Path

from junto.core import AuthenticationError, Secret

from .. import keys
from ..keys import check_key

__all__ = ["find_key", "read_key_file"]

_VARIABLES = ("DASHSCOPE_API_KEY", "AI_DASHSCOPE_API_KEY")
_FILE_VARIABLE = "DASHSCOPE_API_KEY_FILE_PATH"
_FILE = "~/.dashscope/api_key"


def find_key(given: str | Secret | None) -> tuple[Secret, str] | None:
    """The key, and where it was found: for the error that says it is wrong.

    In order: ``given``, then the variables ``DASHSCOPE_API_KEY`` and
    ``AI_DASHSCOPE_API_KEY``.  White space around a key is dropped, and an empty variable
    counts as none.

    Raises:
        AuthenticationError: What is there cannot be a key.
    """
    return keys.find_key(given, _VARIABLES)


def read_key_file(given: str | Path | None = None) -> tuple[Secret, str]:
    """The key in a file; call it in a thread, as a file may be slow.

    Without ``given``, ``DASHSCOPE_API_KEY_FILE_PATH`` names it, else it is the vendor's
    ``~/.dashscope/api_key``.

    Raises:
        AuthenticationError: There is none; the text says where a key may be put.
    """
    path = str(given or os.environ.get(_FILE_VARIABLE) or _FILE)
    try:
        text = Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeError, RuntimeError):
        text = ""
    if text:
        return check_key(text, path)
    if given is not None:
        raise AuthenticationError(
            f"no key for DashScope: {path} cannot be read, or is empty", kind="no_key"
        )
    raise AuthenticationError(
        "no key for DashScope: set DASHSCOPE_API_KEY (or AI_DASHSCOPE_API_KEY), pass"
        f" api_key=…, or put it into {_FILE} (another place: {_FILE_VARIABLE})",
        kind="no_key",
    )
