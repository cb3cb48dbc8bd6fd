"""`llms.txt` has every page with its title and its first sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed")

from sphinx.application import Sphinx

import known_plugins
import llms_txt
from junto.core.plugins import KINDS

DOCS = Path(__file__).resolve().parents[2] / "docs"

CONF = 'project = "tiny"\nextensions = ["myst_parser", "llms_txt", "known_plugins"]\n'

PAGES = {
    "index": """# Tiny

A *small* project: it does
little. And no more.

```{toctree}
guides/index
changelog
```
""",
    "guides/index": "# Guides\n\nAll of them.\n\n```{toctree}\nwrite\nread\n```\n",
    "guides/write": "# Write `it`\n\nSee {doc}`read`, which is `short`. More.\n\nAnd more.\n",
    "guides/read": "# Read\n\n```{note}\nNot this.\n```\n\nThis is what it does:\n\n- x\n",
    "changelog": "# Changes\n\nWhat is new? Much.\n",
}

WANTED = """# tiny

> A small project: it does little.

## Guides

- [Write it](guides/write.html): See Read, which is short.
- [Read](guides/read.html): This is what it does.

## Optional

- [Changes](changelog.html): What is new?
"""


def build(folder: Path, pages: dict[str, str], builder: str = "html") -> tuple[Path, str]:
    source = folder / "source"
    for name, text in pages.items():
        page = source / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    (source / "conf.py").write_text(CONF)
    warned = (folder / "warnings").open("w+")
    with warned:
        out = folder / "out"
        app = Sphinx(source, source, out, folder / "trees", builder, status=None, warning=warned)
        app.build()
        warned.seek(0)
        return out / "llms.txt", warned.read()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
class TestBuild:
    def test_it_lists_each_section_with_its_pages(self, tmp_path: Path) -> None:
        written, warned = build(tmp_path, PAGES)

        assert written.read_text() == WANTED
        assert "llms.txt" not in warned

    def test_a_page_without_a_sentence_is_warned_about(self, tmp_path: Path) -> None:
        _, warned = build(tmp_path, PAGES | {"changelog": "# Changes\n\n- a list\n"})

        assert "changelog.md: WARNING: the page has no first sentence for llms.txt" in warned

    def test_other_builders_write_none(self, tmp_path: Path) -> None:
        written, _ = build(tmp_path, PAGES, "text")

        assert not written.exists()

    def test_the_directive_lists_the_plugins_of_a_kind(self, tmp_path: Path) -> None:
        pages = PAGES | {"changelog": "# Changes\n\nNew.\n\n```{known-plugins} memory\n```\n"}
        written, _ = build(tmp_path, pages)

        text = written.with_name("changelog.html").read_text()
        assert "<code" in text
        assert "Turns in this process" in text


def test_each_kind_has_all_our_plugins_with_their_first_line() -> None:
    for kind in KINDS:
        rows = known_plugins.rows(kind)
        assert all(
            re.fullmatch(r"\| `[a-z_]+` \| \S.*\S \| \{class\}`~junto\..+` \|", row) for row in rows
        )
    advisors = known_plugins.rows("advisor")
    assert any("`memory`" in row and "MemoryAdvisor" in row for row in advisors)


@pytest.mark.parametrize(
    ("paragraph", "sentence"),
    [
        ("One. Two.", "One."),
        ("One\ngoes on. Two.", "One goes on."),
        ("Is it? explain() says so.", "Is it?"),
        ("These are they:", "These are they."),
        ("No end", "No end"),
        ("At 3.11 or later. Then.", "At 3.11 or later."),
    ],
)
def test_a_sentence_ends_where_it_ends(paragraph: str, sentence: str) -> None:
    assert llms_txt.first_sentence(paragraph) == sentence


def test_the_documentation_uses_both() -> None:
    conf = (DOCS / "conf.py").read_text()

    assert '"llms_txt",' in conf
    assert '"known_plugins",' in conf
    assert "{known-plugins} provider" in (DOCS / "reference" / "plugins.md").read_text()
