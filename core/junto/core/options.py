"""Options of a request: unset, or set, and ``False`` is set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import evolve, field, fields, frozen

from ._mapping import FrozenMapping
from ._near import nearest

__all__ = ["ChatOptions", "Tool"]


def _optional_tuple(value: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


def _tools(value: Iterable[Tool] | None) -> tuple[Tool, ...] | None:
    return None if value is None else tuple(value)


@frozen
class Tool:
    """A tool that the model may ask for.

    Attributes:
        name: Letters, digits, ``_`` and ``-``; at most 64 characters.
        description: What it does, for the model.
        parameters: JSON Schema of the arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(
        factory=dict[str, Any], converter=FrozenMapping, hash=False
    )


def _within(low: float, high: float) -> Any:  # attrs' validator protocol is untyped
    def check(_instance: Any, attribute: Any, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"{attribute.name} is a number, not {value!r}"
            raise TypeError(msg)
        if not low <= value <= high:
            msg = f"{attribute.name} lies between {low} and {high}, not at {value!r}"
            raise ValueError(msg)

    return check


def _at_least(low: int) -> Any:  # attrs' validator protocol is untyped
    def check(_instance: Any, attribute: Any, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            msg = f"{attribute.name} is a whole number, not {value!r}"
            raise TypeError(msg)
        if value < low:
            msg = f"{attribute.name} is at least {low}, not {value!r}"
            raise ValueError(msg)

    return check


@frozen(kw_only=True, repr=False)
class ChatOptions:
    """How the model is to answer.  ``None`` leaves a thing to the provider.

    A provider may subclass this with options of its own (with ``repr=False``, to show
    only what is set); what neither knows goes through ``extra`` unchanged.

    Attributes:
        model: Another model of the same provider, for this request.
        temperature: 0 to 2; lower is more predictable.
        top_p: Above 0, up to 1: nucleus sampling.
        top_k: How many candidates; 0 leaves it open.
        max_tokens: The longest answer, in tokens.
        stop: Texts that end the answer.
        seed: For answers that repeat, as far as the provider keeps them so.
        presence_penalty: -2 to 2.
        frequency_penalty: -2 to 2.
        logprobs: Ask for the probabilities of the tokens.
        top_logprobs: And of how many alternatives.
        thinking: Switch the chain of thought on or off, where the model can.
        thinking_budget: The most tokens to think for.
        tools: What the model may call.
        tool_choice: ``"auto"``, ``"none"``, ``"required"`` or a tool's name.
        parallel_tool_calls: Let the model ask for several calls at once.
        response_format: ``"text"``, ``"json_object"``, or a mapping such as
            ``{"type": "json_schema", …}``, sent as it is.
        extra: Any other parameter of the provider, by its name on the wire.
    """

    model: str | None = None
    temperature: float | None = field(default=None, validator=_within(0, 2))
    top_p: float | None = field(default=None, validator=_within(0, 1))
    top_k: int | None = field(default=None, validator=_at_least(0))
    max_tokens: int | None = field(default=None, validator=_at_least(1))
    stop: tuple[str, ...] | None = field(default=None, converter=_optional_tuple)
    seed: int | None = field(default=None, validator=_at_least(0))
    presence_penalty: float | None = field(default=None, validator=_within(-2, 2))
    frequency_penalty: float | None = field(default=None, validator=_within(-2, 2))
    logprobs: bool | None = None
    top_logprobs: int | None = field(default=None, validator=_at_least(0))
    thinking: bool | None = None
    thinking_budget: int | None = field(default=None, validator=_at_least(1))
    tools: tuple[Tool, ...] | None = field(default=None, converter=_tools)
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    response_format: str | Mapping[str, Any] | None = field(default=None, hash=False)
    extra: Mapping[str, Any] = field(factory=dict[str, Any], converter=FrozenMapping, hash=False)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Build options from keywords; an unknown one is an error that names the nearest.

        Raises:
            TypeError: For a keyword that is not an option.
        """
        cls._check_names(values)
        return cls(**values)

    def with_(self, **values: Any) -> Self:
        """These options with some changed; ``extra`` is added to, the rest replaced.

        Raises:
            TypeError: For a keyword that is not an option.
        """
        self._check_names(values)
        if "extra" in values:
            values["extra"] = {**self.extra, **values["extra"]}
        return evolve(self, **values)

    def merged(self, over: ChatOptions | None) -> ChatOptions:
        """These options with those that ``over`` sets on top.

        The result has the more specific of the two classes, so that a provider's own
        options survive plain ones on top, and the other way round.
        """
        if over is None:
            return self
        cls = type(over) if isinstance(over, type(self)) else type(self)
        names = {a.name for a in fields(cls)}
        values: dict[str, Any] = {}
        for options in (self, over):
            for a in fields(type(options)):
                value = getattr(options, a.name)
                if a.name in names and a.name != "extra" and value is not None:
                    values[a.name] = value
        return cls(**values, extra={**self.extra, **over.extra})

    def __repr__(self) -> str:
        given = [(a.name, getattr(self, a.name)) for a in fields(type(self))]
        shown = [
            f"{name}={value!r}"
            for name, value in given
            if value is not None and (name != "extra" or value)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def _check_names(cls, values: Mapping[str, Any]) -> None:
        names = [a.name for a in fields(cls)]
        for name in values:
            if name not in names:
                near = nearest(name, names)
                hint = f"did you mean {near!r}?" if near else "pass it as extra={…}"
                msg = f"{name!r} is not an option: {hint}"
                raise TypeError(msg)
