"""What the stores that talk to a server share: drivers, addresses, names."""

from __future__ import annotations

import importlib
import re
from typing import Any

from junto.core import MissingExtraError

__all__ = ["check_prefix", "driver", "named"]

_PREFIX = re.compile("[a-z_]{1,32}")
_PORT = re.compile(r"[^:\[\]]*(:\d+)?|\[[^\]]*\](:\d+)?")


def driver(module: str, extra: str) -> Any:
    """The module of a driver.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        msg = f"a store in {extra} needs an extra: pip install 'junto[{extra}]'"
        raise MissingExtraError(msg) from error


def named(where: Any, method: str, what: str) -> str:
    """How a store shows where it is.

    Raises:
        TypeError: It is neither an address nor what has this method.
        ValueError: It is an address that cannot be.
    """
    if isinstance(where, str):
        return shown(where)
    if isinstance(where, type) or not callable(getattr(where, method, None)):
        msg = f"a store takes an address or {what}, not {type(where).__name__}"
        raise TypeError(msg)
    return f"given {what.removeprefix('a ')}"


def check_prefix(prefix: str) -> str:
    """What the names in a shared server begin with, if it can be that.

    Raises:
        ValueError: It has other characters than a to z and _, or more than 32.
    """
    if not _PREFIX.fullmatch(prefix):
        msg = f"a prefix has 1 to 32 of the characters a to z and _, and is not {prefix!r}"
        raise ValueError(msg)
    return prefix


def shown(address: str) -> str:
    """An address as it may be seen: without user, password and options.

    Raises:
        ValueError: It is cut at another place than its author meant.
    """
    scheme, _, rest = address.partition("://")
    end = re.search("[/?#]", rest)
    place, path = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    path = re.split("[?#]", path)[0]
    hosts = place.rpartition("@")[2]
    # It may be a piece of a password, so it is not repeated.
    if "@" in path or not all(_PORT.fullmatch(host) for host in hosts.split(",")):
        msg = (
            f"an address {scheme}://… has a port that is no number, or a password with one of "
            "/ ? # @ in it: write these as %2F %3F %23 %40"
        )
        raise ValueError(msg)
    return f"{scheme}://{hosts}{path}"
