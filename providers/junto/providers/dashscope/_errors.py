"""What an error of DashScope means, and what a person can do about it."""

from __future__ import annotations

from junto.core import Secret, clean_text

from ..failures import Failure, Origin, Verdict, judge_by
from ._error_table import RULES

__all__ = ["origin_of"]

_REGIONS = "keys belong to one region: cn (dashscope.aliyuncs.com), intl, us, hk, eu, jp"
_HINTS = {
    "stream_required": "stream it: the capability table lacks this model, so pass"
    ' capabilities={"stream": "only"}',
    "wrong_path": "this model answers on the other path: pass"
    ' capabilities={"path": "multimodal"}, or "text"',
    "context_length": "shorten the conversation",
}


def origin_of(model: str, host: str, key: Secret | None = None, key_source: str = "") -> Origin:
    """Where a request goes, with this service's way of reading errors."""
    return Origin(model, host, key, key_source, judge=_judge, hint=_hint)


def _judge(failure: Failure) -> Verdict:
    return judge_by(failure, RULES)


def _hint(verdict: Verdict, origin: Origin) -> str:
    if verdict.kind == "auth":
        key = f"the key came from {origin.key_source}" if origin.key_source else "check the key"
        plan = "; plan keys (sk-sp-…) need the plan's own base_url" if _is_plan(origin) else ""
        return f"{key} and was sent to {origin.host}; {_REGIONS}{plan}"
    if verdict.kind == "model_not_found":
        return f"model {clean_text(origin.model, 60)!r} at {origin.host}"
    return _HINTS.get(verdict.kind, "")


def _is_plan(origin: Origin) -> bool:
    return origin.key is not None and origin.key.reveal().startswith("sk-sp-")
