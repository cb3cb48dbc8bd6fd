"""The directive `known-plugins`: a table of the plugins of a kind, from their entry points."""

import inspect
from typing import Any, cast

from docutils import nodes  # type: ignore[import-untyped]  # it has no types
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from junto.core.plugins import KINDS, Kind, installed, load

OURS = "junto"


def rows(kind: Kind) -> list[str]:
    """One row of a table for each of our plugins of a kind."""
    found: list[str] = []
    for plugin in installed():
        if plugin.kind == kind and plugin.distribution == OURS:
            link = f"{{class}}`~{plugin.value.replace(':', '.')}`"
            found.append(f"| `{plugin.name}` | {title(load(plugin))} | {link} |")
    return found


def title(plugin: Any) -> str:
    """The first line of its docstring."""
    return (inspect.getdoc(plugin) or "").partition("\n")[0].replace("|", r"\|")


class KnownPlugins(SphinxDirective):
    """The table; its argument is the kind."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the table in the markup of the page."""
        if self.arguments[0] not in KINDS:
            raise self.error(f"a kind is one of {', '.join(KINDS)}, not {self.arguments[0]}")
        head = ["| name | what it is | |", "|---|---|---|"]
        return self.parse_text_to_nodes("\n".join([*head, *rows(cast("Kind", self.arguments[0]))]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Let pages use it."""
    app.add_directive("known-plugins", KnownPlugins)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
