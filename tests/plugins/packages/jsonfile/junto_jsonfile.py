"""A memory store in one JSON file, written as a whole each time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from attrs import asdict

from junto.advisors import Turn, check_conversation
from junto.core import Message, Part

KINDS = {kind.__name__: kind for kind in (*get_args(Message), *get_args(Part), Turn)}


def pack(value: Any) -> dict[str, Any]:
    return {"$": type(value).__name__, **asdict(value, recurse=False)}


def unpack(value: dict[str, Any]) -> Any:
    return KINDS[value.pop("$")](**value) if "$" in value else value


class JsonFileStore:
    api = 1

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def read(self) -> dict[str, list[Turn]]:
        text = self.path.read_text() if self.path.exists() else "{}"
        return dict(json.loads(text, object_hook=unpack))

    def write(self, turns: dict[str, list[Turn]]) -> None:
        new = Path(f"{self.path}.new")
        new.write_text(json.dumps(turns, default=pack))
        new.replace(self.path)

    async def load(self, conversation: str, limit: int) -> Sequence[Turn]:
        turns = self.read().get(check_conversation(conversation), [])
        return turns[max(0, len(turns) - limit) :]

    async def append(self, conversation: str, turn: Turn) -> None:
        turns = self.read().get(check_conversation(conversation), [])
        if turn.id not in [one.id for one in turns]:
            self.write(self.read() | {conversation: [*turns, turn]})

    async def clear(self, conversation: str) -> None:
        check_conversation(conversation)
        self.write({name: turns for name, turns in self.read().items() if name != conversation})

    async def conversations(self) -> Sequence[str]:
        return list(self.read())
