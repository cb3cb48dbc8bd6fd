"""Ways to spoil a recorded answer: bytes, frames, and the JSON inside of them."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from ..standin import recordings

Chance = random.Random

SEEDS: dict[str, bytes] = {
    recording.name: recording.body
    for recording in recordings().values()
    if recording.protocol.startswith(("native", "compat"))
}
_DATES = (b"1", b"0.5", b"-1", b"nan", b"1e999", b"Wed, 21 Oct 2065 07:28:00 GMT")


def seeds_for(law: str) -> dict[str, bytes]:
    """What to begin with: recorded answers of the kind that a law is about."""
    match law:
        case "retry_after":
            return {date.decode(): date for date in _DATES}
        case "failure":
            wanted: tuple[str, ...] = ("err",)
        case "compatible":
            wanted = ("compat",)
        case "native":
            wanted = ("native",)
        case _:
            wanted = ("native", "compat")
    return {name: body for name, body in SEEDS.items() if name.startswith(wanted)}


JUNK = (
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b":HTTP_STATUS/429\n",
    b":HTTP_STATUS/",
    b"event:error\n",
    b"event:result:HTTP_STATUS/500\n",
    b"data:",
    b"data: [DONE]\n\n",
    b"id:",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xf0\x9f",
    b"\\ud83d",
    b"\\ude00",
    b"\\u0000",
    b"\0",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"9" * 5000,
    b"1e400",
    b"NaN",
    b"sk-0123456789abcdef-secret",
    b"null",
    b" " * 50,
    b": ping\n",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "null",
    "stop",
    "\ud83d",
    "\ude00",
    "é",
    "x" * 300,
    "{",
    "{}",
    "[DONE]",
    0,
    1,
    -1,
    3,
    2**31,
    2**63,
    2**64,
    10**400,
    1.5,
    1e308,
    float("inf"),
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": 1},
    {"text": "t"},
    [{"text": "t"}],
    ["t", {"text": "u"}],
    {"message": "m", "code": "c"},
    {"index": 1, "message": {"content": "o"}, "finish_reason": "stop"},
)


def deep(levels: int) -> Any:
    """Lists inside lists."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def flip(body: bytes, chance: Chance) -> bytes:
    """Other bits in some bytes."""
    spoilt = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 8])):
        if spoilt:
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def truncate(body: bytes, chance: Chance) -> bytes:
    """The beginning, or the end."""
    at = chance.randrange(len(body) + 1)
    return body[:at] if chance.random() < 0.8 else body[at:]


def insert(body: bytes, chance: Chance) -> bytes:
    """What means something, where it does not belong."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(JUNK) + body[at:]


def drop(body: bytes, chance: Chance) -> bytes:
    """Without a slice."""
    a, z = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
    return body[:a] + body[min(z, a + 200) :]


def splice(body: bytes, chance: Chance) -> bytes:
    """The beginning of one answer and the end of another."""
    other = chance.choice(list(SEEDS.values()))
    return body[: chance.randrange(len(body) + 1)] + other[chance.randrange(len(other) + 1) :]


def shuffle(body: bytes, chance: Chance) -> bytes:
    """Frames twice, in another order, or not at all."""
    frames = body.split(b"\n\n")
    for _ in range(chance.choice([1, 3])):
        at = chance.randrange(len(frames))
        match chance.choice(["twice", "away", "swap", "open"]):
            case "twice":
                frames.insert(at, frames[at])
            case "away":
                frames.pop(at)
            case "swap":
                other = chance.randrange(len(frames))
                frames[at], frames[other] = frames[other], frames[at]
            case _:
                frames[at : at + 2] = [b"\n".join(frames[at : at + 2])]
        frames = frames or [b""]
    return b"\n\n".join(frames)


def retype(body: bytes, chance: Chance) -> bytes:
    """Values of other types, in the JSON of some frames."""
    lines = body.split(b"\n")
    places = [at for at, line in enumerate(lines) if b"{" in line]
    for at in chance.sample(places, min(len(places), chance.choice([1, 1, 2, 5]))):
        head, brace, text = lines[at].partition(b"{")
        try:
            payload = json.loads(brace + text)
        except (ValueError, RecursionError):
            continue
        for _ in range(chance.choice([1, 1, 3])):
            _spoil(payload, chance)
        spoilt = json.dumps(payload, ensure_ascii=chance.random() < 0.5, separators=(",", ":"))
        lines[at] = head + spoilt.encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _spoil(payload: Any, chance: Chance) -> None:
    """Change one place of decoded JSON."""
    places = list(_places(payload))
    if not places:
        return
    holder, key = chance.choice(places)
    match chance.choice(["value", "value", "value", "deep", "move", "away"]):
        case "deep":
            holder[key] = deep(chance.choice([3, 300]))
        case "move":
            other, place = chance.choice(places)
            if not isinstance(other[place], dict | list):
                holder[key] = other[place]
        case "away" if isinstance(holder, dict):
            holder.pop(key, None)
        case _:
            holder[key] = copy.deepcopy(chance.choice(_VALUES))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in decoded JSON: what holds it, and the key or index."""
    left = [value]
    while left:
        holder = left.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            if isinstance(holder[key], dict | list):
                left.append(holder[key])


MUTATIONS: tuple[Callable[[bytes, Chance], bytes], ...] = (
    flip,
    truncate,
    insert,
    drop,
    splice,
    shuffle,
    retype,
    retype,
    retype,
)


def mutated(body: bytes, chance: Chance) -> bytes:
    """The body, spoilt in one way or several."""
    for _ in range(chance.choice([1, 1, 2, 4])):
        body = chance.choice(MUTATIONS)(body, chance)
    return body[: 1 << 16]
