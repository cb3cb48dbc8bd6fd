"""Messages and their parts: the values a conversation is made of.

A message is a role and a tuple of parts.  Text is a part like any other, so the same
message holds text, reasoning, tool calls and media, in the order they came.  All of
them are frozen: change one with :func:`attrs.evolve`.

Media parts are references.  junto never fetches a URL and never reads a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

from attrs import field, frozen

from ._mapping import FrozenMapping

__all__ = [
    "AssistantMessage",
    "AudioPart",
    "ImagePart",
    "Message",
    "Part",
    "ReasoningPart",
    "SystemMessage",
    "TextPart",
    "ToolCallPart",
    "ToolMessage",
    "UserMessage",
    "VideoPart",
]


@frozen
class TextPart:
    """A piece of text.

    Attributes:
        text: The text.
        cache: Marks the end of a prefix that the provider may cache, where it has an
            explicit context cache; elsewhere it is ignored.
    """

    text: str
    cache: bool = field(default=False, kw_only=True)


@frozen
class ReasoningPart:
    """A model's chain of thought.  Never part of :attr:`AssistantMessage.text`.

    Attributes:
        text: What the model thought.
        shown: How a reasoning advisor rendered it for the reader, tags included;
            ``None`` when it was left apart.
        signature: The provider's opaque seal, sent back unchanged where a provider
            asks for its reasoning again.
    """

    text: str
    shown: str | None = field(default=None, kw_only=True)
    signature: str | None = field(default=None, kw_only=True)


@frozen
class ToolCallPart:
    """A call that the model asks for.

    Attributes:
        id: The provider's id of the call; the answer carries it back.
        name: The tool's name.
        arguments: The arguments as JSON text, exactly as the model wrote them: it may
            be invalid JSON.
    """

    id: str
    name: str
    arguments: str = "{}"


@frozen(kw_only=True)
class _Media:
    """What the media parts share: a URL or the bytes themselves, never both.

    Attributes:
        url: Where the provider finds it; junto never fetches it.
        data: The bytes; sent as base64.
        media_type: Of the bytes, such as ``"image/png"``.
        cache: Marks the end of a prefix that the provider may cache, as in :class:`TextPart`.
        extra: Any other key of the provider for this part, such as ``min_pixels``.
    """

    url: str | None = None
    data: bytes | None = field(default=None, repr=False)
    media_type: str | None = None
    cache: bool = False
    extra: Mapping[str, Any] = field(factory=dict[str, Any], converter=FrozenMapping, hash=False)

    def __attrs_post_init__(self) -> None:
        _check_media(type(self).__name__, self, ("url", "data"))


@frozen(kw_only=True)
class ImagePart(_Media):
    """An image, by ``url`` (``http``, ``https`` or ``data``) or by ``data`` (bytes)."""


@frozen(kw_only=True)
class AudioPart(_Media):
    """A recording, by ``url`` or by ``data`` (bytes)."""


def _frames(value: Iterable[str | ImagePart] | None) -> tuple[ImagePart, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        raise TypeError("frames= takes several images; one film goes into url=")
    return tuple(ImagePart(url=frame) if isinstance(frame, str) else frame for frame in value)


@frozen(kw_only=True)
class VideoPart(_Media):
    """A film, by ``url``, by ``data`` (bytes), or as ``frames``: images in their order.

    Attributes:
        frames: Image parts or their URLs.
    """

    frames: tuple[ImagePart, ...] | None = field(default=None, converter=_frames)

    def __attrs_post_init__(self) -> None:
        _check_media(type(self).__name__, self, ("url", "data", "frames"))


def _check_media(kind: str, part: _Media, names: tuple[str, ...]) -> None:
    if sum(getattr(part, name) is not None for name in names) != 1:
        msg = f"{kind} takes exactly one of {' and '.join(f'{name}=' for name in names)}"
        raise ValueError(msg)
    if part.data is not None and part.media_type is None:
        msg = f"{kind}(data=…) needs media_type=, such as 'image/png'"
        raise ValueError(msg)


Part: TypeAlias = TextPart | ReasoningPart | ToolCallPart | ImagePart | AudioPart | VideoPart
"""Anything that a message can hold."""

_PARTS = (TextPart, ReasoningPart, ToolCallPart, ImagePart, AudioPart, VideoPart)


def _to_parts(content: str | Part | Iterable[str | Part]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),) if content else ()
    if isinstance(content, _PARTS):
        return (content,)
    # The signature is a promise that an untyped caller may break: say what is wanted.
    given: Any = content
    plural = hasattr(given, "__iter__") and not isinstance(given, bytes | bytearray)
    items: list[Any] = list(given) if plural else [given]
    for item in items:
        if not isinstance(item, (str, *_PARTS)):
            msg = f"a message holds text or parts, not {type(item).__name__}"
            raise TypeError(msg)
    return tuple(TextPart(item) if isinstance(item, str) else item for item in items)


def _text_of(parts: tuple[Part, ...]) -> str:
    return "".join([part.text for part in parts if isinstance(part, TextPart)])


@frozen
class _Message:
    """What all messages share: ``parts``, and the text in them."""

    parts: tuple[Part, ...] = field(converter=_to_parts)

    @property
    def text(self) -> str:
        """The text parts, joined.  Reasoning is not text."""
        return _text_of(self.parts)


@frozen
class SystemMessage(_Message):
    """Instructions to the model.  Takes a string, a part, or several of either."""

    role: ClassVar[str] = "system"


@frozen
class UserMessage(_Message):
    """What the user says.  Takes a string, a part, or several of either."""

    role: ClassVar[str] = "user"


@frozen
class AssistantMessage(_Message):
    """What the model said.  Takes a string, a part, or several of either.

    As the *last* message of a request it is the beginning of the answer, which the
    model is asked to continue (partial mode, where the model has it).
    """

    role: ClassVar[str] = "assistant"

    @property
    def reasoning(self) -> str:
        """The chain of thought, joined; empty when there was none."""
        return "".join([part.text for part in self.parts if isinstance(part, ReasoningPart)])

    @property
    def tool_calls(self) -> tuple[ToolCallPart, ...]:
        """The calls that the model asks for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart))

    @property
    def display_text(self) -> str:
        """What the reader was shown: the text, and reasoning where an advisor shows it."""
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, TextPart):
                pieces.append(part.text)
            elif isinstance(part, ReasoningPart) and part.shown is not None:
                pieces.append(part.shown)
        return "".join(pieces)

    def without_reasoning(self) -> AssistantMessage:
        """The same message as history keeps it: no chain of thought."""
        return AssistantMessage([p for p in self.parts if not isinstance(p, ReasoningPart)])


@frozen
class ToolMessage(_Message):
    """The answer to one tool call.

    Attributes:
        call_id: The :attr:`ToolCallPart.id` that this answers.
        name: The tool's name, where known.
        is_error: The tool failed, and the text says how.
    """

    role: ClassVar[str] = "tool"

    call_id: str = field(kw_only=True)
    name: str = field(default="", kw_only=True)
    is_error: bool = field(default=False, kw_only=True)


Message: TypeAlias = SystemMessage | UserMessage | AssistantMessage | ToolMessage
"""One entry of a conversation."""
