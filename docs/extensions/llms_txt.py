"""Writes `llms.txt`: the pages with their first sentences, for programs that read documentation.

The format is that of llmstxt.org: a title, a quotation, and a list of links for each section.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from docutils import nodes  # type: ignore[import-untyped]  # it has no types
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

log = logging.getLogger(__name__)


@frozen
class Page:
    """A page: its title, its first sentence, and where it is."""

    title: str
    sentence: str
    address: str

    def line(self) -> str:
        """The page as an entry of a list."""
        return f"- [{self.title}]({self.address}): {self.sentence}"


def rendered(title: str, summary: str, sections: Sequence[tuple[str, Sequence[Page]]]) -> str:
    """Write the file's text."""
    blocks = [f"# {title}", f"> {summary}"]
    for name, pages in sections:
        blocks += [f"## {name}", "\n".join(page.line() for page in pages)]
    return "\n\n".join(blocks) + "\n"


def first_sentence(text: str) -> str:
    """The first sentence of a paragraph, on one line; what leads over to a list is one."""
    sentence = re.split(r"(?<=[.!?])\s+", " ".join(text.split()), maxsplit=1)[0]
    return f"{sentence[:-1]}." if sentence.endswith(":") else sentence


def sentence_of(doctree: nodes.document) -> str:
    """The first sentence of a page, outside of tables and notes; empty if there is none."""
    for section in doctree.findall(nodes.section):
        for child in section.children:
            if isinstance(child, nodes.paragraph) and child.astext().strip():
                return first_sentence(child.astext())
    return ""


def page_of(app: Sphinx, name: str) -> Page:
    """Look up a page; one without a first sentence is worth a warning."""
    # Resolved, so that a link has its text and not its target.
    sentence = sentence_of(app.env.get_and_resolve_doctree(name, app.builder))
    if not sentence:
        log.warning("the page has no first sentence for llms.txt", location=name)
    return Page(app.env.titles[name].astext(), sentence, app.builder.get_target_uri(name))


def sections_of(app: Sphinx, root: str) -> Iterator[tuple[str, list[Page]]]:
    """Yield each section with its pages; what stands alone goes last, as optional."""
    alone: list[Page] = []
    for name in children_of(app.env, root):
        inside = children_of(app.env, name)
        if inside:
            yield app.env.titles[name].astext(), [page_of(app, each) for each in inside]
        else:
            alone.append(page_of(app, name))
    if alone:
        yield "Optional", alone


def children_of(env: BuildEnvironment, name: str) -> list[str]:
    """The pages that a page lists, in its order."""
    return env.toctree_includes.get(name, [])


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the file into the folder that was built."""
    if error is not None or app.builder.format != "html":
        return
    root = app.config.root_doc
    summary = page_of(app, root).sentence
    text = rendered(app.config.project, summary, list(sections_of(app, root)))
    Path(app.outdir, "llms.txt").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx call it at the end of a build."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
