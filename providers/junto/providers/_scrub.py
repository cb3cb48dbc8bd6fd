"""Foreign text without the key: a service can write back what it was sent."""

from __future__ import annotations

import re

from junto.core import Secret

__all__ = ["scrub"]

_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{6,}", re.IGNORECASE)
_BEARER = re.compile(r"(?i)\bbearer\s+\S+")


def scrub(text: str, key: Secret | None) -> str:
    """``text`` without ``key``, in whatever case, and without anything that looks like one."""
    if key is not None and len(secret := key.reveal()) >= 4:
        text = re.sub(re.escape(secret), "…", text, flags=re.IGNORECASE)
    return _KEY.sub("sk-…", _BEARER.sub("Bearer …", text))
