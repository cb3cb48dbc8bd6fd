"""Errors of a service: many shapes on the wire, one tree here.

A provider says in a :class:`Origin` where it asks and how it judges; :func:`parse_failure`
reads the body of a refusal, :func:`failure_of` a payload inside a stream, and
:func:`to_error` makes the error to raise.
"""

from .._retry_after import retry_after
from .bodies import failure_of, parse_failure
from .verdicts import STATUSES, Failure, Origin, Rule, Verdict, judge_by, to_error

__all__ = [
    "STATUSES",
    "Failure",
    "Origin",
    "Rule",
    "Verdict",
    "failure_of",
    "judge_by",
    "parse_failure",
    "retry_after",
    "to_error",
]
