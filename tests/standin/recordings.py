"""The recorded answers in `tests/fixtures/dashscope`, with what their manifest says of them."""

import functools
import itertools
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import field, frozen

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "dashscope"


@frozen
class Recording:
    """One answer of the service.

    Attributes:
        name: Of its file.
        status: Of HTTP.
        headers: Those that say something about the content.
        body: The bytes.
        request: What was asked for, as the manifest has it.
        expect: What a reader must make of it.
        protocol: `native-text`, `native-mm` or `compat`.
    """

    name: str
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    request: dict[str, Any] = field(repr=False)
    expect: dict[str, Any] = field(repr=False)
    protocol: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that were sent."""
        sent: dict[str, Any] = self.request.get("json", {}).get("parameters", {})
        return sent

    def cut(self, positions: Iterable[int]) -> list[bytes]:
        """The body, cut at `positions`."""
        at = [0, *sorted(p for p in set(positions) if 0 < p < len(self.body)), len(self.body)]
        return [self.body[a:z] for a, z in itertools.pairwise(at)]

    def cut_each(self) -> list[bytes]:
        """The body, byte by byte."""
        return self.cut(range(len(self.body)))

    def cut_at_random(self, seed: int, most: int = 30) -> list[bytes]:
        """The body in some pieces; the same ones for the same seed."""
        chance = random.Random(seed)
        return self.cut(chance.randrange(len(self.body) + 1) for _ in range(most))

    def frames(self) -> list[bytes]:
        """The body, frame by frame."""
        *whole, rest = self.body.split(b"\n\n")
        return [frame + b"\n\n" for frame in whole] + ([rest] if rest else [])


@functools.cache
def recordings() -> dict[str, Recording]:
    """All recordings that are here, by name."""
    manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    found: dict[str, Recording] = {}
    for entry in manifest["fixtures"]:
        path = FOLDER / entry["file"]
        if path.is_file():
            headers = entry["headers"] or {}
            kept = {k: v for k, v in headers.items() if k.startswith(("content-type", "x-"))}
            found[path.name] = Recording(
                path.name,
                entry["status"],
                kept,
                path.read_bytes(),
                entry["request"] or {},
                entry["expect"],
                entry["protocol"],
            )
    return found


def recording(name: str) -> Recording:
    """The recording in the file `name`."""
    return recordings()[name]
