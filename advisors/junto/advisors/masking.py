"""Keeping keys out of logs."""

from __future__ import annotations

import re
import unicodedata

from junto.core import clean_text

__all__ = ["logged", "mask"]

_TOKEN = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        [sprSPR][kK]-[\w-]{3,}                                 # OpenAI, DashScope, DeepSeek, …
      | [spr]k_(?:live|test)_\w{3,}                            # Stripe
      | (?:gh[opsru]|github_pat|hf|npm)_\w{8,}                 # GitHub, Hugging Face, npm
      | (?:glpat|pypi|xox[a-z])-[\w-]{8,}                      # GitLab, PyPI, Slack
      | (?:AKIA|ASIA|LTAI)[A-Za-z0-9]{8,}                      # AWS, Alibaba Cloud
      | AIza[\w-]{8,}                                          # Google
      | eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?                   # JSON web tokens
    )
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[^\n]*|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMED = re.compile(
    r"""
    ( \b(?:bearer|basic)\s+
    | (?:api[_-]?key|access[_-]?key|secret|token|password|passwd)["']?\s*[:=]\s*["']?
      (?:bearer\s+|basic\s+)?
    ) [^\s"',;&}]{4,}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MASK = "[masked]"


def mask(text: str) -> str:
    """``text`` without what looks like a key, a token or a named secret.

    It knows the shapes of common keys, such as ``sk-…``, and what follows a name such as
    ``api_key=``.  It cannot know every secret: what must not be logged is not logged.
    """
    return _NAMED.sub(_named, _TOKEN.sub(_MASK, text))


def _named(found: re.Match[str]) -> str:
    return found[1] + _MASK


def logged(value: object, limit: int = 200) -> object:
    """A value as it may stand in a log: on one line, without keys, of limited length."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        # What is not seen must not hide a key.
        text = "".join(filter(_is_seen, _COLOUR.sub("", text)))
    text = mask(text)
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    return clean_text(text, limit=limit)


_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def _is_seen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf"}
