"""The table of disagreements, and the page that is made from it.

`python -m tests.providers.dashscope.differential.table` writes the page's table anew.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

DATA = Path(__file__).with_name("disagreements.toml")
PAGE = Path(__file__).parents[4] / "docs" / "explanation" / "official-sdks.md"
BEGIN, END = "<!-- begin: disagreements -->\n", "<!-- end: disagreements -->\n"

Key = tuple[str, str, str]


@frozen
class Row:
    """One disagreement.

    Attributes:
        sdk: Which SDK.
        fields: In what of the reading.
        recordings: Where it is seen.
        right: `"junto"` or `"sdk"`.
        reads: What the SDK makes of it, for people.
        because: Why the one is right that is.
        source: Where the specification says so.
    """

    sdk: str
    fields: list[str]
    recordings: list[str]
    right: str
    reads: str
    because: str
    source: str

    def cases(self) -> list[Key]:
        """Each single disagreement: the SDK, the recording and the field."""
        return [(self.sdk, name, field) for name in self.recordings for field in self.fields]


def rows() -> list[Row]:
    """All rows of the table."""
    return [Row(**row) for row in tomllib.loads(DATA.read_text("utf-8"))["row"]]


def as_markdown(table: Iterable[Row]) -> str:
    """The table as the page has it: each statement once, with the SDKs that it is true of."""
    said: dict[tuple[str, str], list[str]] = {}
    for row in table:
        said.setdefault((row.reads, row.because), []).append(f"`{row.sdk}`")
    lines = ["| SDK | How it reads | What is right |", "|---|---|---|"]
    lines += [f"| {', '.join(sdks)} | {reads} | {why} |" for (reads, why), sdks in said.items()]
    return "\n".join(lines) + "\n"


def page_with(table: str) -> str:
    """The page with this table in it."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return before + BEGIN + table + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page_with(as_markdown(rows())), "utf-8")
