"""Validators and converters for a provider's own options.

A mistake is told when the options are made, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import Attribute

__all__ = ["between", "texts", "whole"]


def between(
    low: float, high: float, *, at: str, open_low: bool = False, open_high: bool = False
) -> Any:
    """A validator of numbers; an open end does not belong to the range.

    Args:
        low: The lowest.
        high: The highest.
        at: Whose range it is, for the error.
        open_low: ``low`` itself is too low.
        open_high: ``high`` itself is too high.
    """
    shown = (
        f"{'above' if open_low else 'from'} {low:g} {'to below' if open_high else 'to'} {high:g}"
    )

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"{attribute.name} is a number, not {value!r}"
            raise TypeError(msg)
        inside = (low < value if open_low else low <= value) and (
            value < high if open_high else value <= high
        )
        if not inside:
            msg = f"{attribute.name} is {shown} with {at}, not {value!r}"
            raise ValueError(msg)

    return check


def whole(low: int, high: int | None = None, *, at: str) -> Any:
    """A validator of whole numbers.

    Args:
        low: The lowest.
        high: The highest.
        at: Whose range it is, for the error.
    """

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            msg = f"{attribute.name} is a whole number, not {value!r}"
            raise TypeError(msg)
        if value < low or (high is not None and value > high):
            shown = f"at least {low}" if high is None else f"from {low} to {high}"
            msg = f"{attribute.name} is {shown} with {at}, not {value!r}"
            raise ValueError(msg)

    return check


def texts(value: Iterable[str] | None) -> tuple[str, ...] | None:
    """A converter of texts to a tuple of them.

    Raises:
        TypeError: It is one text, whose letters nobody meant.
    """
    if isinstance(value, str):
        raise TypeError(f"a list of texts is wanted, not the text {value!r}")
    return None if value is None else tuple(value)
