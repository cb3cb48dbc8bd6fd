"""Hosts and paths (wire.md sections 1 and 2): defaults, never a whitelist."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..transport import check_address
from ._models import Path

__all__ = [
    "CHAT_PATHS",
    "EMBEDDINGS",
    "RERANK",
    "base_url_of",
    "check_base_url",
    "check_workspace",
    "is_compatible",
    "url_of",
]

_API = "/api/v1"
_COMPATIBLE = "/compatible-mode/v1"
CHAT_PATHS: Mapping[Path, str] = {
    "text": f"{_API}/services/aigc/text-generation/generation",
    "multimodal": f"{_API}/services/aigc/multimodal-generation/generation",
    "compatible": f"{_COMPATIBLE}/chat/completions",
}
"""By the ``path`` of a model's capabilities: prefix and path."""
EMBEDDINGS = f"{_API}/services/embeddings/text-embedding/text-embedding"
RERANK = f"{_API}/services/rerank/text-rerank/text-rerank"

_SHARED = {
    "cn-beijing": "dashscope.aliyuncs.com",
    "ap-southeast-1": "dashscope-intl.aliyuncs.com",
    "us-east-1": "dashscope-us.aliyuncs.com",
    "cn-hongkong": "cn-hongkong.dashscope.aliyuncs.com",
    "eu-central-1": None,
    "ap-northeast-1": None,
    "finance": "dashscope-finance.aliyuncs.com",
}
_SHORT = {
    "cn": "cn-beijing",
    "intl": "ap-southeast-1",
    "sg": "ap-southeast-1",
    "us": "us-east-1",
    "hk": "cn-hongkong",
    "eu": "eu-central-1",
    "jp": "ap-northeast-1",
}


def base_url_of(region: str, workspace: str | None) -> str:
    """The base URL of a region, by its short name or its full id.

    The shared host where the region has one, as all keys work there, else the workspace's.

    Raises:
        ValueError: No such region, or it has no shared host and no workspace is given.
    """
    full = _SHORT.get(region.lower(), region.lower())
    if full not in _SHARED:
        known = ", ".join([*_SHORT, *_SHARED])
        raise ValueError(f"no region {region!r}: one of {known}; other hosts go into base_url=")
    host = _SHARED[full]
    if host is None:
        if workspace is None:
            raise ValueError(f"region {region!r} has no shared host: pass workspace= as well")
        host = f"{workspace}.{full}.maas.aliyuncs.com"
    return f"https://{host}{_API}"


def check_workspace(workspace: str | None) -> str | None:
    """The workspace's id, which goes into a header and may go into a host name.

    Raises:
        ValueError: It has characters that no id has.
    """
    if workspace is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", workspace):
        raise ValueError("a workspace id has letters, digits, '-' and '_'")
    return workspace


def check_base_url(url: str, *, allow_http: bool) -> str:
    """``url`` without a slash at its end, and with ``/api/v1`` if it is a bare host.

    Raises:
        ValueError: Not an http(s) URL, one with a key, query or fragment in it, or plain
            http to another machine.
    """
    example = "https://dashscope.aliyuncs.com/api/v1"
    return check_address(url, path=_API, example=example, allow_http=allow_http)


def is_compatible(base_url: str) -> bool:
    """Whether ``base_url`` is that of the compatible mode."""
    return base_url.endswith(_COMPATIBLE)


def url_of(base_url: str, path: str) -> str:
    """The URL of ``path``, which begins with the prefix of its protocol.

    All protocols have the same host, so a base URL of one leads to the others too.  A base
    URL with neither prefix is a gateway's own, and takes the place of both.
    """
    root = base_url.removesuffix(_API).removesuffix(_COMPATIBLE)
    if root == base_url:
        path = path.removeprefix(_API).removeprefix(_COMPATIBLE)
    return root + path
