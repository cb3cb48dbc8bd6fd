"""Parameters in a name are typed by the annotations of what is called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from junto.core import ChatClient, ChatError, PluginError, resolve_advisor

from .conftest import Installed

SOURCE = '''
from __future__ import annotations
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, TypedDict, Unpack
from junto.core import Advisor
if TYPE_CHECKING:
    from nowhere import Thing
Count = NewType("Count", int)
Level = Literal["low", "high", 3, True, None]

class More(TypedDict, total=False):
    region: str
    connections: int

class Typed(Advisor):
    """Keeps what it was given."""
    def __init__(
        self,
        number: int = 1,
        *,
        share: float = 0.5,
        wanted: bool = False,
        text: str = "",
        limit: int | None = 7,
        either: int | str = 0,
        flag: bool | int = 0,
        level: Level = "low",
        count: Count | None = None,
        noted: Annotated[int, "seconds"] = 1,
        words: Iterable[str] = (),
        sizes: list[int] | None = None,
        mode: Callable[[str], str] | Literal["buffer"] = "buffer",
        check: Callable[[str], str] | None = None,
        checks: Sequence[Callable[[str], str]] = (),
        thing: Thing | None = None,
        anything: Any = None,
        untyped=3,
        bare=None,
        **more: Unpack[More],
    ):
        self.given = {k: v for k, v in locals().items() if k not in ("self", "more", "__class__")}
        self.given |= more
    async def before(self, request, ctx):
        return request

def needs(words: int) -> Typed:
    return Typed(words)

def refuses(words: int = 1) -> Typed:
    raise ValueError("words is at least 2")

def fails(words: int = 1) -> Typed:
    return len(words)

class Open(Advisor):
    def __init__(self, **anything):
        pass

def nothing() -> None:
    return None
'''


@pytest.fixture(autouse=True)
def announced(installed: Installed) -> None:
    entries = {name.lower(): f"zz_typed:{name}" for name in ("Typed", "needs", "refuses", "fails")}
    entries |= {"open": "zz_typed:Open", "nothing": "zz_typed:nothing"}
    installed.distribution("zz-typed", {"advisors": entries, "providers": {"zz": "zz_typed:Open"}})
    installed.module("zz_typed", SOURCE)


def given(query: str) -> dict[str, Any]:
    advisor: Any = resolve_advisor(f"typed?{query}")
    values: dict[str, Any] = advisor.given
    return values


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("number=20", "number", 20),
        ("number=-1", "number", -1),
        ("share=0.25", "share", 0.25),
        ("share=2", "share", 2.0),
        ("wanted=true", "wanted", True),
        ("wanted=Yes", "wanted", True),
        ("wanted=0", "wanted", False),
        ("wanted=off", "wanted", False),
        ("text=20", "text", "20"),
        ("text=", "text", ""),
        ("text=a=b", "text", "a=b"),
        ("text=a+b", "text", "a+b"),
        ("text=a%26b%3Dc%20%E4%BD%A0", "text", "a&b=c 你"),
        ("text=none", "text", "none"),
        ("limit=none", "limit", None),
        ("limit=3", "limit", 3),
        ("either=3", "either", 3),
        ("either=three", "either", "three"),
        ("flag=1", "flag", 1),
        ("flag=on", "flag", True),
        ("level=high", "level", "high"),
        ("level=3", "level", 3),
        ("level=true", "level", True),
        ("level=none", "level", None),
        ("count=5", "count", 5),
        ("noted=5", "noted", 5),
        ("words=a", "words", ("a",)),
        ("words=a&text=x&words=b", "words", ("a", "b")),
        ("sizes=1&sizes=2", "sizes", [1, 2]),
        ("sizes=none", "sizes", None),
        ("mode=buffer", "mode", "buffer"),
        ("anything=5", "anything", "5"),
        ("untyped=5", "untyped", 5),
        ("bare=5", "bare", "5"),
        ("region=intl", "region", "intl"),
        ("connections=5", "connections", 5),
    ],
)
def test_a_parameter_has_the_type_of_its_annotation(query: str, name: str, value: Any) -> None:
    found = given(query)[name]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("number=many", "number of advisor 'typed' (zz-typed 1.0) is a whole number, not 'many'"),
        ("number=1.5", "is a whole number, not '1.5'"),
        ("share=half", "share of advisor 'typed' (zz-typed 1.0) is a number, not 'half'"),
        ("wanted=maybe", "is true or false, not 'maybe'"),
        ("limit=all", "is none or a whole number, not 'all'"),
        ("level=hgh", "did you mean 'high'?"),
        ("level=x", "is 'low' or 'high' or 3 or True or None, not 'x'"),
        ("number=1&number=2", "is a whole number, not 2 values"),
        ("sizes=1&sizes=x", "is none or a list (key=one&key=two), each a whole number, not 'x'"),
        ("nubmer=1", "has no parameter 'nubmer'; did you mean 'number'?"),
        ("regoin=x", "did you mean 'region'?"),
        ("zzz=1", "has no parameter 'zzz'; there are number, share"),
        ("check=x", "check of advisor 'typed' (zz-typed 1.0) cannot be written in a name"),
        ("checks=x", "make it yourself, as Typed(checks=…)"),
        ("thing=x", "make it yourself, as Typed(thing=…)"),
        ("mode=window", "mode of advisor 'typed' (zz-typed 1.0) is 'buffer'"),
        ("number", "parameter 'number' of 'typed' is not written key=value"),
        ("=1", "is not written key=value"),
        ("number=1&", "is not written key=value"),
    ],
)
def test_one_that_does_not_fit_names_the_plugin_and_the_nearest(query: str, says: str) -> None:
    with pytest.raises(PluginError) as raised:
        given(query)

    assert says in str(raised.value)


def test_what_is_required_and_missing_is_named() -> None:
    with pytest.raises(PluginError, match="missing a required argument: 'words'; make it yourself"):
        resolve_advisor("needs")

    assert resolve_advisor("needs?words=3").name == ""


def test_what_the_plugin_itself_says_passes_unchanged() -> None:
    with pytest.raises(ValueError, match=r"^words is at least 2$") as value:
        resolve_advisor("refuses?words=1")
    with pytest.raises(TypeError, match="len") as wrong:
        resolve_advisor("fails")

    assert not isinstance(value.value, ChatError)
    assert not isinstance(wrong.value, ChatError)


def test_keywords_without_types_can_be_given_nothing() -> None:
    with pytest.raises(PluginError, match="has no parameter 'x'; there are none"):
        resolve_advisor("open?x=1")


def test_one_that_makes_nothing_is_named() -> None:
    with pytest.raises(PluginError, match=r"advisor 'nothing' \(zz-typed 1\.0\) gave no advisor"):
        resolve_advisor("nothing")
    with pytest.raises(PluginError, match=r"provider 'zz' .* gave no chat model"):
        ChatClient("zz")


def test_our_own_advisors_take_their_parameters() -> None:
    client = ChatClient(
        "scripted:x",
        advisors=[
            "memory?max_messages=4&keep_reasoning=yes",
            "safeguard?words=bomb&words=poison&sides=output",
            "reasoning?show=drop",
            "logging?content=true",
        ],
    )
    advisors: Iterable[Any] = [entry.advisor for entry in client.chain.entries]
    logging, guard, memory, reasoning = advisors

    assert (memory.max_messages, memory.keep_reasoning) == (4, True)
    assert guard.sides == "output"
    assert reasoning.show == "drop"
    assert logging.content is True
