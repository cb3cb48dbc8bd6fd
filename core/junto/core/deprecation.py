"""Saying that something goes away, in good time."""

from __future__ import annotations

import warnings

__all__ = ["warn_deprecated"]

_MINORS = 2


def warn_deprecated(what: str, *, instead: str, since: str, gone: str, stacklevel: int = 2) -> None:
    """Warn that the caller uses what goes away.

    ::

        def old(self):
            warn_deprecated("ChatClient.old()", instead="ChatClient.new()", since="0.3", gone="0.5")
            return self.new()

    Args:
        what: What is deprecated, as its users write it.
        instead: What to use in its place.
        since: The version that warned first, as ``"0.3"``.
        gone: The version that is without it: two minor versions later at least, or the
            next major one.
        stacklevel: Whose call the warning is about: 2 is the caller of whoever calls this.

    Raises:
        ValueError: It would go too soon, or a version is not written like that.
    """
    first, last = _version(since), _version(gone)
    if last < first or (last[0] == first[0] and last[1] - first[1] < _MINORS):
        soonest = f"{first[0]}.{first[1] + _MINORS}"
        msg = f"what is deprecated since {since} lives until {soonest} at least, not until {gone}"
        raise ValueError(msg)
    msg = f"{what} is deprecated since version {since}, and is gone in {gone}: use {instead}"
    warnings.warn(msg, DeprecationWarning, stacklevel=stacklevel + 1)


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        msg = f"a version is written major.minor, as in '0.3', not {text!r}"
        raise ValueError(msg)
    return int(major), int(minor)
